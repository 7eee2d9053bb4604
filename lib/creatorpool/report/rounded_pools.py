"""The money of a day's pools in whole cents, so that the rows and columns of a printed table sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from creatorpool.money import in_whole_cents
from creatorpool.runs.pools import PoolRun


@dataclass(frozen=True)
class RoundedPool:
    """What one pool pays and leaves, as micros in whole cents."""

    paid: int
    unallocated: int

    @property
    def pool(self) -> int:
        """The pool's money."""
        return self.paid + self.unallocated


def rounded_pools(pools: Sequence[PoolRun]) -> list[RoundedPool]:
    """Each pool's money, in the order of `pools`; each column sums to the rounded sum of the pools."""
    columns = (
        in_whole_cents([getattr(pool, name) for pool in pools]) for name in ("paid_micros", "unallocated_micros")
    )
    return [RoundedPool(paid, left) for paid, left in zip(*columns, strict=True)]
