"""The numbers of charts and tables, computed from arrays; this module does not read and does not draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.concentration import gini, top_share
from creatorpool.comparison.measures import effective_number, lorenz_curve
from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.explanation.pool_money import POOL_CAUSES
from creatorpool.numerics.types import Floats

SIZE_GROUPS = ("smallest", "second", "middle", "fourth", "largest")
BINS = 20
LORENZ_POINTS = 120
REASONS_NAMED = 3
MIN_REASON_SHARE = 0.05
"""Smallest share of a change that is named as a reason"""


@dataclass(frozen=True)
class Concentration:
    """Measures of the concentration of (n,) amounts; all are NaN if all amounts are 0."""

    count: int
    gini: float
    top1pct: float
    effective: float


def concentration(amounts: ArrayLike) -> Concentration:
    """The `Concentration` of (n,) amounts >= 0."""
    x = np.asarray(amounts, dtype=np.float64)
    if not x.any():
        return Concentration(x.size, math.nan, math.nan, math.nan)
    return Concentration(x.size, gini(x), top_share(x), effective_number(x))


def lorenz_rows(amounts: Mapping[str, ArrayLike]) -> list[dict[str, Any]]:
    """Rows `series`, `holders`, `money` of the Lorenz curves of (n,) amounts by name; all zeros give no rows."""
    return [
        {"series": name, "holders": holders, "money": money}
        for name, amount in amounts.items()
        if np.any(np.asarray(amount))
        for holders, money in zip(*(axis.tolist() for axis in lorenz_curve(amount, LORENZ_POINTS)), strict=True)
    ]


def fifths(size: ArrayLike) -> NDArray[np.int64]:
    """The fifth, 0 … 4 from the smallest, of each of (n,) sizes; ties keep the given order."""
    x = np.asarray(size, dtype=np.float64)
    place = np.empty(x.size, dtype=np.int64)
    place[np.argsort(x, kind="stable")] = np.arange(x.size)
    return place * len(SIZE_GROUPS) // max(1, x.size)


@dataclass(frozen=True)
class Sizes:
    """Creators in fifths by views: (5,) counts, views and micros of the fifths, and (5,) micros by pool."""

    creators: NDArray[np.int64]
    views: Floats
    money: Floats
    by_pool: Mapping[str, Floats]


def payouts_by_size(pool_payouts: pa.Table, video_views: pa.Table) -> Sizes:
    """Pool money by the size of its creators.

    Creators without views, who can get only floors, are not counted; their money counts with the smallest fifth.

    Parameters
    ----------
    pool_payouts : table
        `category`, `video_id`, `creator_id`, `payout_micros`.
    video_views : table
        `video_id`, `views`; a missing video has no views.
    """
    owner = pool_payouts.column("creator_id").combine_chunks().dictionary_encode()
    names, code = len(owner.dictionary), owner.indices.to_numpy()
    video = pool_payouts.column("video_id").combine_chunks().dictionary_encode()
    _, first = np.unique(video.indices.to_numpy(), return_index=True)
    # The views of a video in several pools count once.
    own = pool_payouts.column("video_id").take(pa.array(first))
    found = pc.index_in(own, value_set=video_views.column("video_id"))
    views = pc.fill_null(video_views.column("views").take(found), 0).to_numpy().astype(np.float64)
    seen = np.bincount(code[first], weights=views, minlength=names)
    # Ties go by name, so that the result does not depend on the order of stored rows.
    order = np.argsort(np.asarray(owner.dictionary.to_pylist(), dtype=object), kind="stable")
    order = order[seen[order] > 0]
    group = np.zeros(names, dtype=np.int64)
    group[order] = fifths(seen[order])
    money = pool_payouts.column("payout_micros").to_numpy().astype(np.float64)
    pool = pool_payouts.column("category").combine_chunks().dictionary_encode()
    labels, which = pool.dictionary.to_pylist(), pool.indices.to_numpy()
    size = len(SIZE_GROUPS)
    table = np.bincount(which * size + group[code], weights=money, minlength=len(labels) * size).reshape(-1, size)
    by_pool = {name: table[position] for position, name in enumerate(labels)}
    return Sizes(
        creators=np.bincount(group[order], minlength=size),
        views=np.bincount(group, weights=seen, minlength=size).astype(np.float64),
        money=table.sum(axis=0),
        by_pool=dict(sorted(by_pool.items())),
    )


def histogram(values: ArrayLike) -> list[dict[str, float]]:
    """Rows `start`, `end`, `share` of (n,) values in [0, 1], in `BINS` equal bins; all shares are 0 if n = 0."""
    counts, edges = np.histogram(np.asarray(values, dtype=np.float64), bins=BINS, range=(0.0, 1.0))
    shares = counts / max(1, counts.sum())
    return [
        {"start": start, "end": end, "share": share}
        for start, end, share in zip(edges[:-1].tolist(), edges[1:].tolist(), shares.tolist(), strict=True)
    ]


def quantiles(values: ArrayLike) -> dict[str, float]:
    """Mean, 10th percentile, median, 90th percentile, and the share of zeros, of (n,) values; NaN if n = 0."""
    x = np.asarray(values, dtype=np.float64)
    if not x.size:
        return dict.fromkeys(("mean", "p10", "median", "p90", "zero"), math.nan)
    p10, median, p90 = np.quantile(x, [0.1, 0.5, 0.9]).tolist()
    return {"mean": float(x.mean()), "p10": p10, "median": median, "p90": p90, "zero": float(np.mean(x == 0))}


@dataclass(frozen=True)
class Mover:
    """A creator whose pool payouts changed, micros, with the largest reasons if they are known."""

    creator: str
    before: int
    now: int
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def change(self) -> int:
        """Now less before."""
        return self.now - self.before


def explained_movers(changes: pa.Table, most: int) -> list[Mover]:
    """The `most` creators whose pool payouts changed most, from rows of `payout_changes` against one day.

    A video that changed its creator leaves the videos of one creator and enters those of the other.
    """
    changes = told_columns(changes)
    names = [f"{name}_micros" for name in REASON_NAMES]
    is_kept = pc.fill_null(pc.equal(changes.column("creator_id"), changes.column("against_creator_id")), True)
    kept = changes.filter(is_kept).select(["creator_id", "against_payout_micros", "payout_micros", *names])
    moved = changes.filter(pc.invert(is_kept))
    sold = _handed(moved, "against_creator_id", "against_payout_micros", -1)
    bought = _handed(moved, "creator_id", "payout_micros", 1)
    rows = pa.concat_tables([kept, sold.select(kept.column_names), bought.select(kept.column_names)])
    sums = rows.group_by("creator_id").aggregate([(name, "sum") for name in kept.column_names[1:]])
    change = pc.subtract(sums.column("payout_micros_sum"), sums.column("against_payout_micros_sum"))
    sums = sums.append_column("size", pc.abs(change))
    chosen = sums.take(pc.select_k_unstable(sums, most, [("size", "descending"), ("creator_id", "ascending")]))
    return [_mover(row) for row in chosen.to_pylist() if row["size"]]


def told_columns(changes: pa.Table) -> pa.Table:
    """Rows of `payout_changes` whose reasons sum to the change, without nulls, as `explanation.parts.told` has them."""
    is_split = pc.is_valid(changes.column(f"{POOL_CAUSES[0]}_micros"))
    for name in REASON_NAMES:
        place = changes.column_names.index(f"{name}_micros")
        own = changes.column(place)
        own = pc.if_else(is_split, 0, own) if name == "pool_size" else pc.fill_null(own, 0)
        changes = changes.set_column(place, f"{name}_micros", own)
    return changes


def _handed(moved: pa.Table, owner: str, money: str, sign: int) -> pa.Table:
    nothing = pa.array(np.zeros(moved.num_rows, dtype=np.int64))
    own = moved.column(money)
    columns = {"creator_id": moved.column(owner), "against_payout_micros": nothing, "payout_micros": nothing}
    columns |= {money: own} | {f"{name}_micros": nothing for name in REASON_NAMES}
    return pa.table(columns | {"membership_micros": pc.multiply(own, sign)})


def _mover(row: Mapping[str, Any]) -> Mover:
    parts = [(name, row[f"{name}_micros_sum"]) for name in REASON_NAMES]
    parts.sort(key=lambda part: -abs(part[1]))
    least = MIN_REASON_SHARE * row["size"]
    reasons = tuple(part for part in parts[:REASONS_NAMED] if abs(part[1]) >= least)
    return Mover(row["creator_id"], row["against_payout_micros_sum"], row["payout_micros_sum"], reasons)


def plain_movers(before: pa.Table, now: pa.Table, most: int) -> list[Mover]:
    """As `explained_movers`, without reasons, from columns `creator_id`, `payout_micros` of two days."""
    names = pa.chunked_array([*before.column("creator_id").chunks, *now.column("creator_id").chunks], pa.string())
    names = names.unique().sort()
    old, new = (
        pc.fill_null(day.column("payout_micros").take(pc.index_in(names, value_set=day.column("creator_id"))), 0)
        for day in (before, now)
    )
    old, new = old.to_numpy(), new.to_numpy()
    order = np.argsort(-np.abs(new - old), kind="stable")[:most]
    return [Mover(names[int(i)].as_py(), int(old[i]), int(new[i])) for i in order if new[i] != old[i]]


def moved_by_reason(changes: pa.Table) -> dict[str, tuple[int, int]]:
    """Micros (>= 0, <= 0) that each reason added to payouts and took from them, over all rows, without zeros."""
    found = {}
    changes = told_columns(changes)
    for name in REASON_NAMES:
        micros = changes.column(f"{name}_micros")
        gained = pc.sum(micros.filter(pc.greater(micros, 0))).as_py() or 0
        lost = pc.sum(micros.filter(pc.less(micros, 0))).as_py() or 0
        if gained or lost:
            found[name] = (gained, lost)
    return found


def intervals(rows: Sequence[Mapping[str, Any]], name: str, label: str = "segment") -> list[dict[str, Any]]:
    """Rows `label`, `value`, `low`, `high` of the estimate `name` with its interval; null estimates are left out."""
    return [
        {"label": row[label], "value": row[name], "low": row[f"{name}_lo"], "high": row[f"{name}_hi"]}
        for row in rows
        if row[name] is not None
    ]


def kpis(incentive: Mapping[str, Any], advice: Mapping[str, Any] | None) -> dict[str, float | None]:
    """The outcome KPIs of S4 §5.4 for one segment; None where an estimate is missing.

    The quality lift is the induced quality of the advised policy less today's. The discovery rate is π̂. 1/ℓ is the
    expected payout Bπ per unit of marginal incentive Bπ′.
    """
    lift = None
    if advice is not None and None not in (advice["advised_quality"], advice["current_quality"]):
        lift = advice["advised_quality"] - advice["current_quality"]
    leverage = incentive["leverage"]
    return {
        "quality_lift": lift,
        "discovery_rate": incentive["pi_hat"],
        "dollars_per_incentive": 1.0 / leverage if leverage else None,
        "lambda_imp": None if advice is None else advice["lambda_imp"],
        "lambda_cash": None if advice is None else advice["lambda_cash"],
    }
