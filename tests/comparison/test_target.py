"""The search for λ_eff on curves with known answers, and on pools."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.comparison.pools import random_pool

from creatorpool.allocation.concentration import gini
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.target import find_lambda
from creatorpool.errors import InputError


@given(st.floats(0.0, 1.0), st.floats(0.2, 5.0))
@example(1e-13, 0.25)
@example(1e-40, 0.2)
def test_find_lambda_on_a_monotone_curve_finds_its_root(place: float, power: float) -> None:
    found = find_lambda(lambda x: x**power, place**power)

    assert found.value == pytest.approx(place**power, abs=1e-9)
    assert found.lambda_eff is not None
    assert found.lambda_eff**power == found.value
    assert (found.least, found.most) == (0.0, 1.0)


@given(st.floats(-14.0, -1.0))
def test_find_lambda_on_a_curve_that_changes_only_at_its_end(exponent: float) -> None:
    threshold = 10.0**exponent
    found = find_lambda(lambda x: threshold / (threshold + 1.0 - x), 0.5)

    assert found.lambda_eff is not None
    assert 1.0 - found.lambda_eff == pytest.approx(threshold, rel=0.02)


def test_find_lambda_on_a_falling_curve_works_as_well() -> None:
    assert find_lambda(lambda x: 3.0 - x, 2.25).lambda_eff == pytest.approx(0.75, abs=1e-8)


@pytest.mark.parametrize("target", [0.1, 0.95])
def test_find_lambda_of_an_unreachable_target_gives_the_reachable_range(target: float) -> None:
    found = find_lambda(lambda x: 0.2 + 0.5 * x, target)

    assert (found.lambda_eff, found.value) == (None, None)
    assert (found.least, found.most) == (pytest.approx(0.2), pytest.approx(0.7))


def test_find_lambda_at_a_jump_ends_beside_it_with_the_value_there() -> None:
    found = find_lambda(lambda x: 0.0 if x < 0.33 else 1.0, 0.4)

    assert found.lambda_eff == pytest.approx(0.33, abs=1e-12)
    assert found.value == 0.0


def test_find_lambda_with_a_jump_at_one_itself_terminates() -> None:
    found = find_lambda(lambda x: 1.0 if x == 1.0 else 0.0, 0.7)

    assert found.lambda_eff == 1.0
    assert found.value == 1.0


def test_find_lambda_on_a_curve_that_is_not_monotone_takes_the_first_crossing() -> None:
    found = find_lambda(lambda x: math.sin(math.pi * x), 0.5)

    assert found.lambda_eff == pytest.approx(1 / 6, abs=1e-8)


def test_find_lambda_of_nan_is_refused() -> None:
    with pytest.raises(InputError, match="target must be finite"):
        find_lambda(lambda x: x, math.nan)


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("seed", range(3))
def test_find_lambda_on_a_pool_reaches_the_gini_between_its_ends(
    objective: Literal["linear", "log"], seed: int
) -> None:
    pool = random_pool(seed, videos=50)

    def curve(place: float) -> float:
        return gini(pool.split(SplitPolicy(objective, 0.5, place)).payout)

    target = 0.7 * curve(0.0) + 0.3 * curve(1.0)
    found = find_lambda(curve, target)

    assert found.lambda_eff is not None
    assert curve(found.lambda_eff) == pytest.approx(target, abs=1e-9)
