from __future__ import annotations

import mpmath as mp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.incentives.logistic_kernels import logistic

from .exact import DIGITS


@settings(max_examples=200)
@given(st.floats(-700, 700))
def test_logistic_function_against_fifty_digits_keeps_both_tails(x: float) -> None:
    with mp.workdps(DIGITS):
        power = mp.exp(-mp.mpf(x))
        chance, density = logistic(x)
        assert abs(chance * (1 + power) - 1) < 1e-15
        assert abs(density * (1 + power) ** 2 / power - 1) < 2e-15


@pytest.mark.parametrize(("x", "chance"), [(-1e308, 0.0), (1e308, 1.0)])
def test_logistic_function_of_large_arguments_is_its_limit(x: float, chance: float) -> None:
    assert logistic(x) == (chance, 0.0)
