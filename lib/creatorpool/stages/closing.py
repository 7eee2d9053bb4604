"""The stage `close`: ends a month. It writes each payee's balance and the payments, and the month never changes again.

Whatever is due in the month is posted first. One commit then publishes the balances, the payments, and their lines in
the journal. Months are closed in order, each once; closing a closed month changes nothing. A day that cannot be paid,
because the platform has no events of it, may be left out; the ledger keeps which days those are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import (
    CLOSE,
    StageRun,
)
from creatorpool.runs.postings import HOLDS
from creatorpool.runs.published import shared_version
from creatorpool.runs.published_rows import published_day, published_rows
from creatorpool.settlement.currency import micros_per_minor_unit
from creatorpool.settlement.frames.balances import closed_balances, month_changes, open_balances, payments_due
from creatorpool.settlement.frames.postings import LINE_COLUMNS, numbered, paid_lines
from creatorpool.settlement.journal import PAYMENT, Entry
from creatorpool.settlement.months import first_day, month_name, previous_month, without_words
from creatorpool.settlement.outcomes import DUE
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import JOURNAL, PAYMENTS
from creatorpool.stages.context import RunContext
from creatorpool.stages.due import due_on, returned_days
from creatorpool.stages.entry_lines import holds_on
from creatorpool.stages.ingestion import STAGE as INGESTION_STAGE
from creatorpool.stages.month_days import (
    late_days,
    require_closable,
    require_left_out,
    require_payable,
    require_unpaid,
    required_days,
)
from creatorpool.stages.posting import post_day
from creatorpool.stages.runner import Stage, run_stage

BALANCES = "payee_balances"
_OUTCOME = {"settled_on": "date", "booked_on": "date", "import_id": "string"}
"""Columns of `payments` that are known once a payment was sent"""
STAGE = Stage(CLOSE, (JOURNAL, HOLDS), ("settlement",))


def close_month(context: RunContext, *, accept_late: bool = False, without: Collection[date] = ()) -> StageRun:
    """Post what is due in the month that ends on the run's day, and close it, unless it is closed.

    `without` are days of the month that have no payouts and never will.

    Raises
    ------
    InputError
        If the month cannot be closed, as in `require_closable`; if what arrived late of a day (events, invalid viewers,
        or corrected revenue, viewers or videos) is not restated, unless `accept_late`; if a currency has no minor
        units.
    RunInProgressError
        If another live run writes the books, or has booked something in the month meanwhile; with `without`, if one
        ingests.
    """
    warehouse, month = context.warehouse, context.day
    closed = require_closable(context, without)
    if closed is not None:
        words = f"{month_name(month)} was closed by run {closed.run_id}{without_words(closed.without)}"
        context.note(CLOSE, words, published_by=closed.run_id)
        return closed
    require_payable(warehouse, required_days(warehouse, month, without), f"{month_name(month)} cannot be closed")
    if not accept_late and (late := list(late_days(warehouse, month, without))):
        days = shortened_list([str(day) for day in late])
        raise InputError(
            f"{month_name(month)}: events, invalid viewers, revenue, rates, viewers or videos of {days} arrived after "
            f"the day was paid, and nobody restated it: run `creatorpool restate --date {late[0]}` for each, or close "
            f"with --accept-late to leave them out"
        )
    # What is posted on a day may make a release due on a later day that was posted before.
    while due := _due_days(context, without):
        for day in due:
            with context.on_day(day) as own:
                post_day(own)

    holds = shared_version(warehouse, HOLDS)

    def compute() -> Mapping[str, Any]:
        require_unpaid(context, without)
        if due := _due_days(context, without):
            raise RunInProgressError(
                f"{month_name(month)}: another run has booked something on {due[0]} meanwhile; run the close again"
            )
        return {**_store(context, holds), **({"without": sorted(map(str, set(without)))} if without else {})}

    inputs = {"month": month_name(month), **({} if holds is None else {HOLDS: holds})}
    # No event of a day that is left out may come in before the month is closed.
    beside = [INGESTION_STAGE] if without else []
    run = run_stage(context, STAGE, inputs, compute, lambda _: True, beside)
    require_left_out(run, without)
    return run


def _due_days(context: RunContext, without: Collection[date]) -> list[date]:
    """The booking days of the month on which something is to be posted, and its last day for holds that have ended."""
    booked = {found.booked_on for found in booked_restatements(context.warehouse)}
    booked |= returned_days(context.warehouse)
    days = {*required_days(context.warehouse, context.day, without), *booked, context.day}
    own = sorted(day for day in days if first_day(context.day) <= day <= context.day)
    holds = shared_version(context.warehouse, HOLDS)
    return [due.day for due in due_on(context.warehouse, own, holds) if not due.is_empty]


def balances_of(context: RunContext, lines: DataFrame, holds: int | None) -> DataFrame:
    """The balances of the month that ends on the context's day, from its `lines` of the journal: `closed_balances`.

    `holds` is the version of that table by which payees are on hold; None: nobody is.
    """
    balances = open_balances(month_changes(lines), _balances_before(context))
    stand = holds_on(context.warehouse, context.day, holds)
    of_payees = None if stand is None else stand.where(F.col("subject_kind") == "payee")
    held = None if of_payees is None else of_payees.select(F.col("subject_id").alias("payee_id"))
    minimum = context.settings.settlement.minimum_payment_micros
    return closed_balances(balances, held, minimum, _minor_units(balances))


def _minor_units(rows: DataFrame) -> dict[str, int]:
    """Micros of the smallest payable amount of each currency in `rows`."""
    currencies = [row["currency"] for row in rows.select("currency").distinct().collect()]
    return {code: micros_per_minor_unit(code) for code in sorted(currencies)}


def _store(context: RunContext, holds: int | None) -> Mapping[str, Any]:
    warehouse, month = context.warehouse, context.day
    journal = published_rows(warehouse, JOURNAL)
    closed = balances_of(context, journal.where(F.col("booked_on").between(first_day(month), month)), holds)
    contract = warehouse.contract(BALANCES)
    name = F.lit(month_name(month)).alias("month")
    columns = [column for column in contract.column_names if column not in ("date", "month")]
    balanced = context.store(closed.select(name, *columns), BALANCES)
    payments = payments_due(balanced, _minor_units(balanced))
    state = [F.lit(DUE).alias("status"), *(F.lit(None).cast(kind).alias(name) for name, kind in _OUTCOME.items())]
    stored = context.store(payments.select(name, "*", *state), PAYMENTS)
    _store_lines(context, stored)
    return {"month": month_name(month)}


def _balances_before(context: RunContext) -> DataFrame | None:
    return published_day(context.warehouse, BALANCES, previous_month(context.day))


def _store_lines(context: RunContext, payments: DataFrame) -> None:
    """Store the lines of the payments beside those that are posted on the last day of the month."""
    month = context.day
    lines = numbered(paid_lines(payments, Entry(PAYMENT, month, month_name(month)), month))
    posted = published_day(context.warehouse, JOURNAL, month)
    if posted is not None:
        lines = posted.select("line", *LINE_COLUMNS).unionByName(lines)
    context.store(lines, JOURNAL)
