"""Compares incentive models with their peers: speed and accuracy, in one table each.

    python benchmarks/incentives.py              a million triples, 100 segments, a few minutes
    python benchmarks/incentives.py --quick      a tenth of the work
    python benchmarks/incentives.py --coverage   coverage of intervals, over 200 and 400 simulated cohorts of two sizes

Peers are scipy.stats.binom with a central difference for the slope, scipy.stats.poisson_binom, and fast-poibin
(`pip install fast-poibin`; without it, its columns are left out). Accuracy is measured against mpmath with 50 digits,
on tails that a float can represent.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom, poisson_binom

from creatorpool.incentives import (
    CellTotals,
    CohortCounts,
    CohortExposure,
    DecayingSlots,
    IdentityLink,
    PoissonBinomialModel,
    Policy,
    QuadraticCost,
    balance,
    best_response,
    count_cohort,
    estimate_cohort,
    pass_probability,
    pass_slope,
    poisson_binomial_pmf,
)
from creatorpool.numerics.types import Floats

STEP = 1e-6
DIGITS = 50
CHECKED = 200
POIBIN_SIZES = (20, 100, 1000, 5000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--coverage", action="store_true", help="what intervals cover, instead of the timings")
    arguments = parser.parse_args()
    part = 0.1 if arguments.quick else 1.0
    console = Console(width=110)
    if arguments.coverage:
        for entrants in (1_500, 10_000):
            console.print(coverage(400, entrants))
        return
    console.print(pass_curves(int(1_000_000 * part)))
    console.print(poisson_binomials())
    console.print(searches_and_bootstrap(int(20_000 * part), int(100 * part)))


def pass_curves(size: int) -> Table:
    """π and π′ at `size` triples."""
    rng = np.random.default_rng(0)
    q, n = rng.random(size), rng.integers(1, 201, size)
    k = rng.integers(1, n + 1)
    table = Table(title=f"π and π′ at {size:,} random (q, n ≤ 200, k)")
    for name, justify in (
        ("what", "left"),
        ("seconds", "right"),
        ("million a second", "right"),
        ("worst error", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    rows: list[tuple[str, Callable[..., Any], bool]] = [
        ("π  creatorpool", pass_probability, False),
        ("π  scipy.stats.binom.sf", lambda a, b, c: binom.sf(c - 1, b, a), False),
        ("π′ creatorpool", pass_slope, True),
        ("π′ central difference of binom.sf", _difference, True),
    ]
    for name, function, is_slope in rows:
        seconds = _seconds(partial(function, q, n, k))
        worst = _worst_error(function, q, n, k, is_slope)
        table.add_row(name, f"{seconds:.3f}", f"{size / seconds / 1e6:.1f}", f"{worst:.0e}")
    return table


def poisson_binomials() -> Table:
    """Mass functions of different slots, and a tail with its two derivatives."""
    table = Table(title="Poisson-binomial: seconds a call")
    peers = ("scipy pmf", "fast-poibin dp", "fast-poibin mixed", "its error (mixed)")
    for name in ("slots", "our pmf", *peers, "our π, π′, π″"):
        table.add_column(name, justify="right")
    for n in POIBIN_SIZES:
        chances = np.random.default_rng(n).uniform(0.01, 0.99, n)
        model = PoissonBinomialModel(DecayingSlots(chances, IdentityLink()))
        bar = int(chances.sum() * 0.6)
        own = _seconds(partial(poisson_binomial_pmf, chances))
        scipys = _seconds(partial(poisson_binom.pmf, np.arange(n + 1), chances), runs=1)
        point = _seconds(partial(model.pass_curvature, 0.5, n, bar))
        table.add_row(f"{n:,}", f"{own:.6f}", f"{scipys:.6f}", *_poibin_columns(chances), f"{point:.5f}")
    return table


def searches_and_bootstrap(policies: int, segments: int) -> Table:
    """Certified best responses, and the bootstrap of many segments."""
    rng = np.random.default_rng(0)
    n = rng.integers(5, 60, policies)
    k = (n * rng.uniform(0.2, 0.8, policies)).astype(int) + 1
    many = Policy(
        rng.uniform(0, 40, policies), n, k, rng.uniform(0, 400, policies), 2.0, 60.0, rng.uniform(0.1, 1, policies)
    )
    table = Table(title="Searches and estimates")
    table.add_column("what")
    table.add_column("seconds", justify="right")
    cost = QuadraticCost(150.0)
    table.add_row(f"{policies:,} certified best responses", f"{_seconds(lambda: best_response(many, cost)):.2f}")
    quality = rng.beta(8, 12, 10_000)
    counts = count_cohort(quality, rng.random((10_000, 20)) < quality[:, None])
    policy = Policy(0.0, 20, 8, 5.0, 0.0, 0.0, 0.5)
    # The entrants of every cell get about 18 impressions, and then 26 after a pass or 12 after a fail.
    entrants = counts.entrants.astype(np.float64)
    after: Floats = np.where(np.arange(21) >= 8, 26.0, 12.0) * entrants
    exposure = CohortExposure(
        CellTotals(counts.entrants, 18.0 * entrants, 325.0 * entrants),
        CellTotals(counts.entrants, after, 40.0 * after),
    )

    def bootstrap() -> None:
        for seed in range(segments):
            estimate_cohort(counts, policy, exposure=exposure, seed=seed)

    table.add_row(f"{segments} segments × 10,000 entrants × 1,000 replicates", f"{_seconds(bootstrap, runs=1):.2f}")
    for name, seconds in estimates_and_advice(segments).items():
        table.add_row(f"{segments} different segments: {name}", f"{seconds:.2f}")
    return table


def estimates_and_advice(segments: int) -> dict[str, float]:
    """Seconds of the job's work in its own process: estimates of different segments, then their advice."""
    rng = np.random.default_rng(1)
    policies, costs = [], []
    started = time.perf_counter()
    for seed in range(segments):
        n, kappa = int(rng.integers(10, 30)), float(rng.uniform(60, 200))
        policy = Policy(0.8 * n, n, int(n * rng.uniform(0.3, 0.6)) + 1, 0.0, 3.0, rng.uniform(20, 60), 0.5)
        target = float(np.clip(best_response(policy, QuadraticCost(kappa)), 0.05, 0.9))
        quality = rng.beta(20 * target, 20 * (1 - target), 10_000)
        counts = count_cohort(quality, rng.random((10_000, n)) < quality[:, None])
        found = estimate_cohort(counts, policy, cost=QuadraticCost(kappa), seed=seed)
        policies.append(policy if found.reason else found.policy(policy))
        costs.append(QuadraticCost(kappa))
    estimated = time.perf_counter()
    shares = np.full(segments, 1.0 / segments)
    mass = float(np.mean([float(policy.mass) for policy in policies]))
    balance(policies, shares, (mass, 2.0), costs)
    advised = time.perf_counter()
    return {"simulated and estimated": estimated - started, "advice under common budgets": advised - estimated}


def coverage(cohorts: int, entrants: int) -> Table:
    """Coverage of 95 % intervals in simulated cohorts, and bias in standard errors."""
    policy, names = Policy(0.0, 12, 7, 5.0, 0.0, 0.0, 0.5), ("π", "π′ (curve)", "π′ (influence)", "ΔG")
    covered, errors = [], []
    for seed in range(cohorts):
        rng = np.random.default_rng(seed)
        quality = rng.beta(8, 12, entrants)
        counts = count_cohort(quality, rng.random((entrants, 12)) < quality[:, None])
        found = estimate_cohort(counts, policy, exposure=_gamma_exposure(counts, rng), seed=seed)
        slope = float(pass_slope(counts.median, 12, 7))
        truths = (float(pass_probability(counts.median, 12, 7)), slope, slope, 8.0)
        pairs = list(zip((found.probability, found.slope, found.slope_influence, found.spread), truths, strict=True))
        covered.append([estimate.low <= truth <= estimate.high for estimate, truth in pairs])
        errors.append([estimate.value - truth for estimate, truth in pairs])
    table = Table(title=f"95 % intervals over {cohorts:,} simulated cohorts of {entrants:,}, 1,000 replicates each")
    for name in ("of", "covered, first 200", f"covered, all {cohorts:,}", "bias in standard errors", "± (two sd)"):
        table.add_column(name, justify="right")
    bias = np.mean(errors, axis=0) / np.std(errors, axis=0)
    for position, name in enumerate(names):
        share = np.mean(covered, axis=0)[position], np.mean(covered[:200], axis=0)[position]
        table.add_row(
            name, f"{share[1]:.1%}", f"{share[0]:.1%}", f"{bias[position]:+.3f}", f"{2 / np.sqrt(cohorts):.3f}"
        )
    return table


def _gamma_exposure(counts: CohortCounts, rng: np.random.Generator) -> CohortExposure:
    """Each entrant's exposure after the test: gamma with mean 12 after a pass and 4 after a fail."""
    total, squares = np.zeros(counts.entrants.shape), np.zeros(counts.entrants.shape)
    for place in np.argwhere(counts.entrants):
        mean, shape = (12.0, 6) if place[1] >= 7 else (4.0, 2)
        seen = rng.gamma(shape, mean / shape, counts.entrants[tuple(place)])
        total[tuple(place)], squares[tuple(place)] = seen.sum(), (seen**2).sum()
    entrants = counts.entrants.astype(np.float64)
    mass = CellTotals(counts.entrants, 10.0 * entrants, 101.0 * entrants)
    return CohortExposure(mass, CellTotals(counts.entrants, total, squares))


def _difference(q: Any, n: Any, k: Any) -> Any:
    return (binom.sf(k - 1, n, np.minimum(q + STEP, 1)) - binom.sf(k - 1, n, np.maximum(q - STEP, 0))) / (2 * STEP)


def _poibin_columns(chances: Any) -> tuple[str, str, str]:
    if importlib.util.find_spec("fast_poibin") is None:
        return "–", "–", "–"
    from fast_poibin import PoiBin

    times = [_seconds(partial(PoiBin, chances, mode=mode)) for mode in ("dp", "mixed")]
    ours, theirs = poisson_binomial_pmf(chances), PoiBin(chances, mode="mixed").pmf
    seen = ours > 1e-20
    error = np.max(np.abs(theirs[seen] / ours[seen] - 1))
    return f"{times[0]:.5f}", f"{times[1]:.5f}", f"{error:.0e}"


def _worst_error(function: Callable[..., Any], q: Any, n: Any, k: Any, is_slope: bool) -> float:
    """Largest relative error on the first triples whose exact value is above 1e-250."""
    found, worst = np.asarray(function(q[:CHECKED], n[:CHECKED], k[:CHECKED])), 0.0
    with mp.workdps(DIGITS):
        for i in range(CHECKED):
            x, size, bar = mp.mpf(q[i]), int(n[i]), int(k[i])
            if is_slope:
                exact = x ** (bar - 1) * (1 - x) ** (size - bar) / mp.beta(bar, size - bar + 1)
            else:
                exact = mp.betainc(bar, size - bar + 1, 0, x, regularized=True)
            if exact > 1e-250:
                worst = max(worst, float(abs(found[i] / exact - 1)))
    return worst


def _seconds(call: Callable[[], Any], runs: int = 3) -> float:
    """Least wall time of `runs` calls, after one call that compiles."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
