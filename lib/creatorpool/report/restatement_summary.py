"""What a restatement books, on the terminal: the money of each pool, who is affected, and the largest changes."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.table import Table

from creatorpool.money import in_units
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.stages.context import RunContext
from creatorpool.stages.restatement import Restatement
from creatorpool.tables import sum_exact

_LARGEST = 10


def print_restatement(out: PlainConsole, context: RunContext, done: Restatement) -> None:
    """Print the pools, the number of creators who gain and lose, and the largest changes; of a dry run, too."""
    if done.changes is None:
        out.print(f"{context.day} is restated from the same inputs already, booked on {done.booked_on}: nothing to do.")
        return
    state = "computed, nothing written (dry run)" if context.dry_run else f"booked on {done.booked_on}"
    out.print(f"Restatement of {context.day}, reason {done.reason}: {state}", style="bold")
    out.print(_pools_table(done))
    creators = done.changes.groupBy("creator_id").agg(sum_exact("change_micros").alias("micros"))
    gain, lose = _counts(creators)
    if not gain + lose:
        out.print("No creator is affected.")
        return
    out.print(f"{gain:,} creators gain and {lose:,} lose.")
    out.print(_changes_table(done))


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


def _changes_table(done: Restatement) -> Table:
    table = Table(title=f"Largest changes, in {done.currency}", title_justify="left")
    for name in ("category", "video", "creator", "change"):
        table.add_column(name, justify="right" if name == "change" else "left")
    assert done.changes is not None
    largest = done.changes.orderBy(F.abs("change_micros").desc(), "category", "video_id").limit(_LARGEST)
    for row in largest.collect():
        names = (quoted(row[name]) for name in ("category", "video_id", "creator_id"))
        table.add_row(*names, in_units(row["change_micros"]))
    return table
