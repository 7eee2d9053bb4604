from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.incentives import (
    Budgets,
    CalibrationWeek,
    Controls,
    Measurement,
    Policy,
    Prices,
    QuadraticCost,
    SegmentState,
    SimulatedMarket,
    best_response,
    calibrate,
    implied_cost,
    next_state,
    payoffs,
)

MARKET = SimulatedMarket([QuadraticCost(90.0), QuadraticCost(70.0)], [0.6, 0.4], entrants=20_000)
START = (Policy(6.0, 10, 4, 2.0, 4.0, 24.0, 0.3), Policy(6.0, 12, 4, 2.0, 3.0, 20.0, 0.25))
BUDGETS = Budgets(8.0, 2.0)


@pytest.fixture(scope="module")
def history() -> list[CalibrationWeek]:
    return calibrate(MARKET, START, BUDGETS, 110, seed=4)


def test_calibration_reaches_and_holds_both_budgets(history: list[CalibrationWeek]) -> None:
    late = np.array([week.used for week in history[-40:]])
    np.testing.assert_allclose(late.mean(axis=0), BUDGETS, rtol=0.03)
    assert (np.abs(late[-20:] / np.array(BUDGETS) - 1) < 0.12).all()
    assert not any(any(week.rolled_back) for week in history[-40:])


def test_calibration_beats_fixed_policies_in_welfare_and_value(history: list[CalibrationWeek]) -> None:
    def per_entrant(policies: tuple[Policy, ...]) -> np.ndarray:
        points = [payoffs(p, c, best_response(p, c)) for p, c in zip(policies, MARKET.costs, strict=True)]
        return np.array(MARKET.shares) @ [[at.welfare, at.platform] for at in points]

    late = np.mean(
        [np.array(MARKET.shares) @ [[truth.welfare, truth.value] for truth in week.truth] for week in history[-20:]],
        axis=0,
    )
    all_impressions = tuple(replace(policy, mass=np.asarray(8.0)) for policy in START)
    assert (late > per_entrant(START) * 1.5).all()
    assert (late > per_entrant(all_impressions) * 1.5).all()


def test_weekly_moves_stay_within_their_caps(history: list[CalibrationWeek]) -> None:
    for before, after in itertools.pairwise(history):
        for old, new in zip(before.policies, after.policies, strict=True):
            assert abs(new.mass - old.mass) <= 1 + 1e-9
            assert abs(new.bounty / old.bounty - 1) <= 0.1 + 1e-9
            assert abs(int(new.k) - int(old.k)) + abs(int(new.n) - int(old.n)) <= 1


def test_prices_turn_positive_where_budgets_bind(history: list[CalibrationWeek]) -> None:
    late = np.array([[week.prices.imp, week.prices.cash] for week in history[-20:]])
    assert (late.mean(axis=0) > 0.05).all()
    assert np.ptp(late, axis=0).max() < 0.3


def test_calibration_rolls_back_when_the_engine_lowers_the_prize() -> None:
    shocked = replace(MARKET, shock_week=10, shock=0.5)
    weeks = calibrate(shocked, START, BUDGETS, 12, seed=4)
    assert all(weeks[10].rolled_back)
    for segment in (0, 1):
        assert weeks[11].policies[segment].bounty == weeks[9].policies[segment].bounty
        assert weeks[11].policies[segment].k == weeks[9].policies[segment].k


def test_calibration_with_one_seed_is_repeatable() -> None:
    runs = [calibrate(MARKET, START, BUDGETS, 5, seed=9) for _ in range(2)]
    assert [week.used for week in runs[0]] == [week.used for week in runs[1]]


@pytest.mark.parametrize(("pass_rate", "success_rate", "step"), [(0.9, 0.6, 1), (0.1, 0.2, -1), (0.5, 0.4, 0)])
def test_bar_moves_by_one_when_passes_leave_the_corridor(pass_rate: float, success_rate: float, step: int) -> None:
    policy = Policy(6.0, 20, 8, 2.0, 1.0, 30.0, 0.4)
    state = SegmentState(policy, policy, None, None, weeks_since_bar=4)
    seen = Measurement(1000, success_rate, pass_rate, 29.0)
    assert next_state(state, seen, False, Prices(0.0, 0.0), Controls()).policy.k == 8 + step
    waiting = replace(state, weeks_since_bar=3)
    assert next_state(waiting, seen, False, Prices(0.0, 0.0), Controls()).policy.k == 8


def test_implied_cost_makes_the_observed_quality_optimal() -> None:
    policy = Policy(10.0, 20, 8, 4.0, 1.0, 40.0, 0.5)
    quality = best_response(policy, QuadraticCost(190.0))
    assert implied_cost(policy, float(quality)).kappa == pytest.approx(190.0, rel=1e-6)


invalid_loops = [
    (lambda: calibrate(MARKET, START[:1], BUDGETS, 5), "one policy each"),
    (lambda: calibrate(MARKET, START, BUDGETS, 0), "weeks must be >= 1"),
    (lambda: SimulatedMarket([], [], 10), "one cost and one share per segment"),
    (lambda: SimulatedMarket(MARKET.costs, MARKET.shares, 0), "entrants"),
    (lambda: Controls(smoothing=0.0), "smoothing"),
    (lambda: Controls(holdout=1.0), "holdout"),
    (lambda: Controls(pass_corridor=(0.7, 0.3)), "pass_corridor"),
    (lambda: implied_cost(Policy(0.0, 5, 2, 0.0, 0.0, 0.0, 0.5), 0.4), "implies no cost"),
]


@pytest.mark.parametrize(("call", "message"), invalid_loops)
def test_impossible_calibration_is_refused_with_its_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
