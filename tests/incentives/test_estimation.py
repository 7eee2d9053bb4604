from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import binomtest

from creatorpool.errors import InputError
from creatorpool.incentives import (
    CohortCounts,
    EstimationRules,
    Policy,
    QuadraticCost,
    best_response,
    count_cohort,
    estimate_cohort,
    identical_slots,
    monotone_curve,
    nearby_bars,
    pass_probability,
    pass_slope,
    wilson_interval,
)
from creatorpool.incentives.logistic_kernels import fill_curves

POLICY = Policy(18.0, 12, 7, 5.0, 2.0, 40.0, 0.5)
QUICK = EstimationRules(replicates=400)


def simulated_cohort(entrants: int, seed: int, n: int = 12) -> CohortCounts:
    rng = np.random.default_rng(seed)
    q = rng.beta(8, 12, entrants)
    return count_cohort(q, rng.random((entrants, n)) < q[:, None])


@pytest.mark.slow
def test_intervals_cover_the_truth_in_92_to_98_of_100_seeds_and_bias_is_small() -> None:
    covered, errors = [], []
    for seed in range(200):
        counts = simulated_cohort(1500, seed)
        found = estimate_cohort(counts, POLICY, rules=EstimationRules(replicates=300), seed=seed)
        truth = pass_probability(counts.median, 12, 7), pass_slope(counts.median, 12, 7)
        pairs = ((found.probability, truth[0]), (found.slope, truth[1]), (found.slope_influence, truth[1]))
        covered.append([estimate.low <= value <= estimate.high for estimate, value in pairs])
        errors.append([estimate.value - value for estimate, value in pairs])
        # The bounty follows from the parts of the estimate.
        assert found.expected_spend.value == pytest.approx(found.probability.value * found.bounty.value)
    share, bias = np.mean(covered, axis=0), np.mean(errors, axis=0) / np.std(errors, axis=0)
    assert ((share >= 0.92) & (share <= 0.98)).all()
    # The mean of 200 has a standard error of 0.07 on this scale.
    assert (np.abs(bias) < 0.1 + 2 * 0.07).all()


def test_estimates_of_a_large_cohort_are_near_the_truth_and_agree() -> None:
    counts = simulated_cohort(60_000, 1, n=20)
    policy = Policy(18.0, 20, 8, 5.0, 12.0, 26.0, 0.5)
    found = estimate_cohort(counts, policy, rules=QUICK)
    slope = pass_slope(counts.median, 20, 8)
    assert found.probability.value == pytest.approx(pass_probability(counts.median, 20, 8), rel=0.03)
    assert found.slope.value == pytest.approx(slope, rel=0.04)
    assert found.slope_influence.value == pytest.approx(slope, rel=0.06)
    assert found.slopes_agree
    assert found.leverage.value == pytest.approx(found.slope.value / found.probability.value)
    assert found.elasticity.value == pytest.approx(counts.median * found.leverage.value)
    marginal = 30 + 14 * (found.probability.value + counts.median * found.slope.value)
    assert found.bounty.value == pytest.approx(0.5 * marginal / found.slope.value)
    assert found.bounty.low < found.bounty.value < found.bounty.high
    assert found.bounty_conservative > found.bounty.value
    assert found.cost_fits
    assert found.certified
    assert found.induced_quality > counts.median


def test_known_cost_replaces_the_implied_one() -> None:
    counts, policy = simulated_cohort(5000, 1, n=20), Policy(18.0, 20, 8, 5.0, 12.0, 26.0, 0.5)
    found = estimate_cohort(counts, policy, cost=QuadraticCost(900.0), rules=QUICK)
    assert not found.cost_fits
    assert not found.certified
    assert found.induced_quality == best_response(
        replace(policy, bounty=np.asarray(found.bounty.value)), QuadraticCost(900.0)
    )


def test_quality_that_no_quadratic_cost_explains_is_not_certified() -> None:
    """The measured quality meets the first-order condition of the implied cost, but is not its best response."""
    rng = np.random.default_rng(7)
    q = rng.beta(8, 12, 5000)
    counts = count_cohort(q, rng.random((5000, 20)) < q[:, None])
    found = estimate_cohort(counts, Policy(18, 20, 8, 5, 2, 40, 0.5), rules=QUICK)
    assert not found.cost_fits
    assert not found.certified
    assert np.isfinite(found.bounty.value)


def test_slopes_disagree_where_slots_are_not_independent() -> None:
    """All slots succeed or fail together, so the count is not a sum of independent slots; the check detects this."""
    rng = np.random.default_rng(3)
    q = rng.beta(8, 12, 20_000)
    together = rng.random((20_000, 1)) < q[:, None]
    apart = rng.random((20_000, 12)) < q[:, None]
    outcomes = np.where(rng.random((20_000, 1)) < 0.5, together, apart)
    assert not estimate_cohort(count_cohort(q, outcomes), POLICY, rules=QUICK).slopes_agree


def test_estimates_on_a_proxy_scale_come_back_per_unit_of_quality() -> None:
    rng = np.random.default_rng(5)
    q = rng.beta(8, 12, 40_000)
    outcomes = rng.random((40_000, 12)) < q[:, None]
    found = estimate_cohort(
        count_cohort(3.0 + 50.0 * q, outcomes), POLICY, rules=EstimationRules(replicates=200, proxy_is_quality=False)
    )
    median = float(np.median(q))
    assert found.quality.value == pytest.approx(median, rel=0.03)
    assert found.slope.value == pytest.approx(pass_slope(median, 12, 7), rel=0.06)


refused = [
    (lambda: simulated_cohort(150, 0), "too few entrants: 150"),
    (lambda: count_cohort(np.linspace(0, 1, 500), np.zeros((500, 12))), "none passed"),
    (lambda: count_cohort(np.linspace(0, 1, 500), np.ones((500, 12))), "all passed"),
    (lambda: count_cohort(np.arange(500) % 3, np.random.default_rng(0).random((500, 12)) < 0.5), "only 3 bins"),
]


@pytest.mark.parametrize(("build", "reason"), refused)
def test_cohort_without_an_estimate_is_refused_with_its_reason(build: object, reason: str) -> None:
    found = estimate_cohort(build(), POLICY, rules=QUICK)  # type: ignore[operator]
    assert reason in found.reason
    assert np.isnan([*found.probability, *found.slope, *found.bounty, found.induced_quality]).all()
    assert found.pass_rate.low <= found.pass_rate.value <= found.pass_rate.high
    assert not found.certified


def test_flat_curve_gives_its_slope_but_no_bounty() -> None:
    rng = np.random.default_rng(1)
    found = estimate_cohort(count_cohort(rng.random(2000), rng.random((2000, 12)) < 0.55), POLICY, rules=QUICK)
    assert "flat" in found.reason
    assert found.slope.low <= 0 < found.slope.high
    assert np.isnan(found.bounty.value)


def test_bootstrap_of_a_hundred_large_segments_takes_well_under_two_minutes() -> None:
    counts = simulated_cohort(10_000, 2)
    estimate_cohort(counts, POLICY, rules=QUICK)
    start = time.process_time()
    for seed in range(5):
        estimate_cohort(counts, POLICY, seed=seed)
    assert (time.process_time() - start) * 20 < 120


def test_same_seed_gives_the_same_estimate() -> None:
    counts = simulated_cohort(2000, 4)
    assert estimate_cohort(counts, POLICY, seed=3) == estimate_cohort(counts, POLICY, seed=3)


def test_curve_kernel_matches_a_likelihood_maximised_by_scipy() -> None:
    rng = np.random.default_rng(0)
    z = np.sort(rng.uniform(-0.5, 0.5, 15))
    entrants = rng.integers(50, 200, (1, 15)).astype(float)
    passes = rng.binomial(entrants.astype(int), expit(0.4 + 3 * z - z**2 + 2 * z**3)).astype(float)

    def loss(theta: np.ndarray) -> float:
        logit = np.polynomial.polynomial.polyval(z, theta)
        return float((entrants[0] * np.logaddexp(0, logit) - passes[0] * logit).sum())

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    out = np.empty((1, 2))
    fill_curves(z, passes, entrants, out)
    assert out[0, 0] == pytest.approx(expit(best[0]), rel=1e-4)
    assert out[0, 1] == pytest.approx(best[1] * expit(best[0]) * expit(-best[0]), rel=1e-3)


def test_curve_kernel_is_a_line_if_the_cubic_would_fall() -> None:
    z = np.linspace(-0.5, 0.5, 6)
    entrants = np.full((1, 6), 1000.0)
    passes = np.array([[100.0, 300.0, 450.0, 550.0, 750.0, 500.0]])
    out = np.empty((1, 2))
    fill_curves(z, passes, entrants, out)

    def loss(theta: np.ndarray) -> float:
        logit = theta[0] + theta[1] * z
        return float((1000 * np.logaddexp(0, logit) - passes[0] * logit).sum())

    line = minimize(loss, np.zeros(2)).x
    assert out[0, 1] == pytest.approx(line[1] * expit(line[0]) * expit(-line[0]), rel=1e-3)


def test_monotone_curve_rises_and_passes_near_the_truth() -> None:
    counts = simulated_cohort(40_000, 6)
    curve = monotone_curve(counts, 7)
    inside = np.linspace(counts.proxy[0], counts.proxy[-1], 200)
    assert (np.diff(curve(inside)) >= 0).all()
    np.testing.assert_allclose(curve(inside), pass_probability(inside, 12, 7), atol=0.04)
    assert np.isnan(curve(counts.proxy[0] - 0.1))


def test_nearby_bars_follow_the_binomial_tails() -> None:
    counts = simulated_cohort(40_000, 7)
    bars = np.array([4, 5, 6, 7])
    probability, slope = nearby_bars(counts, bars)
    np.testing.assert_allclose(probability, pass_probability(counts.median, 12, bars), atol=0.02)
    np.testing.assert_allclose(slope, pass_slope(counts.median, 12, bars), rtol=0.08)


@settings(max_examples=50)
@given(st.integers(1, 500), st.data())
def test_wilson_interval_agrees_with_scipy(entrants: int, data: st.DataObject) -> None:
    passes = data.draw(st.integers(0, entrants))
    expected = binomtest(passes, entrants).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(passes, entrants), [expected.low, expected.high], atol=1e-12)


def test_count_cohort_keeps_every_entrant_and_slot() -> None:
    rng = np.random.default_rng(8)
    outcomes = rng.random((1000, 6)) < np.linspace(0.2, 0.8, 6)
    counts = count_cohort(rng.random(1000), outcomes, bins=8)
    assert (counts.total, counts.n, counts.proxy.size) == (1000, 6, 8)
    by_slot = (counts.entrants[..., None] * counts.slot_rate).sum(axis=(0, 1))
    np.testing.assert_allclose(by_slot, outcomes.sum(axis=0), rtol=1e-12)


invalid_counts = [
    (lambda: wilson_interval(5, 4), "must not exceed"),
    (lambda: count_cohort([0.1, 0.2], [[1, 0]]), "proxy must be"),
    (lambda: CohortCounts(np.array([0.2, 0.1]), np.ones((2, 3), dtype=np.int64), identical_slots(2, 2), 0.1), "ascend"),
    (
        lambda: CohortCounts(np.array([0.2]), np.ones((2, 3), dtype=np.int64), identical_slots(2, 2), 0.1),
        "need entrants",
    ),
    (lambda: estimate_cohort(simulated_cohort(300, 0), replace(POLICY, n=np.asarray(14))), "counts of n = 12"),
]


@pytest.mark.parametrize(("call", "message"), invalid_counts)
def test_impossible_counts_are_refused_with_their_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


def test_proxy_without_information_gives_no_slope_by_success_chances() -> None:
    """Both slopes in the ratio are noise and correlated, so their ratio alone would look certain."""
    refused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        counts = count_cohort(rng.random(1500), rng.random((1500, 12)) < 0.55)
        found = estimate_cohort(counts, POLICY, rules=EstimationRules(replicates=200, proxy_is_quality=False))
        if found.reason:
            refused += 1
            assert np.isnan([*found.bounty]).all()
            assert found.probability.low <= found.probability.value <= found.probability.high
        if "do not rise" in found.reason:
            assert np.isnan([*found.slope, *found.slope_influence, *found.leverage]).all()
    # The lower end of a 95 % interval lies above 0 by chance in one cohort of forty.
    assert refused >= 36
