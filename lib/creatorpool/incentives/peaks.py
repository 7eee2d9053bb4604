"""Local maxima of a creator's utility: the one that a policy relies on, and its best rival (formulas §6.4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from creatorpool.incentives.payoffs import Payoffs, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.response import critical_point
from creatorpool.incentives.types import Curve, Floats

# The grid is finer than the pass curve's rise at n = 5,000. The final global search finds a peak that the grid misses.
POINTS = 401


class Branch(NamedTuple):
    """The peak nearest to a given quality, and the best of the other peaks."""

    at: Payoffs
    rival: Payoffs | None
    """None if utility has one peak"""

    @property
    def lead(self) -> float:
        """Utility at this peak minus utility at the rival; inf without a rival."""
        return float(np.inf if self.rival is None else self.at.creator - self.rival.creator)


def local_maxima(policy: Policy, cost: Curve) -> Floats:
    """Ascending qualities at which the utility under one policy has a local maximum, corners included."""
    q = np.linspace(0.0, 1.0, POINTS)
    marginal = payoffs(policy, cost, q).private_gain - cost.slope(q)
    falls = np.flatnonzero((marginal[:-1] > 0) & (marginal[1:] <= 0))
    inside = critical_point(policy, cost, q[falls], q[falls + 1])
    falls_at_once = marginal[0] < 0 or (marginal[0] == 0 and marginal[1] <= 0)
    corners = ([0.0] if falls_at_once else [], [1.0] if marginal[-1] > 0 else [])
    return np.concatenate([corners[0], inside, corners[1]])


def branch_near(policy: Policy, cost: Curve, quality: float) -> Branch:
    """The peak of utility under one policy that is nearest to `quality`, with its best rival."""
    peaks = local_maxima(policy, cost)
    nearest = int(np.argmin(np.abs(peaks - quality)))
    others = np.delete(peaks, nearest)
    at = payoffs(policy, cost, peaks[nearest])
    if others.size == 0:
        return Branch(at, None)
    best = int(np.argmax(payoffs(policy, cost, others).creator))
    return Branch(at, payoffs(policy, cost, others[best]))
