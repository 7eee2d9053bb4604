"""The rule of one position per content: how many contents of a drawer may have how many impressions (formulas §4.4).

At most k contents may reach the k-th largest capacity C_k, so the content at rank k + 1 stays below C_k. Positions of
equal capacity count together: two positions of 900 allow two contents to reach 900.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.response import Floats, Integers

# A content that must not reach a capacity stays below it by this part. The upper bound on plans has no such gap.
BELOW = 1e-6


@dataclass(frozen=True)
class PositionClasses:
    """The rule of positions in m drawers, with ascending caps: at most `limits[:, d]` contents exceed `caps[:, d]`."""

    caps: Floats
    """(m, d), padded by inf; the last finite cap of a row is the largest capacity, which no content may exceed"""
    limits: Integers
    """(m, d); 0 at the last finite cap"""

    @property
    def top(self) -> Floats:
        """(m,) most impressions of any content; inf if the drawer has no rule."""
        finite = np.isfinite(self.caps)
        return np.where(finite.any(axis=1), np.where(finite, self.caps, 0.0).max(axis=1), np.inf)

    def rank_caps(self, drawer: int, contents: int) -> Floats:
        """(contents,) most impressions of the content at each rank, largest first."""
        caps, limits = self.caps[drawer], self.limits[drawer]
        allowed = np.full(contents, np.inf)
        for cap, above in zip(caps[np.isfinite(caps)], limits, strict=False):
            allowed[above:] = np.minimum(allowed[above:], cap if above == 0 else cap * (1.0 - BELOW))
        return allowed

    def content_caps(self, impressions: Floats, most: Floats) -> Floats:
        """(n, m) most impressions of each content if contents keep their order by `impressions` in each drawer.

        Ties are broken by `most`, then by position, so that a large capacity goes to a content that can use it.
        """
        n, m = impressions.shape
        allowed = np.empty((n, m))
        for j in range(m):
            order = np.lexsort((np.arange(n), -most[:, j], -impressions[:, j]))
            allowed[order, j] = self.rank_caps(j, n)
        return np.minimum(allowed, most)


def position_classes(positions: Sequence[Floats], contents: int) -> PositionClasses:
    """Classes from the capacities of each drawer's positions, in any order; a drawer without positions has no rule."""
    tables = [_drawer_classes(capacity, contents) for capacity in positions]
    width = max(1, *(caps.size for caps, _ in tables)) if tables else 1
    caps = np.full((len(tables), width), np.inf)
    limits = np.zeros(caps.shape, dtype=np.int64)
    for j, (own_caps, own_limits) in enumerate(tables):
        caps[j, : own_caps.size], limits[j, : own_caps.size] = own_caps, own_limits
    return PositionClasses(caps, limits)


def _drawer_classes(capacity: Floats, contents: int) -> tuple[Floats, Integers]:
    if capacity.size == 0:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    sizes, counts = np.unique(capacity[capacity > 0], return_counts=True)
    if sizes.size == 0:  # all positions have capacity 0
        return np.zeros(1), np.zeros(1, dtype=np.int64)
    reaching = np.cumsum(counts[::-1])[::-1]  # positions at least as large
    caps, limits = np.append(sizes, sizes[-1]), np.append(reaching, 0)
    matters = limits < contents  # the other caps limit no content
    return caps[matters], limits[matters]
