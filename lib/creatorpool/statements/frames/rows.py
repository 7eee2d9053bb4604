"""The statements of a day: rows are grouped by creator, and executors write the texts of many creators at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.explanation.frames.rows import PART_COLUMNS
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.statements.creator import DayFacts, statement_row

BUCKETS = 64
"""Number of groups of creators that one task writes; a creator's text does not depend on it"""

SHARE, VIDEO, CHANGE = "share", "video", "change"
_CHANGED = ("against_payout_micros", "change_micros", *PART_COLUMNS)
_SCHEMA = (
    "creator_id string, currency string, payout_micros bigint, pulse_micros bigint, total_micros bigint, "
    "videos_paid bigint, against_date date, against_payout_micros bigint, change_micros bigint, "
    "largest_reason string, largest_reason_micros bigint, statement string"
)
_ARROW = pa.schema(
    [
        ("creator_id", pa.string()),
        ("currency", pa.string()),
        *((name, pa.int64()) for name in ("payout_micros", "pulse_micros", "total_micros", "videos_paid")),
        ("against_date", pa.date32()),
        *((name, pa.int64()) for name in ("against_payout_micros", "change_micros")),
        ("largest_reason", pa.string()),
        ("largest_reason_micros", pa.int64()),
        ("statement", pa.string()),
    ]
)


def statement_rows(
    shares: DataFrame, videos: DataFrame, changes: DataFrame | None, custom: Sequence[str], facts: DayFacts
) -> DataFrame:
    """One row per creator: the columns of contract `creator_statements` except `date`.

    Parameters
    ----------
    shares : DataFrame
        The day's `scored_rows`: one row per (category, video) with views and signals.
    videos : DataFrame
        The day's `video_payouts`.
    changes : DataFrame or None
        `payout_changes` against the earlier day; None without one.
    custom : sequence of str
        Custom signals among the columns of `shares`.
    """
    signals = (*COMPONENT_NAMES, *custom)
    typed = {
        **dict.fromkeys(("kind", "creator_id", "category", "video_id", "bound", "against_creator_id"), "string"),
        **dict.fromkeys(("payout_micros", "pulse_micros", "views", *_CHANGED), "bigint"),
        **dict.fromkeys(("effective_impressions", *signals), "double"),
        "owner": "string",
    }
    parts = [(shares, SHARE, F.col("creator_id")), (videos, VIDEO, F.col("creator_id"))]
    if changes is not None:
        parts.append((changes, CHANGE, F.col("creator_id")))
        # A video that changed its creator is in the statements of both creators.
        sold = changes.where(
            F.col("against_creator_id").isNotNull() & (F.col("against_creator_id") != F.col("creator_id"))
        )
        parts.append((sold, CHANGE, F.col("against_creator_id")))
    frames = [_aligned(frame, kind, owner, typed) for frame, kind, owner in parts]
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.unionByName(frame)
    bucket = F.crc32(F.col("owner").cast("binary")) % F.lit(BUCKETS)
    return rows.withColumn("bucket", bucket).groupBy("bucket").applyInArrow(_writer(facts), _SCHEMA)


def _aligned(frame: DataFrame, kind: str, owner: Column, typed: dict[str, str]) -> DataFrame:
    own = {"kind": F.lit(kind), "owner": owner}
    columns = (own[name] if name in own else F.col(name) if name in frame.columns else F.lit(None) for name in typed)
    return frame.select(
        *(column.cast(kind_).alias(name) for column, (name, kind_) in zip(columns, typed.items(), strict=True))
    )


def _writer(facts: DayFacts) -> Callable[[pa.Table], pa.Table]:
    def write(rows: pa.Table) -> pa.Table:
        return pa.Table.from_pylist(list(_written(rows, facts)), schema=_ARROW)

    return write


def _written(rows: pa.Table, facts: DayFacts) -> Iterator[dict[str, Any]]:
    order = [(name, "ascending") for name in ("owner", "kind", "category", "video_id")]
    for owner, own in groupby(rows.sort_by(order).to_pylist(), key=lambda row: row["owner"]):
        kinds: dict[str, list[dict[str, Any]]] = {SHARE: [], VIDEO: [], CHANGE: []}
        for row in own:
            kinds[row["kind"]].append(row)
        yield statement_row(owner, kinds[SHARE], kinds[VIDEO], kinds[CHANGE], facts)
