"""Moves mass and bounty of all segments off the grid, while each creator stays on the peak that the policy relies on.

If utility has two peaks, the platform's value jumps when the creator changes peak. The best policy often lies at that
edge: the least bounty at which the better peak still wins. Along one branch everything is smooth. The step therefore
follows branches under the constraint ``U(peak) >= U(rival)``, whose gradients follow from the envelope theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.peaks import Branch, branch_near
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.statics import MarginalGains, gains_at
from creatorpool.incentives.types import Curve, Floats

# The creator must prefer the peak by this part of the utility, so that rounding does not decide.
MARGIN = 1e-7
MAX_ITERATIONS = 80
PRECISION = 1e-13


@dataclass
class ContinuousStep:
    """One choice of tests whose mass and bounty move: x holds all masses, then all bounties, in units of the ranges."""

    policies: Sequence[Policy]
    costs: Sequence[Curve]
    quality: Floats
    """(s,) the peaks that the policies rely on"""
    spans: Floats
    """(2s, 2) least and largest mass, then bounty, of each segment"""
    shares: Floats
    budgets: Budgets

    def __post_init__(self) -> None:
        self._scale = np.maximum(self.spans[:, 1] - self.spans[:, 0], 1e-9)
        self._last: tuple[bytes, list[Policy], list[Branch], list[MarginalGains]] | None = None

    def solve(self) -> list[Policy]:
        """The policies after the step."""
        start = np.concatenate([[p.mass for p in self.policies], [p.bounty for p in self.policies]]) / self._scale
        answer = minimize(
            lambda x: -self._sum("value", x),
            start,
            jac=lambda x: -self._gradient("mv_n", "value_per_bounty", x),
            bounds=list(self.spans / self._scale[:, None]),
            constraints=[
                {"type": "ineq", "fun": self._slack, "jac": self._slack_gradient},
                {"type": "ineq", "fun": self._lead, "jac": self._lead_gradient},
            ],
            method="SLSQP",
            options={"maxiter": MAX_ITERATIONS, "ftol": PRECISION},
        )
        return self._at(answer.x)[0]

    def _at(self, x: Floats) -> tuple[list[Policy], list[Branch], list[MarginalGains]]:
        """Policies, branches and gains at x, cached: objective and constraints ask for the same point in turn."""
        key = x.tobytes()
        if self._last is None or self._last[0] != key:
            free = np.clip(x * self._scale, self.spans[:, 0], self.spans[:, 1])
            size = len(self.policies)
            moved = [replace(p, mass=free[s], bounty=free[size + s]) for s, p in enumerate(self.policies)]
            nearby = [branch_near(p, c, q) for p, c, q in zip(moved, self.costs, self.quality, strict=True)]
            gains = [gains_at(p, c, b.at) for p, c, b in zip(moved, self.costs, nearby, strict=True)]
            self._last = (key, moved, nearby, gains)
        return self._last[1:]

    def _sum(self, what: str, x: Floats) -> float:
        policies, branches, _ = self._at(x)
        if what == "value":
            return float(self.shares @ [b.at.platform for b in branches])
        return float(self.shares @ [p.bounty * b.at.probability for p, b in zip(policies, branches, strict=True)])

    def _gradient(self, per_mass: str, per_bounty: str, x: Floats) -> Floats:
        gains = self._at(x)[2]
        parts = [[getattr(gain, name) for gain in gains] for name in (per_mass, per_bounty)]
        return self._scaled(self.shares * parts[0], self.shares * parts[1])

    def _slack(self, x: Floats) -> Floats:
        mass = float(self.shares @ (x * self._scale)[: len(self.policies)])
        return np.array([self.budgets.impressions - mass, self.budgets.cash - self._sum("spend", x)])

    def _slack_gradient(self, x: Floats) -> Floats:
        of_mass = self._scaled(self.shares, np.zeros_like(self.shares))
        return np.stack([-of_mass, -self._gradient("spend_per_mass", "spend_per_bounty", x)])

    def _lead(self, x: Floats) -> Floats:
        # Without a rival the lead is infinite; 1 keeps it finite.
        return np.array([min(b.lead, 1.0) - MARGIN * (1.0 + abs(b.at.creator)) for b in self._at(x)[1]])

    def _lead_gradient(self, x: Floats) -> Floats:
        policies, branches, _ = self._at(x)
        rows = [lead_gradient(p, b) for p, b in zip(policies, branches, strict=True)]
        return np.stack([self._scaled(*np.einsum("s,c->cs", np.eye(len(rows))[s], row)) for s, row in enumerate(rows)])

    def _scaled(self, per_mass: ArrayLike, per_bounty: ArrayLike) -> Floats:
        return np.concatenate([np.asarray(per_mass, dtype=np.float64), np.asarray(per_bounty)]) * self._scale


def lead_gradient(policy: Policy, branch: Branch) -> Floats:
    """(2,) derivatives of `Branch.lead` in mass and bounty, r(q − q′) and π − π′, by the envelope theorem."""
    if branch.rival is None or branch.lead > 1.0:
        return np.zeros(2)
    share = policy.revenue_share * (branch.at.quality - branch.rival.quality)
    return np.array([share, branch.at.probability - branch.rival.probability], dtype=np.float64)
