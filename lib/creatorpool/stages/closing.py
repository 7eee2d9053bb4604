"""The stage `close`: ends a month. It writes each payee's balance and the payments, and the month never changes again.

Whatever is due in the month is posted first. One commit then publishes the balances, the payments, and their lines in
the journal. Months are closed in order, each once; closing a closed month changes nothing. A day that cannot be paid,
because the platform has no events of it, may be left out; the ledger keeps which days those are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.ingest.load import CORRECTED_TABLES
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import (
    CLOSE,
    INGEST,
    RESTATE,
    StageRun,
    days_without,
    in_order,
    published_run,
    published_runs,
)
from creatorpool.runs.pools import PoolRun, every_published_pool, latest_pool
from creatorpool.runs.postings import HOLDS
from creatorpool.runs.published import INVALID, published_versions, shared_version
from creatorpool.runs.published_rows import published_day, published_rows
from creatorpool.settlement.currency import has_minor_units, micros_per_minor_unit, settle_in_another
from creatorpool.settlement.frames.balances import closed_balances, month_changes, open_balances, payments_due
from creatorpool.settlement.frames.postings import LINE_COLUMNS, numbered, paid_lines
from creatorpool.settlement.journal import PAYMENT, Entry
from creatorpool.settlement.months import first_day, month_name, next_month, previous_month, without_words
from creatorpool.settlement.outcomes import DUE
from creatorpool.stages.booking_days import is_over
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import closed_months
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import STAGE as INGESTION_STAGE
from creatorpool.stages.known_invalid import invalid_by_version
from creatorpool.stages.posting import JOURNAL, PAYMENTS, due_on, holds_on, post_day, returned_days
from creatorpool.stages.rates import current_rates, used_rates
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.tables import Warehouse

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
    closed = require_closable(warehouse, month, without)
    if closed is not None:
        words = f"{month_name(month)} was closed by run {closed.run_id}{without_words(closed.without)}"
        context.note(CLOSE, words, published_by=closed.run_id)
        return closed
    _require_payable(warehouse, month, without)
    if not accept_late and (late := list(_late_days(warehouse, month, without))):
        days = shortened_list([str(day) for day in late])
        raise InputError(
            f"{month_name(month)}: events, invalid viewers, revenue, rates, viewers or videos of {days} arrived after "
            f"the day was paid, and nobody restated it: run `creatorpool restate --date {late[0]}` for each, or close "
            f"with --accept-late to leave them out"
        )
    # What is posted on a day may make a release due on a later day that was posted before.
    while due := _due_days(context, without):
        for day in due:
            post_day(replace(context, day=day))

    holds = shared_version(warehouse, HOLDS)

    def compute() -> Mapping[str, Any]:
        _require_unpaid(warehouse, month, without)
        if due := _due_days(context, without):
            raise RunInProgressError(
                f"{month_name(month)}: another run has booked something on {due[0]} meanwhile; run the close again"
            )
        return {**_store(context, holds), **({"without": sorted(map(str, set(without)))} if without else {})}

    inputs = {"month": month_name(month), **({} if holds is None else {HOLDS: holds})}
    # No event of a day that is left out may come in before the month is closed.
    beside = [INGESTION_STAGE] if without else []
    run = run_stage(context, STAGE, inputs, compute, lambda _: True, beside)
    _require_left_out(run, without)
    return run


def require_closable(warehouse: Warehouse, month: date, without: Collection[date] = ()) -> StageRun | None:
    """Check that a month, named by its last day, is closed, or may be closed without some days.

    Returns
    -------
    StageRun or None
        The run that closed the month; None if it is open, and earlier months are closed and its days published.

    Raises
    ------
    InputError
        If an earlier month is open, or a day of the month is not published; if a day of `without` is none that the
        month needs, is not over, or has payouts or events, or if the month is closed with it.
    """
    closed = published_run(warehouse, CLOSE, month)
    if closed is not None:
        _require_left_out(closed, without)
        return closed
    _require_earlier_closed(warehouse, month)
    _require_unpaid(warehouse, month, without)
    _require_published(warehouse, month, without)
    return None


def required_days(warehouse: Warehouse, month: date, without: Collection[date] = ()) -> list[date]:
    """The days of a month that must be published: all from the first day that ever was, but for those left out.

    These are the days of `without` and, of a closed month, those that it was closed without.
    """
    known = sorted({pool.day for pool in every_published_pool(warehouse)})
    if not known:
        return []
    first = max(first_day(month), known[0])
    left_out = {*without, *days_without(warehouse)}
    days = (first + timedelta(days=n) for n in range((month - first).days + 1))
    return [day for day in days if day not in left_out]


def _require_left_out(run: StageRun, without: Collection[date]) -> None:
    """Raise InputError if `run` has closed its month with a day of `without`."""
    if others := sorted(set(without) - set(run.without)):
        raise InputError(
            f"--without-day {others[0]}: {month_name(run.day)} was closed by run {run.run_id}"
            f"{without_words(run.without)}, and never changes: leave the option out"
        )


def _require_unpaid(warehouse: Warehouse, month: date, without: Collection[date]) -> None:
    """Raise InputError if a day of `without` is none that the month needs, is not over, is paid, or could be paid."""
    if not without:
        return
    required = required_days(warehouse, month)
    paid = {pool.day for pool in every_published_pool(warehouse, without)}
    for day in sorted(without):
        if day not in required:
            raise InputError(
                f"--without-day {day} is none of the days that {month_name(month)} needs, {required[0]} to "
                f"{required[-1]}: name days of these that have no payouts, or leave the option out"
            )
        if not is_over(warehouse, day):
            raise InputError(
                f"--without-day {day}: the day is not over, so that its events may still come: close the month later"
            )
        if day in paid:
            raise InputError(
                f"--without-day {day}: the day has payouts, and what is published is owed: leave the option out"
            )
        if published_run(warehouse, INGEST, day) is not None:
            raise InputError(
                f"--without-day {day}: the day is ingested, so that it can be paid, and without it creators would not "
                f"get what they earned: run `creatorpool run --date {day}`. If no video of the day can be paid, ingest "
                f"it with revenue of 0: `creatorpool run --date {day} --reingest --source DIR`"
            )
        if _has_events(warehouse, day):
            raise InputError(
                f"--without-day {day}: events of the day came with the delivery of another day, so that it can be "
                f"paid: deliver its revenue, or revenue of 0, with `creatorpool run --date {day} --source DIR`"
            )


def _has_events(warehouse: Warehouse, day: date) -> bool:
    version = shared_version(warehouse, "events")
    return version is not None and warehouse.read_arrow("events", ["date"], day=day, version=version).num_rows > 0


def _require_earlier_closed(warehouse: Warehouse, month: date) -> None:
    pools = every_published_pool(warehouse)
    if not pools or pools[0].day > month:
        raise InputError(f"{month_name(month)} has no published day: there is nothing to close")
    closed = closed_months(warehouse)
    expected = next_month(closed[-1]) if closed else next_month(previous_month(pools[0].day))
    if month != expected:
        raise InputError(
            f"{month_name(month)} cannot be closed before {month_name(expected)}, because its balances begin where "
            f"those end: run `creatorpool close --month {month_name(expected)}` first"
        )


def _require_published(warehouse: Warehouse, month: date, without: Collection[date]) -> None:
    paid = {pool.day for pool in every_published_pool(warehouse)}
    missing = [day for day in required_days(warehouse, month, without) if day not in paid]
    if missing:
        days = shortened_list([str(day) for day in missing])
        number = "1 day" if len(missing) == 1 else f"{len(missing)} days"
        raise InputError(
            f"{month_name(month)}: payouts of {number} are not published, {days}: run `creatorpool run "
            f"--date {missing[0]} --source DIR` for each. Of a day on which the platform was out, so that there are no "
            f"events, nothing can be paid: close the month with --without-day {missing[0]}, and the day is left out "
            f"for good"
        )


def _require_payable(warehouse: Warehouse, month: date, without: Collection[date]) -> None:
    """Raise InputError if a day of the month is paid in a currency in which no payment can be made."""
    for pool in every_published_pool(warehouse, required_days(warehouse, month, without)):
        if not has_minor_units(pool.currency):
            raise InputError(
                f"{month_name(month)} cannot be closed: {pool.day} is paid in {pool.currency}, which has no minor "
                f"units in ISO 4217, so that no payment can be made. Ingest each such day again with `creatorpool run "
                f"--date {pool.day} --reingest --source DIR`, for which {settle_in_another(pool.day, pool.currency)}"
            )


def _late_days(warehouse: Warehouse, month: date, without: Collection[date] = ()) -> Iterator[date]:
    """Days of which something changed after the versions that they were paid or restated from.

    That may be events, revenue, rates, viewers or videos, or which viewers are invalid on the day.
    """
    pools: dict[date, dict[str, PoolRun]] = {}
    for pool in every_published_pool(warehouse):
        pools.setdefault(pool.day, {})[pool.category] = pool
    restated = {run.day: run for run in in_order(published_runs(warehouse, RESTATE))}
    used = {
        day: restated[day].inputs if day in restated else latest_pool(pools[day]).inputs
        for day in required_days(warehouse, month, without)
    }
    delivered = {table: published_versions(warehouse, table) for table in ("ad_revenue", *CORRECTED_TABLES)}
    first = min((versions["events"] for versions in used.values()), default=0)
    changes = warehouse.changes("events", first + 1, shared_version(warehouse, "events") or first)
    viewers, latest = invalid_by_version(warehouse), shared_version(warehouse, INVALID)
    for day, versions in used.items():
        is_corrected = any(found.get(day, versions[table]) != versions[table] for table, found in delivered.items())
        is_corrected |= used_rates(warehouse, day, versions) != current_rates(warehouse, day, versions["ad_revenue"])
        known = versions.get(INVALID)
        is_other = known != latest and viewers(day, known) != viewers(day, latest)
        if is_corrected or is_other or changes.since(day, versions["events"]):
            yield day


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
