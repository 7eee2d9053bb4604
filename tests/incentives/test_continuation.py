from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta as beta_law

from creatorpool.errors import InputError
from creatorpool.incentives import (
    EngineState,
    FrozenIndexEngine,
    TestPlan,
    ThompsonEngine,
    TwoBandEngine,
    UcbEngine,
    constant_inclusion_value,
    expected_position_weight,
    pass_probability,
    relaxation_rate,
    relaxation_value,
    simulate_continuation,
    thompson_value,
)

PLAN = TestPlan(n=20, k=8, prior=(2.0, 3.0), delta=0.9, start=3)


def test_two_band_simulation_is_the_closed_form() -> None:
    found = simulate_continuation(TwoBandEngine(0.6, 0.1), PLAN, paths=50)
    assert found.g1 == pytest.approx(constant_inclusion_value(0.6, 0.9, 3), rel=1e-5)
    assert found.g0 == pytest.approx(constant_inclusion_value(0.1, 0.9, 3), rel=1e-5)
    assert found.spread_error < 1e-9


def test_frozen_index_simulation_matches_exact_enumeration() -> None:
    engine = FrozenIndexEngine(slope=12.0, frontier=0.45)
    q, mass = np.linspace(0.0005, 0.9995, 1000), beta_law.pdf(np.linspace(0.0005, 0.9995, 1000), 2, 3)
    expected = []
    for counts in (np.arange(8), np.arange(8, 21)):
        chance = pass_probability(q[:, None], 20, counts) - pass_probability(q[:, None], 20, counts + 1)
        share = 1 / (1 + np.exp(-12.0 * ((2 + counts) / 25 - 0.45)))
        expected.append((mass[:, None] * chance * share).sum() / (mass[:, None] * chance).sum() * 0.9**3 / 0.1)
    found = simulate_continuation(engine, PLAN, paths=4000, seed=1)
    assert abs(found.g0 - expected[0]) < 4 * found.g0_error
    assert abs(found.g1 - expected[1]) < 4 * found.g1_error


def test_interval_of_the_spread_covers_its_truth_in_most_seeds() -> None:
    engine = FrozenIndexEngine(slope=12.0, frontier=0.45)
    plan = TestPlan(n=20, k=8, prior=(2.0, 3.0), delta=0.3, start=0)
    truth = simulate_continuation(engine, plan, paths=60_000, seed=999).spread
    runs = [simulate_continuation(engine, plan, paths=300, seed=seed) for seed in range(200)]
    covered = np.mean([run.interval("spread")[0] <= truth <= run.interval("spread")[1] for run in runs])
    assert 0.92 <= covered <= 0.98


def test_common_random_numbers_shrink_the_error_of_the_spread() -> None:
    found = simulate_continuation(UcbEngine(0.3, 10.0, 0.5), PLAN, quality=[0.4], paths=2000)
    assert found.spread_error < 0.97 * np.hypot(found.g0_error, found.g1_error)


@pytest.mark.parametrize(
    "engine",
    [
        ThompsonEngine(np.array([0.4, 0.5])),
        ThompsonEngine(np.array([[8.0, 10.0], [30.0, 40.0], [3.0, 2.0]]), np.array([0.6, 0.3])),
        UcbEngine(0.2, 15.0, 0.7, persistence=0.8, drift=0.05),
        lambda state: np.clip(state.mean, 0, 1) ** 2,
    ],
)
def test_passing_brings_more_exposure_under_every_engine(engine: object) -> None:
    found = simulate_continuation(engine, PLAN, paths=600, seed=3)  # type: ignore[arg-type]
    assert found.spread > 3 * found.spread_error > 0
    assert found == simulate_continuation(engine, PLAN, paths=600, seed=3)  # type: ignore[arg-type]


def test_thompson_surrogate_averaged_over_counts_is_near_the_simulation() -> None:
    plan = TestPlan(n=40, k=20, prior=(1.0, 1.0), delta=0.9, start=0)
    found = simulate_continuation(ThompsonEngine(np.array([0.52])), plan, quality=[0.5], paths=1500, seed=2)
    for counts, simulated in ((np.arange(20), found.g0), (np.arange(20, 41), found.g1)):
        chance = pass_probability(0.5, 40, counts) - pass_probability(0.5, 40, counts + 1)
        values = [thompson_value(1 + x, 41 - x, 0.5, 0.52, 0.9) for x in counts.tolist()]
        assert chance @ values / chance.sum() == pytest.approx(simulated, rel=0.05)


def test_expected_position_weight_matches_sampled_ranks() -> None:
    rng = np.random.default_rng(0)
    incumbents, weights = np.array([0.7, 0.3, 0.5, 0.45]), np.array([0.5, 0.3, 0.1])
    draws = rng.beta(4, 5, 200_000)
    rank = (draws[:, None] < incumbents).sum(axis=1)
    sampled = np.append(weights, [0.0, 0.0])[rank].mean()
    exact = expected_position_weight(np.array(4.0), np.array(5.0), incumbents, weights)
    assert exact == pytest.approx(sampled, abs=2e-3)
    assert expected_position_weight(np.array(4.0), np.array(5.0), [0.5], [0.6, 0.4]) == pytest.approx(
        0.6 * beta_law.sf(0.5, 4, 5) + 0.4 * beta_law.cdf(0.5, 4, 5)
    )


def test_relaxation_form_is_the_sum_of_its_series() -> None:
    delta, start, rate, steady = 0.93, 4, 0.15, 0.2
    t = np.arange(2000)
    for first in (0.7, 0.05):
        path = steady + (first - steady) * (1 - rate) ** t
        expected = (delta ** (start + t) * path).sum()
        assert relaxation_value(first, steady, rate, delta, start) == pytest.approx(expected, rel=1e-12)
    spread = np.diff(relaxation_value([0.05, 0.7], steady, rate, delta, start))[0]
    assert spread == pytest.approx(delta**start * 0.65 / (1 - delta * (1 - rate)))


def test_relaxation_rate_recovers_the_rate_of_the_path() -> None:
    t = np.arange(30)
    paths = 0.25 + np.array([[0.5], [-0.2]]) * 0.8**t
    assert relaxation_rate(paths) == (pytest.approx(0.2), pytest.approx(0.25))


def test_ucb_share_falls_as_the_bonus_wears_off() -> None:
    def state(pulls: float) -> EngineState:
        one = np.ones(1)
        return EngineState(4 * one, 6 * one, pulls * one, one > 0, one, one, 50, np.random.default_rng(0))

    engine = UcbEngine(0.5, 8.0, 0.6)
    assert engine(state(10.0))[0] > engine(state(100.0))[0]


invalid_calls = [
    (lambda: TestPlan(5, 6, (1.0, 1.0), 0.9, 0), "1 <= k <= n"),
    (lambda: TestPlan(5, 3, (0.0, 1.0), 0.9, 0), "prior"),
    (lambda: TestPlan(5, 3, (1.0, 1.0), 1.0, 0), "delta"),
    (lambda: simulate_continuation(TwoBandEngine(0.5, 0.1), PLAN, paths=1), "paths"),
    (
        lambda: simulate_continuation(TwoBandEngine(0.5, 0.1), PLAN, quality=[0.0]),
        "no entrant can pass, or none can fail",
    ),
    (lambda: TwoBandEngine(1.5, 0.1), "band rates"),
    (lambda: ThompsonEngine(np.array([1.2])), "incumbents of known quality"),
    (lambda: ThompsonEngine(np.array([0.5]), np.array([0.2, 0.4])), "that do not increase"),
    (lambda: UcbEngine(0.5, 8.0, 0.6, persistence=1.0), "persistence"),
    (lambda: relaxation_rate([0.5, 0.5, 0.5]), "inclusion is constant"),
    (lambda: relaxation_rate([0.1, 0.2, 0.4, 0.8]), "does not converge"),
    (lambda: relaxation_value(0.5, 0.1, 0.2, 1.0), "delta"),
]


@pytest.mark.parametrize(("call", "message"), invalid_calls)
def test_impossible_continuation_is_refused_with_its_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
