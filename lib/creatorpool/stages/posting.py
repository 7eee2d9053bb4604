"""The stage `post`: writes a day's entries to the journal, each entry once.

Entries that are posted stay as they are; a second posting finds them and adds what is new. Once a night is posted, its
payouts never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, RunInProgressError, SettlementError
from creatorpool.frames import union_all
from creatorpool.runs.ledger import POST, StageRun, published_runs
from creatorpool.runs.postings import HOLDS, POSTINGS, RIGHTS, Posting, postings, postings_of
from creatorpool.runs.published import shared_version, shared_versions
from creatorpool.runs.published_rows import published_day, published_rows
from creatorpool.settlement.frames.postings import numbered
from creatorpool.stages.allocation import STAGE as ALLOCATION_STAGE
from creatorpool.stages.booking_days import refuse_far_day
from creatorpool.stages.books import JOURNAL, closed_months
from creatorpool.stages.context import RunContext
from creatorpool.stages.due import DueEntries, due_entries, hold_terms, standing
from creatorpool.stages.entry_lines import Rules, entry_lines
from creatorpool.stages.month_days import require_payable
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.tables import Warehouse, sum_exact

STAGE = Stage(
    POST,
    (
        *("pool_revenue", "video_payouts", "ad_revenue", "payout_adjustments", "pool_adjustments"),
        *(RIGHTS, HOLDS),
    ),
    ("settlement",),
)


def post_day(context: RunContext) -> StageRun | None:
    """Post what is due on the run's day, a booking day; None if nothing is due and nothing was posted on it.

    Raises
    ------
    InputError
        If the day is in a closed month or far ahead, a pool of its night is not published yet, or no payment can be
        made in the currency of what is due.
    RunInProgressError
        If another live run writes the books, or has loaded holds or posted by later rights meanwhile.
    SettlementError
        If the lines of an entry do not sum to 0: then nothing is posted.
    """
    warehouse, day = context.warehouse, context.day
    _require_open_month(context)
    refuse_far_day(warehouse, day, "--date")
    # Rights may be loaded, or be taken back, while the posting runs: all of it is posted by the rows of these.
    versions = shared_versions(warehouse, (RIGHTS, HOLDS))
    holds = versions.get(HOLDS)
    if due_entries(warehouse, day, holds).is_empty and not published_runs(warehouse, POST, [day]):
        context.note(POST, "nothing is due")
        return None

    def compute() -> Mapping[str, Any]:
        _require_open_month(context)  # another run may have closed it before this one had the claim
        _require_latest(context.warehouse, versions)
        due = due_entries(warehouse, day, holds)
        require_payable(warehouse, {entry.day for entry in due.divided}, f"{day} cannot be posted")
        lines = [*_stored(context), *_new_lines(context, due, versions)]
        _require_balanced(context.store(union_all(lines) if lines else warehouse.frame([], JOURNAL), JOURNAL))
        stand = sorted(standing(hold_terms(warehouse, holds), day))
        place = len(postings(warehouse).made)
        return _with_earlier(context, Posting(day, place, due.facts() | {HOLDS: stand}, versions))

    return run_stage(
        context,
        STAGE,
        versions,
        compute,
        lambda _: due_entries(warehouse, day, holds).is_empty,
        beside=[ALLOCATION_STAGE],
    )


def _require_open_month(context: RunContext) -> None:
    if context.day <= max(closed_months(context.warehouse), default=date.min):
        raise InputError(f"{context.day} is in a closed month, which never changes: post on a later day")


def _require_latest(warehouse: Warehouse, versions: Mapping[str, int]) -> None:
    """Raise RunInProgressError if others have loaded holds, or posted by later rights, since `versions` were read.

    A hold may have been given a later end until it is released, and late entries look for older ones.
    """
    if shared_version(warehouse, HOLDS) != versions.get(HOLDS):
        raise RunInProgressError(f"another run has loaded {HOLDS} meanwhile; run the command again")
    for one in postings(warehouse).made:
        if later := [table for table in one.versions if one.versions[table] > versions.get(table, -1)]:
            raise RunInProgressError(
                f"another run has loaded {later[0]} and posted {one.day} by it meanwhile; run the command again"
            )


def _stored(context: RunContext) -> list[DataFrame]:
    """The lines that are posted on the day already."""
    posted = published_day(context.warehouse, JOURNAL, context.day)
    return [] if posted is None else [posted.drop("date")]


def _with_earlier(context: RunContext, posting: Posting) -> dict[str, Any]:
    """Facts for the ledger: `posting` with the earlier ones of the day, whose ledger row this one supersedes."""
    runs = published_runs(context.warehouse, POST, [context.day])
    every = {
        kind: sorted({*names, *(name for run in runs for name in run.rows.get(kind, ()))})
        for kind, names in posting.made.items()
    }
    made = [*(one for run in runs for one in postings_of(run)), posting]
    return {**every, POSTINGS: [one.record() for one in made]}


def _new_lines(context: RunContext, due: DueEntries, versions: Mapping[str, int]) -> list[DataFrame]:
    """The lines of what is due by `versions` of `video_rights` and `holds`, those that were ever published."""
    warehouse = context.warehouse
    rules = Rules(versions.get(RIGHTS), versions.get(HOLDS), postings(warehouse))
    journal = published_rows(warehouse, JOURNAL) if due.released and warehouse.exists(JOURNAL) else None
    lines = entry_lines(context, due, rules, journal)
    return [numbered(union_all(lines))] if lines else []


def _require_balanced(lines: DataFrame) -> None:
    """Raise SettlementError if the lines of an entry do not sum to 0 in each currency."""
    sums = lines.groupBy("entry_id", "kind", "currency").agg(sum_exact("amount_micros").alias("micros"))
    wrong = sums.where(F.col("micros") != 0).orderBy("entry_id").limit(1).collect()
    if wrong:
        (row,) = wrong
        raise SettlementError(
            f"journal: the lines of entry {row['entry_id']} ({row['kind']}) sum to {row['micros']:,} micros of "
            f"{row['currency']}, and must sum to 0: nothing is posted; `creatorpool verify` finds the day that differs"
        )
