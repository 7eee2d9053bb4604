"""The parts of the changes that a restatement books: those from the published payouts to now, less what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.explanation.frames.rows import KEY, PART_COLUMNS
from creatorpool.tables import sum_exact

EARLIER = "earlier_micros"
_BOOKED = ("change_micros", EARLIER)


def parts_of_changes(
    changes: DataFrame, explained: DataFrame, adjustments: DataFrame | None, stored: DataFrame | None
) -> DataFrame:
    """The rows of `changes`, one per pool and video, with `PART_COLUMNS` and `EARLIER`, which sum to `change_micros`.

    A policy books the whole difference of a video or nothing of it. So the parts that are booked for a video, of all
    restatements together, are those of the change from its published payout to the last one that was booked.

    Parameters
    ----------
    changes : DataFrame
        What the restatement books, with columns `category`, `video_id` and `change_micros`.
    explained : DataFrame
        `explained_rows` from the published day to the day as computed now.
    adjustments, stored : DataFrame or None
        The day's rows of `payout_adjustments` and `adjustment_parts` by earlier restatements; None if there are none.
        Earlier versions kept no parts. What they booked is subtracted in `EARLIER`.
    """
    rows = changes.join(explained.select(*KEY, *PART_COLUMNS), list(KEY), "left")
    rows = _with_sums(rows, stored, (*PART_COLUMNS, *_BOOKED), "stored")
    rows = _with_sums(rows, adjustments, ("change_micros",), "booked")
    earlier = F.col("stored_change_micros") - F.col("booked_change_micros") - F.col(f"stored_{EARLIER}")
    parts = [(_or_zero(name) - F.col(f"stored_{name}")).alias(name) for name in PART_COLUMNS]
    return rows.select(*changes.columns, *parts, earlier.alias(EARLIER))


def _with_sums(rows: DataFrame, others: DataFrame | None, names: Sequence[str], prefix: str) -> DataFrame:
    """`rows` with the sums of columns `names` of `others` by pool and video, 0 where it has no row."""
    if others is None:
        return rows.withColumns({f"{prefix}_{name}": F.lit(0).cast("bigint") for name in names})
    sums = others.groupBy(*KEY).agg(*(sum_exact(name).alias(f"{prefix}_{name}") for name in names))
    joined = rows.join(sums, list(KEY), "left")
    return joined.withColumns({f"{prefix}_{name}": _or_zero(f"{prefix}_{name}") for name in names})


def _or_zero(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit(0).cast("bigint"))
