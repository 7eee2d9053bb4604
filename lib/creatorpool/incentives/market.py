"""A simulated market of strategic creators with known truth, for trying policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.payoffs import payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import best_response
from creatorpool.incentives.types import Curve


@dataclass(frozen=True)
class Measurement:
    """What a platform can measure of one cohort of a segment."""

    entrants: int
    success_rate: float
    """successes per test impression: the measured quality"""
    pass_rate: float
    spread: float
    """measured ΔG"""


@dataclass(frozen=True)
class Truth:
    """Values per entrant that only the simulation knows."""

    quality: float
    value: float
    """V: platform value"""
    welfare: float
    """q E − c"""
    spend: float
    """Bπ"""


@dataclass(frozen=True)
class SimulatedMarket:
    """Segments whose entrants choose their best response to each policy; tests are binomial.

    Raises
    ------
    InputError
        If the numbers of costs and shares differ, or there are none, or entrants is below 1.
    """

    costs: Sequence[Curve]
    shares: Sequence[float]
    entrants: int
    """new entrants per week, all segments together"""
    shock_week: int | None = None
    """from this week on, the engine gives graduates less exposure"""
    shock: float = 1.0
    """part of ΔG that remains after the shock"""

    def __post_init__(self) -> None:
        if len(self.costs) != len(self.shares) or not self.costs:
            raise InputError(
                f"a market needs one cost and one share per segment, got {len(self.costs)} costs and "
                f"{len(self.shares)} shares"
            )
        if self.entrants < 1:
            raise InputError(f"entrants must be >= 1, got {self.entrants}")

    def actual(self, policy: Policy, week: int) -> Policy:
        """The policy with the exposure that the engine gives in `week`, counted from 0."""
        factor = self.shock if self.shock_week is not None and week >= self.shock_week else 1.0
        spread = policy.spread * factor
        return Policy(
            policy.mass,
            policy.n,
            policy.k,
            policy.bounty,
            policy.g0,
            policy.g0 + spread,
            policy.revenue_share,
            policy.model,
        )

    def cohort(
        self, segment: int, policy: Policy, week: int, part: float, rng: np.random.Generator
    ) -> tuple[Measurement, Truth]:
        """Draw a week's cohort of one segment under one policy: `part`, in (0, 1], of the segment's new entrants."""
        actual, cost = self.actual(policy, week), self.costs[segment]
        at = payoffs(actual, cost, best_response(actual, cost))
        size = max(1, round(self.entrants * self.shares[segment] * part))
        counts = rng.binomial(int(policy.n), float(at.quality), size)
        measured = Measurement(
            entrants=size,
            success_rate=float(counts.mean() / policy.n),
            pass_rate=float((counts >= policy.k).mean()),
            spread=float(actual.spread),
        )
        spend = float(policy.bounty * at.probability)
        return measured, Truth(float(at.quality), float(at.platform), float(at.welfare), spend)
