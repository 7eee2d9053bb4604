"""Verifies a month of the books: entries, the money of each service day, balances and payments, from the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import MissingTableError, RunInProgressError
from creatorpool.frames import matching
from creatorpool.runs.ledger import BOOK_STAGES, CLOSE, POST, StageRun, published_run, published_runs
from creatorpool.runs.pools import every_published_pool, require_published_pools
from creatorpool.runs.postings import HOLDS, postings
from creatorpool.runs.published_rows import published_arrow, published_rows, require_published_day
from creatorpool.settlement.journal import ADJUSTMENT, CASH, HELD, NIGHT, PAYABLE, PAYMENT, RETURN, pool_lines
from creatorpool.settlement.months import first_day, month_name
from creatorpool.settlement.outcomes import RETURNED
from creatorpool.settlement.restatement import NOTHING, PoolMoney
from creatorpool.stages.bookings import booked_restatements
from creatorpool.stages.books import JOURNAL, PAYMENTS
from creatorpool.stages.breakdown import DividedEntry, booked_parts, divided_entries
from creatorpool.stages.closing import BALANCES, balances_of
from creatorpool.stages.configuration import published_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_money import published_money
from creatorpool.stages.due import hold_terms
from creatorpool.stages.month_days import require_closable, required_days
from creatorpool.stages.releases import hold_postings
from creatorpool.stages.restatement import POOLS, pool_change
from creatorpool.tables import Warehouse, sum_exact
from creatorpool.verification.checks import Check, compare_frames, compare_records
from creatorpool.verification.day import require_verified, verify_day
from creatorpool.verification.holds import check_holds

_PAYEES = "payees"


def require_verified_days(context: RunContext, without: Collection[date] = ()) -> None:
    """Verify every day of the month that ends on the context's day, by the configuration that the ledger keeps of it.

    Days of a closed month are not verified again: a close of it does nothing. `without` are days that have no payouts
    and never will.

    Raises
    ------
    InputError
        If the month is open and cannot be closed, as in `require_closable`.
    VerificationError
        If a day fails; the message names the day and the check.
    """
    if require_closable(context, without) is not None:
        return
    for day in required_days(context.warehouse, context.day, without):
        # Days of a month may be paid with different configurations, whatever that of the close is.
        rows = require_published_pools(context.warehouse, day).values()
        settings = published_settings(context.settings, rows) or context.settings
        own = replace(context, day=day, settings=settings, dry_run=True, results=[], kept=0)
        require_verified(own, verify_day(own))


def verify_month(context: RunContext) -> list[Check]:
    """Recompute the books of the month that ends on the context's day, one `Check` per condition. Writes nothing.

    Raises
    ------
    MissingTableError
        If nothing of the month is posted.
    RunInProgressError
        If another run writes the books meanwhile, so that tables and ledger are not of one time.
    """
    before = _book_runs(context.warehouse)
    checks = _checks(context)
    if _book_runs(context.warehouse) != before:
        raise RunInProgressError("another run has written the books meanwhile; run the command again")
    return checks


def _book_runs(warehouse: Warehouse) -> set[str]:
    return {run.run_id for stage in BOOK_STAGES for run in published_runs(warehouse, stage)}


def _checks(context: RunContext) -> list[Check]:
    warehouse, month = context.warehouse, context.day
    run = published_run(warehouse, CLOSE, month)
    is_posted = any(first_day(month) <= one.day <= month for one in published_runs(warehouse, POST))
    if run is None and not is_posted:
        raise MissingTableError(f"nothing of {month_name(month)} is posted to the journal under {warehouse.root}")
    journal = published_rows(warehouse, JOURNAL)
    entries = divided_entries(warehouse, month)
    days = sorted({one.entry.day for one in entries})
    checks = [_balanced(journal), *(_day_money(replace(context, day=day), journal) for day in days)]
    if entries:
        checks.append(_divided(context, journal, entries))
    checks.append(check_holds(context, journal))
    if run is not None:
        checks += _closed(context, journal, run)
    return checks


def _balanced(journal: DataFrame) -> Check:
    """Check that the lines of each entry sum to 0 in each currency."""
    sums = journal.groupBy("entry_id", "currency").agg(sum_exact("amount_micros").alias("micros"))
    wrong = F.when(F.col("micros") != 0, F.col("entry_id"))
    entries, faults, example = sums.agg(F.count("*"), F.count(wrong), F.min(wrong)).collect()[0]
    return Check("journal entries sum to 0", entries, faults, None if example is None else f"entry {example}")


def _day_money(context: RunContext, journal: DataFrame) -> Check:
    """Check that the lines about a service day are its published money and its changes, of each what is posted."""
    ledger = require_published_pools(context.warehouse, context.day)
    is_posted = context.day.isoformat() in postings(context.warehouse).entries["nights"]
    money = published_money(context, ledger) if is_posted else {}
    for category, change in _posted_changes(context.warehouse, context.day):
        money[category] = money.get(category, NOTHING) + change
    expected = {f"{account} {category}": {"micros": micros} for account, category, micros in pool_lines(money)}
    total = sum(pool.videos for pool in money.values())
    expected |= {_PAYEES: {"micros": total}} if total else {}
    own = journal.where((F.col("service_date") == F.lit(context.day)) & F.col("kind").isin(NIGHT, ADJUSTMENT))
    is_payee = F.col("account").isin(PAYABLE, HELD)
    name = F.when(is_payee, F.lit(_PAYEES)).otherwise(F.concat_ws(" ", "account", "reference"))
    sums = own.groupBy(name.alias("name")).agg(sum_exact("amount_micros").alias("micros"))
    stored = {row["name"]: {"micros": row["micros"]} for row in sums.where(F.col("micros") != 0).collect()}
    return compare_records(f"journal of {context.day} from payouts and adjustments", stored, expected)


def _posted_changes(warehouse: Warehouse, day: date) -> list[tuple[str, PoolMoney]]:
    """The changes of the money of service day `day` that are in the journal, each with its category."""
    posted = postings(warehouse).entries["restatements"]
    rows = published_arrow(warehouse, POOLS, [day]).to_pylist()
    return [(row["category"], pool_change(row)) for row in rows if f"{day}/{row['sequence']}" in posted]


def _divided(context: RunContext, journal: DataFrame, entries: Sequence[DividedEntry]) -> Check:
    """Check that pools and videos, divided by rights, sum to each payee's line of each entry about a service day."""
    parts = booked_parts(context.warehouse, entries).groupBy("entry_id", "payee_id")
    expected = parts.agg(sum_exact("micros").alias("micros"))
    own = journal.where(F.col("booked_on").between(first_day(context.day), context.day))
    lines = own.where(F.col("kind").isin(NIGHT, ADJUSTMENT) & F.col("account").isin(PAYABLE, HELD))
    stored = lines.groupBy("entry_id", "payee_id").agg(sum_exact("amount_micros").alias("micros"))
    # An adjustment may take from one video of a payee what it gives another: then the journal has no line.
    stored, expected = (rows.where(F.col("micros") != 0) for rows in (stored, expected))
    name = "payees' lines from pools, videos and rights"
    return compare_frames(name, stored, expected, ["entry_id", "payee_id"], ["micros"], [])


def _closed(context: RunContext, journal: DataFrame, run: StageRun) -> Iterator[Check]:
    """Check balances, payments and the lines of payments of a month that `run` has closed, by what it was closed by."""
    warehouse, month = context.warehouse, context.day
    stored = {table: require_published_day(warehouse, table, month) for table in (BALANCES, PAYMENTS)}
    own = journal.where(F.col("booked_on").between(first_day(month), month))
    settings = context.settings if run.config_json is None else context.settings.with_sections(run.config_json)
    expected = balances_of(replace(context, settings=settings, dry_run=True), own, run.inputs.get(HOLDS))
    yield _posted(context)
    columns = [name for name in warehouse.contract(BALANCES).column_names if name.endswith("_micros")]
    yield compare_frames(
        "payee_balances from the journal",
        stored[BALANCES],
        expected,
        ["payee_id", "currency"],
        [*columns, "reason"],
        [],
    )
    paid = stored[BALANCES].where(F.col("paid_micros") != 0)
    amounts = paid.select("payee_id", "currency", F.col("paid_micros").alias("amount_micros"))
    yield compare_frames(
        "payments from payee_balances", stored[PAYMENTS], amounts, ["payee_id", "currency"], ["amount_micros"], []
    )
    lines = own.where((F.col("kind") == PAYMENT) & (F.col("account") == CASH))
    booked = lines.select("payee_id", "currency", "amount_micros", F.col("reference").alias("payment_id"))
    yield compare_frames(
        "payments in the journal",
        booked,
        stored[PAYMENTS],
        ["payee_id", "currency"],
        ["payment_id", "amount_micros"],
        [],
    )
    yield _returned(context, own)
    if (holds := run.inputs.get(HOLDS)) is not None:
        yield _released(context, journal, holds)


def _posted(context: RunContext) -> Check:
    """Check that the journal has every published night of the month, and every restatement that is booked in it."""
    warehouse, month = context.warehouse, context.day
    posted = postings(warehouse).entries
    nights = {pool.day.isoformat() for pool in every_published_pool(warehouse) if first_day(month) <= pool.day <= month}
    own = (one for one in booked_restatements(warehouse) if first_day(month) <= one.booked_on <= month)
    changes = {one.reference for one in own}
    missing = sorted((nights - {*posted["nights"]}) | (changes - {*posted["restatements"]}))
    example = f"{missing[0]} is not posted" if missing else None
    return Check("nights and restatements are posted", len(nights | changes), len(missing), example, "entry")


def _returned(context: RunContext, lines: DataFrame) -> Check:
    """Check that `lines` of the month take back the payments that came back in it."""
    came_back = published_rows(context.warehouse, PAYMENTS).where(F.col("status") == RETURNED)
    own = came_back.where(F.col("booked_on").between(first_day(context.day), context.day))
    booked = lines.where((F.col("kind") == RETURN) & (F.col("account") == PAYABLE))
    return compare_frames(
        "returned payments in the journal",
        booked.select("payee_id", "currency", "amount_micros", F.col("reference").alias("payment_id")),
        own,
        ["payment_id"],
        ["payee_id", "currency", "amount_micros"],
        [],
    )


def _released(context: RunContext, journal: DataFrame, holds: int) -> Check:
    """Check that holds which ended before the month's last day, by version `holds`, keep nothing.

    Those that are released on a later day are left out: a release takes all that is booked up to its day.
    """
    warehouse, month = context.warehouse, context.day
    of_holds = hold_postings(published_runs(warehouse, POST))
    later = {name for name, own in of_holds.items() if max(own.released, default=month) > month}
    over = {name for name, term in hold_terms(warehouse, holds).items() if term.has_ended_before(month)} - later
    held = journal.where((F.col("account") == HELD) & (F.col("booked_on") <= F.lit(month)))
    own = matching(held, "reference", over).groupBy("reference", "payee_id", "currency")
    wrong = F.when(F.col("micros") != 0, F.col("reference"))
    kept = own.agg(sum_exact("amount_micros").alias("micros"))
    number, faults, example = kept.agg(F.count("*"), F.count(wrong), F.min(wrong)).collect()[0]
    return Check("ended holds keep nothing", number, faults, None if example is None else f"hold {example}")
