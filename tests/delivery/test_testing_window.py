"""The discounted mass of a plan, against the sum over the times of its impressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.delivery import testing_window as window_of
from creatorpool.errors import InputError
from creatorpool.incentives import Policy, QuadraticCost, discounted_mass, implementability_bounty


@given(st.lists(st.floats(0, 400), min_size=1, max_size=4), st.floats(0.5, 1.0))
def test_mass_is_the_discounted_mass_of_the_impressions_times(days: list[float], delta: float) -> None:
    times = [day + (j - 0.5) / int(x) for day, x in enumerate(days) for j in range(1, int(x) + 1)]
    window = window_of([days], delta)
    assert window.n[0] == len(times)
    np.testing.assert_allclose(window.mass[0], discounted_mass(times, delta) if times else 0.0, rtol=1e-9)


def test_millions_of_impressions_keep_their_precision() -> None:
    # The limit is the integral of δ^t over the day.
    np.testing.assert_allclose(window_of([1e9], 0.9).mass[0], 1e9 * 0.1 / -np.log(0.9), rtol=1e-9)


def test_guarantee_is_a_policys_window() -> None:
    window = window_of([20.0, 0.4], 0.9)
    assert window.n.tolist() == [20, 0]
    assert window.mass[1] == 0.0
    policy = Policy(mass=window.mass[0], n=int(window.n[0]), k=8, bounty=0.0, g0=12, g1=26, revenue_share=0.5)
    assert implementability_bounty(policy, QuadraticCost(80.0)).bounty > 0


@pytest.mark.parametrize(("impressions", "delta"), [([-1.0], 0.9), ([np.inf], 0.9), ([1.0], 0.0), ([[[1.0]]], 0.9)])
def test_impossible_arguments_are_refused(impressions: list[float], delta: float) -> None:
    with pytest.raises(InputError):
        window_of(impressions, delta)
