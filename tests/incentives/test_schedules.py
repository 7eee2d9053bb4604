from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.incentives import (
    IdentityLink,
    Policy,
    QuadraticCost,
    best_response,
    discounted_mass,
    earliest_schedule,
    scheduled_window,
)


def test_discounted_mass_of_a_hand_worked_schedule() -> None:
    assert discounted_mass([0, 1, 1, 3], 0.5) == pytest.approx(1 + 0.5 + 0.5 + 0.125)
    np.testing.assert_allclose(discounted_mass([[0, 1], [2, 3]], [1.0, 0.5]), [2.0, 0.375])


def test_earliest_schedule_respects_caps_and_eligibility() -> None:
    times = earliest_schedule(5, [1, 3, 2, 2, 9], [True, False, True, True, True])
    np.testing.assert_array_equal(times, [0, 2, 2, 3, 3])


@settings(max_examples=60)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=5), st.floats(0.3, 1.0), st.data())
def test_earliest_schedule_has_the_largest_mass_of_all_feasible_ones(
    caps: list[int], delta: float, data: st.DataObject
) -> None:
    if sum(caps) == 0:
        return
    n = data.draw(st.integers(1, min(4, sum(caps))))
    feasible = [
        times
        for times in combinations_with_replacement(range(len(caps)), n)
        if all(times.count(t) <= cap for t, cap in enumerate(caps))
    ]
    best = discounted_mass(earliest_schedule(n, caps), delta)
    assert best >= max(discounted_mass(times, delta) for times in feasible) - 1e-12


def test_front_loading_raises_quality_and_does_not_change_selection() -> None:
    """Theorem 3.3: the later schedule has the same π and π′, less mass, and a lower best response."""
    early, late = np.arange(12), np.arange(12) + 10
    flat = np.ones(30)
    windows = [scheduled_window(times, 0.95, flat, IdentityLink()) for times in (early, late)]
    assert windows[0].mass > windows[1].mass
    q = np.linspace(0.1, 0.9, 9)
    slopes = [window.model.pass_slope(q, 12, 5) for window in windows]
    np.testing.assert_array_equal(slopes[0], slopes[1])
    policy, cost = Policy(0, 12, 5, 10, 1, 30, 0.5), QuadraticCost(120.0)
    qualities = [best_response(replace(policy, mass=np.asarray(window.mass)), cost) for window in windows]
    assert qualities[0] > qualities[1] + 0.001


def test_novelty_decay_makes_early_tests_easier_to_pass() -> None:
    novelty = 0.96 ** np.arange(40)
    early, late = (scheduled_window(np.arange(12) + start, 0.98, novelty, IdentityLink()) for start in (0, 15))
    q = np.linspace(0.2, 0.9, 8)
    assert (early.model.pass_probability(q, 12, 5) > late.model.pass_probability(q, 12, 5)).all()
    assert early.model.pass_slope(0.4, 12, 5) > late.model.pass_slope(0.4, 12, 5)


invalid_schedules = [
    (lambda: earliest_schedule(4, [1, 1, 1]), "allow 3 test impressions, fewer than n = 4"),
    (lambda: earliest_schedule(1, [1, 1], [True]), "shape of caps"),
    (lambda: discounted_mass([0, -1], 0.9), r"times\[1\]"),
    (lambda: discounted_mass([0, 1], 0.0), r"\(0, 1\]"),
    (lambda: scheduled_window([0, 5], 0.9, np.ones(5), IdentityLink()), "last period of the test, 5"),
]


@pytest.mark.parametrize(("call", "message"), invalid_schedules)
def test_impossible_schedule_is_refused_with_its_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
