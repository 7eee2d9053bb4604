"""What a restatement books, on the terminal: the money of each pool, who gains and loses most, and why."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table

from creatorpool.money import in_units
from creatorpool.quoting import one_line, quoted
from creatorpool.report.console import PlainConsole
from creatorpool.stages.context import RunContext
from creatorpool.stages.restatement import Restatement
from creatorpool.statements.text import largest_reasons
from creatorpool.tables import sum_exact

_LARGEST = 10


def print_restatement(out: PlainConsole, context: RunContext, done: Restatement) -> None:
    """Print the pools, how many creators gain and lose, and the largest changes of creators and of their videos.

    Of a dry run, too.
    """
    if done.changes is None:
        out.print(f"{context.day} is restated from the same inputs already, booked on {done.booked_on}: nothing to do.")
        if done.appeal is not None:
            out.print(f"Nothing is booked after appeal {one_line(done.appeal)}.")
        return
    state = "computed, nothing written (dry run)" if context.dry_run else f"booked on {done.booked_on}"
    after = "" if done.appeal is None else f", after appeal {one_line(done.appeal)}"
    out.print(f"Restatement of {context.day}, reason {done.reason}{after}: {state}", style="bold")
    out.print(_pools_table(done))
    creators = done.changes.groupBy("creator_id").agg(sum_exact("change_micros").alias("micros"))
    gain, lose = _counts(creators)
    if not gain + lose:
        out.print("No creator is affected.")
        return
    out.print(f"Creators who gain: {gain:,}, who lose: {lose:,}. The largest changes:")
    out.print(_creators_table(done, creators))
    largest = _largest(done)
    out.print(_changes_table(done, largest))
    for row in largest:
        if row["pool_size_micros"] is not None:  # Pulse money, which has no parts, follows the revenue beside a video
            words = f"{row['video_id']} in {row['category']}: {largest_reasons(row)}"
            out.print(f"  {one_line(words)}", soft_wrap=True)


def _counts(creators: DataFrame) -> tuple[int, int]:
    counted = creators.agg(*(F.count(F.when(rule, 1)) for rule in (F.col("micros") > 0, F.col("micros") < 0)))
    gain, lose = counted.collect()[0]
    return gain, lose


def _pools_table(done: Restatement) -> Table:
    table = Table(title=f"Pools, in {done.currency}", title_justify="left")
    for name in ("category", "videos so far", "videos now", "booked", "platform", "unallocated", "goodwill"):
        table.add_column(name, justify="left" if name == "category" else "right")
    for pool in done.pools:
        booked = pool.booked
        money = (pool.settled.videos, pool.restated.videos, booked.videos, booked.platform, booked.unallocated)
        table.add_row(quoted(pool.category), *(in_units(micros) for micros in (*money, booked.goodwill)))
    return table


def _largest(done: Restatement) -> list[dict[str, Any]]:
    """The largest changes with their parts, null for Pulse."""
    assert done.changes is not None
    assert done.parts is not None
    key = ["category", "video_id"]
    largest = done.changes.orderBy(F.abs("change_micros").desc(), *key).limit(_LARGEST)
    parts = done.parts.drop(*(name for name in done.changes.columns if name in done.parts.columns and name not in key))
    rows = [row.asDict() for row in largest.join(parts, key, "left").collect()]
    return sorted(rows, key=lambda row: (-abs(row["change_micros"]), row["category"], row["video_id"]))


def _creators_table(done: Restatement, creators: DataFrame) -> Table:
    """The creators with the largest changes, over all pools and videos."""
    changed = creators.where(F.col("micros") != 0)
    table = Table(title=f"Creators, in {done.currency}", title_justify="left")
    for name in ("creator", "change"):
        table.add_column(name, justify="right" if name == "change" else "left")
    for creator, micros in changed.orderBy(F.abs("micros").desc(), "creator_id").limit(_LARGEST).collect():
        table.add_row(quoted(creator), in_units(micros))
    return table


def _changes_table(done: Restatement, largest: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Largest changes of videos, in {done.currency}", title_justify="left")
    for name in ("category", "video", "creator", "change"):
        table.add_column(name, justify="right" if name == "change" else "left")
    for row in largest:
        names = (quoted(row[name]) for name in ("category", "video_id", "creator_id"))
        table.add_row(*names, in_units(row["change_micros"]))
    return table
