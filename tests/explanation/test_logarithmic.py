"""The logarithmic mean against extended precision."""

from __future__ import annotations

import mpmath
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.explanation.logarithmic import log_change, log_mean

amounts = st.floats(1e-6, 1e15)


@given(amounts, st.one_of(amounts, st.floats(-1e-3, 1e-3)))
def test_log_mean_of_close_numbers_keeps_its_digits(a, b):
    b = a * (1 + b) if abs(b) <= 1e-3 and b <= 0 else b
    with mpmath.workdps(60):
        x, y = mpmath.mpf(a), mpmath.mpf(b)
        exact = x if a == b else (x - y) / mpmath.log(x / y)
    assert abs(float(log_mean([a], [b])[0]) / exact - 1) < 1e-13
    assert log_mean([a], [b])[0] == log_mean([b], [a])[0]


@given(amounts, amounts)
def test_log_mean_times_log_change_is_the_change(a, b):
    assert np.isclose(log_mean(a, b) * log_change(a, b), b - a, rtol=1e-10, atol=1e-9 * max(a, b))
    assert log_change(a, b) == -log_change(b, a)


def test_log_mean_and_change_with_a_zero_are_zero():
    assert log_mean([0.0, 0.0], [5.0, 0.0]).tolist() == [0.0, 0.0]
    assert log_change([0.0, 0.0], [5.0, 0.0]).tolist() == [0.0, 0.0]
