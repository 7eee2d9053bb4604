"""Whether a month may be closed: which days it needs, and what of them is missing, late or cannot be paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from creatorpool.errors import InputError
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
from creatorpool.runs.published import INVALID, published_versions, shared_version
from creatorpool.settlement.currency import has_minor_units, settle_in_another
from creatorpool.settlement.months import first_day, month_name, next_month, previous_month, without_words
from creatorpool.stages.booking_days import is_over
from creatorpool.stages.books import closed_months
from creatorpool.stages.context import RunContext
from creatorpool.stages.known_invalid import invalid_by_version
from creatorpool.stages.rates import current_rates, used_rates
from creatorpool.tables import Warehouse
from creatorpool.wording import number_of


def require_closable(context: RunContext, without: Collection[date] = ()) -> StageRun | None:
    """Check that the month that ends on the context's day is closed, or may be closed without some days.

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
    warehouse, month = context.warehouse, context.day
    closed = published_run(warehouse, CLOSE, month)
    if closed is not None:
        require_left_out(closed, without)
        return closed
    _require_earlier_closed(warehouse, month)
    require_unpaid(context, without)
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


def require_left_out(run: StageRun, without: Collection[date]) -> None:
    """Raise InputError if `run` has closed its month with a day of `without`."""
    if others := sorted(set(without) - set(run.without)):
        raise InputError(
            f"--without-day {others[0]}: {month_name(run.day)} was closed by run {run.run_id}"
            f"{without_words(run.without)}, and never changes: leave the option out"
        )


def require_unpaid(context: RunContext, without: Collection[date]) -> None:
    """Raise InputError if a day of `without` is none that the month needs, is not over, is paid, or could be paid."""
    if not without:
        return
    warehouse, month = context.warehouse, context.day
    required = required_days(warehouse, month)
    paid = {pool.day for pool in every_published_pool(warehouse, without)}
    for day in sorted(without):
        if day not in required:
            raise InputError(
                f"--without-day {day} is none of the days that {month_name(month)} needs, {required[0]} to "
                f"{required[-1]}: name days of these that have no payouts, or leave the option out"
            )
        if not is_over(warehouse, day, context.settings.ingest.day_timezone):
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
        number = number_of(len(missing), "day")
        raise InputError(
            f"{month_name(month)}: payouts of {number} are not published, {days}: run `creatorpool run "
            f"--date {missing[0]} --source DIR` for each. Of a day on which the platform was out, so that there are no "
            f"events, nothing can be paid: close the month with --without-day {missing[0]}, and the day is left out "
            f"for good"
        )


def require_payable(warehouse: Warehouse, days: Collection[date], refusal: str) -> None:
    """Raise InputError, which begins with `refusal`, if no payment can be made in the currency of one of `days`."""
    for pool in every_published_pool(warehouse, days):
        if not has_minor_units(pool.currency):
            raise InputError(
                f"{refusal}: {pool.day} is paid in {pool.currency}, which has no minor units in ISO 4217, so that no "
                f"payment can be made. Ingest each such day again with `creatorpool run --date {pool.day} --reingest "
                f"--source DIR`, for which {settle_in_another(pool.day, pool.currency)}"
            )


def late_days(warehouse: Warehouse, month: date, without: Collection[date] = ()) -> Iterator[date]:
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
