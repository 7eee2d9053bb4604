"""Two published days as frames: their rows side by side, and the parts of each change, computed by executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.explanation.pairs import PoolPair, changes
from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.explanation.pricing import PaidVideos
from creatorpool.frames import parts_by
from creatorpool.quality_components import COMPONENT_NAMES

Batches = Iterable[pa.RecordBatch]

KEY = ("category", "video_id")
PAID_COLUMNS = ("creator_id", "effective_impressions", "floor_micros", "cap_micros", "payout_micros", "bound")
PART_COLUMNS = tuple(f"{name}_micros" for name in REASON_NAMES)
_CHANGE_SCHEMA = ", ".join(
    [
        "category string, video_id string, creator_id string, against_creator_id string",
        *(f"{name} bigint" for name in ("against_payout_micros", "payout_micros", "change_micros", *PART_COLUMNS)),
    ]
)


def scored_rows(payouts: DataFrame, signals: DataFrame, quality: DataFrame, custom: Sequence[str]) -> DataFrame:
    """One row per (category, video) of one day's `pool_payouts`, with the views and components of its score.

    A custom signal that the day does not have is null.
    """
    own = (F.col(name) if name in signals.columns else F.lit(None).cast("double").alias(name) for name in custom)
    scored = signals.select("video_id", "views", *own).join(
        quality.select("video_id", *COMPONENT_NAMES), on="video_id", how="inner"
    )  # video_id is the key of both
    paid = payouts.select(*KEY, *PAID_COLUMNS)
    return paid.join(scored, on="video_id", how="inner")


def paired_rows(before: DataFrame, after: DataFrame, custom: Sequence[str]) -> DataFrame:
    """One row per (category, video) of either day: every column of `scored_rows` twice, ending in _0 and in _1."""
    names = (*PAID_COLUMNS, "views", *COMPONENT_NAMES, *custom)
    first, second = (
        rows.select(*KEY, *(F.col(name).alias(f"{name}_{day}") for name in names))
        for day, rows in enumerate((before, after))
    )
    return first.join(second, on=list(KEY), how="full")  # key of both


def explained_rows(pairs: DataFrame, pools: Mapping[str, PoolPair], against: date, custom: Sequence[str]) -> DataFrame:
    """One row per (category, video) of `paired_rows`: the columns of contract `payout_changes` except `date`."""
    columns = pairs.columns
    filled = pairs.select(*columns).mapInArrow(_explainer(dict(pools), tuple(custom)), _CHANGE_SCHEMA)
    return filled.withColumn("against_date", F.lit(against))


def _explainer(pools: Mapping[str, PoolPair], custom: Sequence[str]) -> Callable[[Batches], Batches]:
    def explain(batches: Batches) -> Batches:
        for batch in batches:
            done = [explained_batch(rows, pools[category], custom) for category, rows in parts_by(batch, "category")]
            if done:
                yield from pa.Table.from_batches(done).combine_chunks().to_batches()

    return explain


def explained_batch(rows: pa.RecordBatch, pool: PoolPair, custom: Sequence[str]) -> pa.RecordBatch:
    """The changes of any rows of one pool with their parts, with the columns of `_CHANGE_SCHEMA`."""
    present = tuple(pc.is_valid(rows.column(f"payout_micros_{day}")).to_numpy(zero_copy_only=False) for day in (0, 1))
    videos = tuple(_paid_videos(rows, day, custom) for day in (0, 1))
    parts = changes(pool, (videos[0], videos[1]), (present[0], present[1]))
    before, after = (
        pc.fill_null(rows.column(f"payout_micros_{day}"), 0).to_numpy(zero_copy_only=False) for day in (0, 1)
    )
    creator = pc.coalesce(rows.column("creator_id_1"), rows.column("creator_id_0"))
    return pa.RecordBatch.from_pydict(
        {
            "category": rows.column("category").cast(pa.string()),
            "video_id": rows.column("video_id").cast(pa.string()),
            "creator_id": creator.cast(pa.string()),
            "against_creator_id": rows.column("creator_id_0").cast(pa.string()),
            "against_payout_micros": pa.array(before),
            "payout_micros": pa.array(after),
            "change_micros": pa.array(after - before),
            **{f"{name}_micros": pa.array(parts[name]) for name in REASON_NAMES},
        }
    )


def whole_pool(pairs: pa.Table, day: int, custom: Sequence[str]) -> PaidVideos:
    """The videos of one pool on one day, from all its `paired_rows`; views and components may be missing."""
    rows = pairs.filter(pc.is_valid(pairs.column(f"payout_micros_{day}")))
    # Ids, which can be millions, are loaded only if the cap of some creator bound.
    is_capped = pc.any(pc.equal(rows.column(f"bound_{day}"), "creator_cap")).as_py()
    return _paid_videos(rows, day, custom, with_creators=bool(is_capped))


def _paid_videos(
    rows: pa.RecordBatch | pa.Table, day: int, custom: Sequence[str], *, with_creators: bool = True
) -> PaidVideos:
    is_scored = f"views_{day}" in rows.schema.names
    cap = _numbers(rows, f"cap_micros_{day}")
    return PaidVideos(
        effective_impressions=_numbers(rows, f"effective_impressions_{day}"),
        floor=_numbers(rows, f"floor_micros_{day}"),
        cap=np.where(np.isnan(cap), np.inf, cap),
        payout=_numbers(rows, f"payout_micros_{day}"),
        bound=_words(rows, f"bound_{day}"),
        creator=_words(rows, f"creator_id_{day}") if with_creators else np.full(rows.num_rows, ""),
        views=_numbers(rows, f"views_{day}") if is_scored else np.zeros(rows.num_rows),
        components=_components(rows, day, custom) if is_scored else {},
    )


def _components(rows: pa.RecordBatch | pa.Table, day: int, custom: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    components = {name: _numbers(rows, f"{name}_{day}") for name in COMPONENT_NAMES}
    for name in custom:
        # A signal that only one day measured counts as unchanged.
        own, other = _numbers(rows, f"{name}_{day}"), _numbers(rows, f"{name}_{1 - day}")
        known = np.where(np.isnan(own), other, own)
        components[name] = np.where(np.isnan(known), 1.0, known)
    return components


def _words(rows: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.str_]:
    """A text column as (n,) strings, "" where missing."""
    column = rows.column(name)
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    of = pc.fill_null(whole.cast(pa.string()), "").dictionary_encode()
    words = np.array(of.dictionary.to_pylist(), dtype=np.str_)
    return np.asarray(words[of.indices.to_numpy()]) if words.size else np.empty(0, dtype=np.str_)


def _numbers(rows: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.float64]:
    """A column as (n,) floats, nan where missing."""
    column = rows.column(name)
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values: NDArray[Any] = whole.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
