"""A market of strategic creators with known truth, to try policies on."""

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
    """What a platform sees of one cohort of a segment."""

    entrants: int
    success_rate: float
    """successes per test impression: the measured quality"""
    pass_rate: float
    spread: float
    """ΔG as measured"""


@dataclass(frozen=True)
class Truth:
    """What only the simulation knows, an entrant."""

    quality: float
    value: float
    """V: platform value"""
    welfare: float
    """q E − c"""
    spend: float
    """Bπ"""


@dataclass(frozen=True)
class SimulatedMarket:
    """Segments whose entrants answer each policy with their best response; tests are binomial."""

    costs: Sequence[Curve]
    shares: Sequence[float]
    entrants: int
    """newcomers a week"""
    shock_week: int | None = None
    """from this week on the engine gives graduates less"""
    shock: float = 1.0
    """the part of ΔG that the shock leaves"""

    def __post_init__(self) -> None:
        if len(self.costs) != len(self.shares) or not self.costs:
            raise InputError(f"a market needs one share a cost, got {len(self.costs)} costs, {len(self.shares)} shares")
        if self.entrants < 1:
            raise InputError(f"entrants must be >= 1, got {self.entrants}")

    def actual(self, policy: Policy, week: int) -> Policy:
        """The policy with the exposure that the engine really gives this week."""
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
        """A week's cohort of one segment, `part` of its newcomers, under one policy."""
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
