"""The numbers of a what-if study, from its earnings: gains and losses, sizes of creators, and movers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.money import exact_sum
from creatorpool.report.nightly.figures import SIZE_GROUPS, Mover, payouts_by_size, plain_movers
from creatorpool.stages.whatif import WhatIf


@dataclass(frozen=True)
class Gains:
    """How many creators gain, lose, keep what they earn, and earn nothing either way; the money is micros."""

    published: int
    micros: int
    gaining: int
    losing: int
    same: int
    nothing: int
    gained: int
    """>= 0"""
    lost: int
    """<= 0"""


@dataclass(frozen=True)
class SizeChange:
    """A fifth of the creators by their views: what it earns as published and otherwise, micros."""

    size: str
    creators: int
    published: int
    micros: int

    @property
    def change(self) -> int:
        """What the fifth gains, or loses where it is negative."""
        return self.micros - self.published


def gains(outcome: WhatIf, category: str | None = None) -> Gains:
    """The `Gains` of all creators, or in the pool of `category`."""
    earned = outcome.earned
    if category is not None:
        earned = earned.filter(pc.equal(earned.column("category"), category))
    own = by_creator(earned)
    published, micros = (own.column(name).to_numpy() for name in ("published_micros", "micros"))
    change = micros - published
    return Gains(
        published=exact_sum(published),
        micros=exact_sum(micros),
        gaining=int(np.count_nonzero(change > 0)),
        losing=int(np.count_nonzero(change < 0)),
        same=int(np.count_nonzero((change == 0) & (micros != 0))),
        nothing=int(np.count_nonzero((published == 0) & (micros == 0))),
        gained=exact_sum(change[change > 0]),
        lost=exact_sum(change[change < 0]),
    )


def by_creator(earned: pa.Table) -> pa.Table:
    """`creator_id`, `published_micros`, `micros`: the sums of each creator, in the order of ids."""
    names = ("published_micros", "micros")
    sums = earned.group_by("creator_id").aggregate([(name, "sum") for name in names]).sort_by("creator_id")
    return pa.table({"creator_id": sums.column("creator_id"), **{name: sums.column(f"{name}_sum") for name in names}})


def size_changes(outcome: WhatIf, views: pa.Table) -> list[SizeChange]:
    """The changes by fifths of creators, smallest first; `views` has the published `views` of each `video_id`."""
    old, new = (
        payouts_by_size(outcome.earned.append_column("payout_micros", outcome.earned.column(name)), views)
        for name in ("published_micros", "micros")
    )
    return [
        SizeChange(size, int(old.creators[k]), round(old.money[k]), round(new.money[k]))
        for k, size in enumerate(SIZE_GROUPS)
    ]


def movers(outcome: WhatIf, most: int) -> list[Mover]:
    """The `most` creators whose earnings change most; `before` is as published."""
    own = by_creator(outcome.earned)
    old, new = (
        pa.table({"creator_id": own.column("creator_id"), "payout_micros": own.column(name)})
        for name in ("published_micros", "micros")
    )
    return plain_movers(old, new, most)
