"""Recomputes what holds keep and release in a month of the books, by the holds that each posting knew."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import matching, union_all
from creatorpool.runs.postings import HOLDS, RIGHTS, Postings, postings
from creatorpool.settlement.journal import HELD, HOLD, RELEASE
from creatorpool.settlement.months import first_day
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import JOURNAL
from creatorpool.stages.context import RunContext
from creatorpool.stages.due import entries_of
from creatorpool.stages.entry_lines import Rules, hold_lines_of
from creatorpool.tables import sum_exact
from creatorpool.verification.checks import Check, compare_frames

_KEY = ("entry_id", "account", "payee_id", "reference", "currency")


def check_holds(context: RunContext, journal: DataFrame) -> Check:
    """Compare the lines on account `Held`, and those of holds and releases, with what postings of the month must write.

    Every posting is made again, by the versions of `video_rights` and `holds` that it read and by the postings before
    it; `journal` has the published lines.
    """
    month = F.col("booked_on").between(first_day(context.day), context.day)
    is_own = (F.col("account") == HELD) | F.col("kind").isin(HOLD, RELEASE)
    expected = [context.warehouse.frame([], JOURNAL).select(*_KEY, "amount_micros")]
    expected += [rows.select(*_KEY, "amount_micros") for rows in _expected(context, journal)]
    stored, made = (_sums(rows) for rows in (journal.where(month & is_own), union_all(expected)))
    return compare_frames("held and released from holds and postings", stored, made, _KEY, ["amount_micros"], [])


def _sums(lines: DataFrame) -> DataFrame:
    sums = lines.groupBy(*_KEY).agg(sum_exact("amount_micros").alias("amount_micros"))
    return sums.where(F.col("amount_micros") != 0)


def _expected(context: RunContext, journal: DataFrame) -> Iterator[DataFrame]:
    """The lines of each posting of the month, in the order of the postings."""
    warehouse, every = context.warehouse, postings(context.warehouse)
    booked = {found.reference: found for found in booked_restatements(warehouse)}
    made: list[str] = []
    for place, posting in enumerate(every.made):
        due = entries_of(posting, booked)
        if first_day(context.day) <= posting.day <= context.day:
            rules = Rules(posting.versions.get(RIGHTS), posting.versions.get(HOLDS), Postings(every.made[:place]))
            own = matching(journal, "entry_id", made) if due.released else None
            yield from hold_lines_of(warehouse, due, rules, own)
        made += [entry.entry_id for entry in due.keeping]
