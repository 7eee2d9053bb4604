from __future__ import annotations

import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.incentives import CellTotals, CohortExposure, EstimationRules, Policy, QuadraticCost, estimate_cohort
from creatorpool.incentives.cohort import CohortCounts, identical_slots
from creatorpool.incentives.exposure import ExposureTerms, measured_terms, redrawn_terms

N, K = 12, 7
G0, G1 = 4.0, 12.0


class Rows:
    """One row per entrant: bin, successes, mass, exposure after the test, and whether the exposure is known."""

    def __init__(self, entrants: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        quality = rng.beta(8, 12, entrants)
        self.bin = np.searchsorted(np.quantile(quality, np.arange(1, 10) / 10), quality)
        self.proxy = np.array([quality[self.bin == b].mean() for b in range(10)])
        self.median = float(np.median(quality))
        self.successes = rng.binomial(N, quality)
        self.mass = rng.normal(10.0, 1.0, entrants)
        self.after = np.where(self.successes >= K, rng.gamma(6, G1 / 6, entrants), rng.gamma(2, G0 / 2, entrants))
        self.followed = rng.random(entrants) < 0.5

    def cells(self, values: np.ndarray, chosen: np.ndarray) -> CellTotals:
        place = self.bin[chosen], self.successes[chosen]
        sums = [np.zeros((10, N + 1)) for _ in range(3)]
        for total, part in zip(sums, (np.ones_like(values), values, values**2), strict=True):
            np.add.at(total, place, part[chosen])
        return CellTotals(sums[0].astype(np.int64), sums[1], sums[2])

    @property
    def exposure(self) -> CohortExposure:
        everyone = np.ones(self.bin.size, dtype=bool)
        return CohortExposure(self.cells(self.mass, everyone), self.cells(self.after, self.followed))

    @property
    def counts(self) -> CohortCounts:
        entrants = self.exposure.mass.entrants
        return CohortCounts(self.proxy, entrants, identical_slots(10, N), self.median)


def terms_of(rows: Rows, replicates: int, seed: int) -> ExposureTerms:
    """N, G0 and G1 of redrawn cohorts."""
    rng, exposure = np.random.default_rng(seed), rows.exposure
    parts = np.stack([exposure.after.entrants, exposure.mass.entrants - exposure.after.entrants])
    cells = rng.multinomial(rows.bin.size, parts.reshape(-1) / rows.bin.size, replicates)
    split = cells.reshape(replicates, *parts.shape)
    return redrawn_terms(exposure, split.sum(axis=1), split[:, 0], K, rng)


def test_measured_terms_are_plain_means() -> None:
    rows = Rows(500, 0)
    found = measured_terms(rows.exposure, K)
    passed = rows.successes >= K
    assert found.mass[0] == pytest.approx(rows.mass.mean())
    assert found.g1[0] == pytest.approx(rows.after[rows.followed & passed].mean())
    assert found.g0[0] == pytest.approx(rows.after[rows.followed & ~passed].mean())


def test_redrawn_terms_vary_as_a_bootstrap_over_rows() -> None:
    rows, rng = Rows(600, 1), np.random.default_rng(5)
    found = terms_of(rows, 4000, 2)
    by_rows = []
    for _ in range(4000):
        at = rng.integers(0, 600, 600)
        passed, seen = rows.successes[at] >= K, rows.followed[at]
        sides = [rows.after[at][seen & side].mean() for side in (~passed, passed)]
        by_rows.append([rows.mass[at].mean(), *sides, sides[1] - sides[0]])
    ours = np.stack([found.mass, found.g0, found.g1, found.spread], axis=1)
    np.testing.assert_allclose(ours.std(axis=0), np.std(by_rows, axis=0), rtol=0.06)
    np.testing.assert_allclose(ours.mean(axis=0), np.mean(by_rows, axis=0), rtol=0.01)


def test_spread_intervals_cover_the_truth_in_92_to_98_of_100_seeds() -> None:
    covered = []
    for seed in range(200):
        rows = Rows(800, seed)
        found = terms_of(rows, 400, seed)
        ends = np.percentile(np.stack([found.mass, found.g0, found.g1, found.spread]), [2.5, 97.5], axis=1)
        covered.append((ends[0] <= [10.0, G0, G1, G1 - G0]) & (ends[1] >= [10.0, G0, G1, G1 - G0]))
    assert np.all((np.mean(covered, axis=0) >= 0.92) & (np.mean(covered, axis=0) <= 0.98))


def test_estimate_with_exposure_computes_the_bounty_from_the_measurements() -> None:
    rows, cost = Rows(3000, 4), QuadraticCost(300.0)
    policy = Policy(0.0, N, K, 0.0, 0.0, 0.0, 0.5)
    found = estimate_cohort(rows.counts, policy, exposure=rows.exposure, cost=cost, rules=EstimationRules())
    measured = measured_terms(rows.exposure, K)
    assert (found.mass.value, found.g0.value) == (measured.mass[0], measured.g0[0])
    assert found.spread.value == pytest.approx(measured.spread[0])
    fixed = estimate_cohort(rows.counts, found.policy(policy), cost=cost, rules=EstimationRules())
    assert found.bounty.value == pytest.approx(fixed.bounty.value)
    # Measured instead of known exposure makes the bounty less certain.
    assert found.bounty.high - found.bounty.low > fixed.bounty.high - fixed.bounty.low
    assert fixed.mass.low == fixed.mass.high == fixed.mass.value
    assert found.policy(policy).spread == pytest.approx(found.spread.value)


def test_estimate_without_followed_entrants_has_a_slope_and_no_bounty() -> None:
    rows = Rows(1000, 5)
    rows.followed[:] = False
    found = estimate_cohort(rows.counts, Policy(0.0, N, K, 0.0, 0.0, 0.0, 0.5), exposure=rows.exposure)
    assert found.slope.value > 0
    assert "0 who failed and 0 who passed" in found.reason
    assert np.isnan([*found.spread, *found.bounty, found.target_bounty]).all()


def test_quality_without_any_reward_has_no_bounty() -> None:
    rows = Rows(1500, 6)
    found = estimate_cohort(rows.counts, Policy(0.0, N, 5, 0.0, 9.0, 0.0, 0.5))
    assert "brings no exposure" in found.reason
    assert np.isnan(found.bounty.value)


def test_exposure_of_other_entrants_is_refused() -> None:
    rows, others = Rows(300, 7), Rows(900, 8)
    with pytest.raises(InputError, match="exposure must have the cells of the counts"):
        estimate_cohort(rows.counts, Policy(0.0, N, K, 0.0, 0.0, 0.0, 0.5), exposure=others.exposure)
    with pytest.raises(InputError, match="one shape"):
        CellTotals(np.zeros((2, 3), dtype=np.int64), np.zeros((2, 2)), np.zeros((2, 3)))
