"""Exposure after a pass, G1, and after a fail, G0, by simulating the engine (formulas §3.11, S4 C.1, C.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.binomial import pass_probability
from creatorpool.incentives.engines import Engine, EngineState
from creatorpool.incentives.types import Booleans, Floats

NORMAL_95 = 1.959963984540054
# The discount at which the horizon ends, relative to its first period.
HORIZON_END = 1e-6


@dataclass(frozen=True)
class ContinuationEstimate:
    """Discounted exposure after the test, with standard errors."""

    g0: float
    g1: float
    g0_error: float
    g1_error: float
    spread_error: float
    """standard error of ΔG; smaller than g0_error and g1_error imply, because both sides share random numbers"""

    @property
    def spread(self) -> float:
        """ΔG = G1 − G0."""
        return self.g1 - self.g0

    def interval(self, name: str) -> tuple[float, float]:
        """(low, high), the 95 % normal interval of `name`: "g0", "g1" or "spread"."""
        reach = NORMAL_95 * float(getattr(self, f"{name}_error"))
        return getattr(self, name) - reach, getattr(self, name) + reach


@dataclass(frozen=True)
class TestPlan:
    """The test and the engine's prior before it."""

    __test__ = False  # pytest takes a class named Test… for a test case

    n: int
    k: int
    prior: tuple[float, float]
    """Beta(a, b): the engine's prior of the entrant's success chance"""
    delta: float
    """discount factor of a period, in (0, 1)"""
    start: int
    """t0: first period after the test"""

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise InputError(f"a test needs 1 <= k <= n, got k = {self.k} and n = {self.n}")
        if not min(self.prior) > 0:
            raise InputError(f"the prior must be a pair of counts > 0, got {self.prior}")
        if not 0 < self.delta < 1 or self.start < 0:
            raise InputError(f"delta must lie in (0, 1) and start be >= 0, got {self.delta} and {self.start}")


def simulate_continuation(
    engine: Engine, plan: TestPlan, *, quality: ArrayLike | None = None, paths: int = 4000, seed: int = 0
) -> ContinuationEstimate:
    """G1 and G0 by Monte Carlo, conditional on pass and on fail, with common random numbers.

    Parameters
    ----------
    engine : callable
        Function from `EngineState` to (paths,) expected shares: one of `engines`, or your own.
    plan : TestPlan
        Test, prior and discount.
    quality : array_like, optional
        Qualities from which entrants are drawn with replacement; by default the prior.
    paths : int
        Number of simulated entrants, >= 2.
    seed : int
        Seed of all draws.

    Raises
    ------
    InputError
        If paths is below 2, a quality is out of range, or no entrant can pass or none can fail.

    Notes
    -----
    The simulation follows every entrant twice on the same random numbers: with a count drawn given a pass, and with one
    drawn given a fail. Averages weight entrants by π(q) and by 1 − π(q). The horizon ends when δ^t falls below 1e-6 of
    its first value, which bounds the part cut off. Sums take the engine's shares, not draws from them, which avoids
    that noise.
    """
    if paths < 2:
        raise InputError(f"paths must be >= 2, got {paths}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    if quality is None:
        q = rng.beta(*plan.prior, paths)
    else:
        q = rng.choice(checked_numbers("quality", quality, 0.0, 1.0).reshape(-1), paths)
    uniform = rng.random(paths)
    weight = pass_probability(q, plan.n, plan.k)
    exposures = [
        _discounted_exposure(engine, plan, q, _count_given(q, uniform, plan, passed), passed, seed)
        for passed in (False, True)
    ]
    return _weighted(exposures[0], exposures[1], weight)


def horizon_periods(delta: float) -> int:
    """Periods until δ^t, with δ in (0, 1), falls below `HORIZON_END`: the horizon of discounted exposure."""
    return int(np.ceil(np.log(HORIZON_END) / np.log(delta)))


def _count_given(q: Floats, uniform: Floats, plan: TestPlan, passed: bool) -> Floats:
    """Successes given pass or fail, by inversion of the conditional distribution; both sides use the same uniform."""
    counts = np.arange(plan.k, plan.n + 1) if passed else np.arange(plan.k)
    tails = pass_probability(q[:, None], plan.n, np.arange(plan.n + 2))
    mass = np.maximum(tails[:, counts] - tails[:, counts + 1], 0.0)
    # If the side's mass underflows, take the count nearest the bar; its weight is 0.
    mass[mass.sum(axis=1) == 0, 0 if passed else -1] = 1.0
    reached = np.cumsum(mass, axis=1)
    at = (reached < uniform[:, None] * reached[:, -1:]).sum(axis=1)
    return np.asarray(counts[np.minimum(at, counts.size - 1)], dtype=np.float64)


def _discounted_exposure(engine: Engine, plan: TestPlan, q: Floats, count: Floats, passed: bool, seed: int) -> Floats:
    """(paths,) Σ_{t >= t0} δ^t a_t along one run of the engine."""
    alpha, beta = plan.prior[0] + count, plan.prior[1] + plan.n - count
    initial_alpha, initial_beta = alpha.copy(), beta.copy()
    pulls, total = np.full(q.size, float(plan.n)), np.zeros(q.size)
    flags: Booleans = np.full(q.size, passed)
    for period in range(plan.start, plan.start + horizon_periods(plan.delta)):
        noise = np.random.default_rng(np.random.SeedSequence([seed, 1, period]))
        shown, succeeded = noise.random((2, q.size))
        state = EngineState(alpha, beta, pulls, flags, initial_alpha, initial_beta, period, noise)
        share = np.clip(engine(state), 0.0, None)
        total += plan.delta**period * share
        is_shown = shown < share
        wins = is_shown & (succeeded < q)
        alpha, beta, pulls = alpha + wins, beta + (is_shown & ~wins), pulls + is_shown
    return total


def _weighted(failed: Floats, passed: Floats, weight: Floats) -> ContinuationEstimate:
    """Ratio estimates with linearised errors; the error of ΔG includes the covariance of the two sides."""
    sides = []
    for exposure, w in ((failed, 1.0 - weight), (passed, weight)):
        if not w.mean() > 0:
            raise InputError("no entrant can pass, or none can fail: choose a bar or qualities that allow both")
        mean = float((w * exposure).sum() / w.sum())
        sides.append((mean, w * (exposure - mean) / w.mean()))
    (g0, influence0), (g1, influence1) = sides
    root = np.sqrt(weight.size)
    return ContinuationEstimate(
        g0=g0,
        g1=g1,
        g0_error=float(influence0.std(ddof=1) / root),
        g1_error=float(influence1.std(ddof=1) / root),
        spread_error=float((influence1 - influence0).std(ddof=1) / root),
    )
