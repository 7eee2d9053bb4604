"""The stage `post`: writes a day's entries to the journal, each entry once.

A booking day has the night of its service day, the restatements that are booked on it, what holds keep back that came
to light since, the releases of holds that have ended, and payments that came back. Entries that are posted stay as they
are; a second posting finds them and adds what is new. Once a night is posted, its payouts never change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, SettlementError
from creatorpool.frames import covering, matching, union_all
from creatorpool.runs.ledger import PAY, POST, StageRun, published_runs
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.postings import DIVIDED_BY, HOLDS, RIGHTS, divided_by, divided_in
from creatorpool.runs.published import shared_versions
from creatorpool.runs.published_rows import (
    published_arrow,
    published_day,
    published_rows,
    require_published_day,
)
from creatorpool.settlement.frames.holds import added_holds, changed_holds, held_rows
from creatorpool.settlement.frames.postings import (
    LINE_COLUMNS,
    hold_lines,
    numbered,
    paid_lines,
    payee_lines,
    release_lines,
)
from creatorpool.settlement.frames.rights import payee_rows
from creatorpool.settlement.holds import HoldTerm
from creatorpool.settlement.journal import HELD, HOLD, NIGHT, RELEASE, RETURN, Entry, pool_lines
from creatorpool.settlement.months import first_day
from creatorpool.settlement.restatement import PoolMoney
from creatorpool.stages.allocation import STAGE as ALLOCATION_STAGE
from creatorpool.stages.booking_days import refuse_far_day
from creatorpool.stages.bookings import (
    BookedRestatement,
    Booking,
    adjustment_booking,
    booked_restatements,
    night_booking,
    rights_at,
)
from creatorpool.stages.books import closed_months, known_holds, posted_entries
from creatorpool.stages.context import RunContext
from creatorpool.stages.releases import due_releases, hold_postings
from creatorpool.stages.restatement import POOLS, pool_change
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.tables import Warehouse, sum_exact

JOURNAL = "journal"
PAYMENTS = "payments"
STAGE = Stage(
    POST,
    (
        *("pool_revenue", "video_payouts", "ad_revenue", "payout_adjustments", "pool_adjustments"),
        *(RIGHTS, HOLDS),
    ),
    ("settlement",),
)


@dataclass(frozen=True)
class ReturnedPayments:
    """Payments of a closed month that came back, by one report, and are booked on one day."""

    month: date
    import_id: str

    @property
    def reference(self) -> str:
        """Their name in the journal."""
        return f"{self.month}/{self.import_id}"


@dataclass(frozen=True)
class DueEntries:
    """What is to be posted on a booking day."""

    day: date
    has_night: bool
    restatements: Sequence[BookedRestatement]
    late_holds: Mapping[date, Sequence[str]]
    """Of earlier booking days of the month and of closed months, and of the day itself, the ids of holds that stand on
    both and that the entries which are posted on the earlier one do not know"""
    released: Mapping[str, str]
    """The ended holds to release, by id, with the reference of each release"""
    returns: Sequence[ReturnedPayments]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be posted."""
        return not (self.has_night or self.restatements or self.late_holds or self.released or self.returns)

    @property
    def divided(self) -> list[Entry]:
        """The entries whose money is divided by rights."""
        return [*([Entry(NIGHT, self.day)] if self.has_night else []), *(found.entry for found in self.restatements)]

    def facts(self) -> dict[str, list[str]]:
        """The references for the ledger, by kind."""
        return {
            "nights": [self.day.isoformat()] if self.has_night else [],
            "restatements": [found.reference for found in self.restatements],
            "late": [_late_reference(name, on) for on, names in self.late_holds.items() for name in names],
            "released": [*self.released.values()],
            "returns": [f"{found.reference}@{self.day}" for found in self.returns],
        }


def post_day(context: RunContext) -> StageRun | None:
    """Post what is due on the run's day, a booking day; None if nothing is due and nothing was posted on it.

    Raises
    ------
    InputError
        If the day is in a closed month or far ahead, or a pool of its night is not published yet.
    SettlementError
        If the lines of an entry do not sum to 0: then nothing is posted.
    """
    _require_open_month(context)
    refuse_far_day(context.warehouse, context.day, "--date")
    # A load may be published, or be taken back, while the posting runs: all of it is posted by the rows of these.
    versions = shared_versions(context.warehouse, (RIGHTS, HOLDS))
    holds = versions.get(HOLDS)
    if due_entries(context, holds).is_empty and not published_runs(context.warehouse, POST, [context.day]):
        context.note(POST, "nothing is due")
        return None

    def compute() -> Mapping[str, Any]:
        _require_open_month(context)  # another run may have closed it before this one had the claim
        due = due_entries(context, holds)
        lines = [*_stored(context), *_new_lines(context, due, versions)]
        _require_balanced(context.store(union_all(lines) if lines else context.warehouse.frame([], JOURNAL), JOURNAL))
        stand = sorted(_standing(hold_terms(context.warehouse, holds), context.day))
        rights = {entry.entry_id: versions.get(RIGHTS) for entry in due.divided}
        return _with_earlier(context, due.facts() | {"holds": stand}, rights)

    return run_stage(
        context, STAGE, versions, compute, lambda _: due_entries(context, holds).is_empty, beside=[ALLOCATION_STAGE]
    )


def _require_open_month(context: RunContext) -> None:
    if context.day <= max(closed_months(context.warehouse), default=date.min):
        raise InputError(f"{context.day} is in a closed month, which never changes: post on a later day")


def due_entries(context: RunContext, holds: int | None) -> DueEntries:
    """What is to be posted on the run's day by version `holds` of that table, and is not in the journal yet."""
    (due,) = due_on(context.warehouse, [context.day], holds)
    return due


def due_on(warehouse: Warehouse, days: Sequence[date], holds: int | None) -> list[DueEntries]:
    """The same on each of `days`; the ledgers and the holds are read once."""
    posted, reported = posted_entries(warehouse), published_runs(warehouse, PAY)
    postings = hold_postings(published_runs(warehouse, POST))
    terms, known = hold_terms(warehouse, holds), known_holds(warehouse)
    booking_days = sorted({*posted["nights"].values(), *posted["restatements"].values()})
    closed = max(closed_months(warehouse), default=date.min)
    booked = booked_restatements(warehouse)
    paid = {pool.day for pool in every_published_pool(warehouse)}
    found = []
    for day in days:
        own = (one for one in booked if one.booked_on == day)
        returns = (
            ReturnedPayments(run.day, run.inputs["against"])
            for run in reported
            if day.isoformat() in run.rows["returns"]
        )
        stand = sorted(_standing(terms, day))
        late = {
            on: names
            for on in booking_days
            # What holds keep of an open month is posted in it, before its money is paid.
            if (on <= closed or first_day(day) <= on <= day)
            and (names := [name for name in stand if terms[name].stands_on(on) and name not in known[on]])
        }
        found.append(
            DueEntries(
                day=day,
                has_night=day.isoformat() not in posted["nights"] and day in paid,
                restatements=[one for one in own if one.reference not in posted["restatements"]],
                late_holds=late,
                released=due_releases(postings, terms, day),
                returns=[one for one in returns if f"{one.reference}@{day}" not in posted["returns"]],
            )
        )
    return found


def returned_days(warehouse: Warehouse) -> set[date]:
    """The booking days of all payments that came back."""
    return {date.fromisoformat(day) for run in published_runs(warehouse, PAY) for day in run.rows["returns"]}


def posted_changes(warehouse: Warehouse, day: date) -> list[tuple[str, PoolMoney]]:
    """The changes of the money of service day `day` that are in the journal, each with its category."""
    posted = posted_entries(warehouse)["restatements"]
    rows = published_arrow(warehouse, POOLS, [day]).to_pylist()
    return [(row["category"], pool_change(row)) for row in rows if f"{day}/{row['sequence']}" in posted]


def holds_on(warehouse: Warehouse, day: date, version: int | None) -> DataFrame | None:
    """The rows of a version of `holds` that stand on booking day `day`; None without a version."""
    return None if version is None else warehouse.read(HOLDS, version=version).where(covering(day))


def hold_terms(warehouse: Warehouse, version: int | None) -> dict[str, HoldTerm]:
    """The days of each hold at a version of the table, by its id; none without a version."""
    if version is None:
        return {}
    rows = warehouse.read_arrow(HOLDS, ["hold_id", "from_date", "until_date"], version=version).to_pylist()
    return {row["hold_id"]: HoldTerm(row["from_date"], row["until_date"]) for row in rows}


def _standing(terms: Mapping[str, HoldTerm], day: date) -> set[str]:
    """The ids of the holds that stand on booking day `day`: what others keep is released, or will be."""
    return {name for name, term in terms.items() if term.stands_on(day)}


def _late_reference(hold_id: str, on: date) -> str:
    return f"{hold_id}@{on}"


def _stored(context: RunContext) -> list[DataFrame]:
    """The lines that are posted on the day already."""
    posted = published_day(context.warehouse, JOURNAL, context.day)
    return [] if posted is None else [posted.drop("date")]


def _with_earlier(
    context: RunContext, facts: Mapping[str, list[str]], rights: Mapping[str, int | None]
) -> dict[str, Any]:
    """`facts` and the versions of `rights` with those of the earlier postings of the day, which this one supersedes."""
    runs = published_runs(context.warehouse, POST, [context.day])
    every = {
        kind: sorted({*names, *(name for run in runs for name in run.rows.get(kind, ()))})
        for kind, names in facts.items()
    }
    earlier = {name: version for run in runs for name, version in divided_in(run).items()}
    return {**every, DIVIDED_BY: {**earlier, **rights}}


def _new_lines(context: RunContext, due: DueEntries, rules: Mapping[str, int]) -> list[DataFrame]:
    """The lines of what is due by versions `rules` of `video_rights` and `holds`, those that were ever published."""
    warehouse, day = context.warehouse, context.day
    bookings = [night_booking(context, day)] if due.has_night else []
    bookings += [adjustment_booking(context, found) for found in due.restatements]
    lines = [_booking_lines(context, booking, rules) for booking in bookings]
    late = _late_lines(context, due, rules.get(HOLDS))
    lines += late
    if due.released and warehouse.exists(JOURNAL):
        lines += _release_lines(context, due, late, rules[HOLDS])
    lines += [_return_lines(context, found) for found in due.returns]
    if not lines:
        return []
    return [numbered(union_all(lines))]


def _booking_lines(context: RunContext, booking: Booking, rules: Mapping[str, int]) -> DataFrame:
    """All lines of an entry about a service day: those of payees, and those of the pools' other sides."""
    warehouse, entry = context.warehouse, booking.entry
    stand = holds_on(warehouse, context.day, rules.get(HOLDS))
    held = held_rows(_payee_rows(warehouse, booking, rules.get(RIGHTS)), stand)
    lines = payee_lines(held, entry, context.day, booking.currency)
    records = [
        {
            "date": context.day,
            "booked_on": context.day,
            "entry_id": entry.entry_id,
            "line": 0,
            "account": account,
            "payee_id": None,
            "amount_micros": micros,
            "currency": booking.currency,
            "kind": entry.kind,
            "service_date": entry.day,
            "reference": category,
        }
        for account, category, micros in pool_lines(booking.money)
    ]
    return lines.unionByName(warehouse.frame(records, JOURNAL).select(*lines.columns)) if records else lines


def _payee_rows(warehouse: Warehouse, booking: Booking, rights: int | None) -> DataFrame:
    amounts = booking.amounts.withColumn("service_date", F.lit(booking.entry.day))
    return payee_rows(amounts, rights_at(warehouse, rights))


def _late_lines(context: RunContext, due: DueEntries, holds: int | None) -> list[DataFrame]:
    """The lines of holds that came to light after entries of their days were posted: what they keep of these.

    They are among those of version `holds` of the table.
    """
    late = due.late_holds
    if not late:
        return []
    warehouse, day = context.warehouse, context.day
    known, lasting = known_holds(warehouse), _standing(hold_terms(warehouse, holds), day)
    entry = Entry(HOLD, day, "|".join(due.facts()["late"]))
    lines = []
    for on, booking, parts in _posted_parts(context, late):
        names = {*lasting & known[on], *late[on]}
        added = added_holds(parts, _holds_of(warehouse, holds, on, names), late[on])
        lines.append(hold_lines(added, entry, day, booking.currency))
    return lines


def _posted_parts(context: RunContext, days: Collection[date]) -> Iterator[tuple[date, Booking, DataFrame]]:
    """What is posted on `days` about service days: the booking day, the booking, and its rows by payee."""
    warehouse = context.warehouse
    posted, rights = posted_entries(warehouse), divided_by(warehouse)
    nights = {date.fromisoformat(name): on for name, on in posted["nights"].items()}
    booked = [(on, night_booking(context, night)) for night, on in nights.items() if on in days]
    booked += [
        (on, adjustment_booking(context, found))
        for found in booked_restatements(warehouse)
        if (on := posted["restatements"].get(found.reference)) is not None and on in days
    ]
    for on, booking in booked:
        yield on, booking, _payee_rows(warehouse, booking, rights[booking.entry.entry_id])


def _holds_of(warehouse: Warehouse, version: int | None, on: date, names: Collection[str]) -> DataFrame:
    """The rows of a version of `holds` that stand on booking day `on` and have one of the ids `names`."""
    return matching(warehouse.read(HOLDS, version=version).where(covering(on)), "hold_id", names)


def _release_lines(context: RunContext, due: DueEntries, late: Sequence[DataFrame], holds: int) -> Iterator[DataFrame]:
    """The lines that release ended holds, and those by which other holds keep what they hold of the same money.

    `late` are the lines of holds that came to light late.
    """
    warehouse, day = context.warehouse, context.day
    entries = {name: Entry(RELEASE, day, reference) for name, reference in due.released.items()}
    journal = published_rows(warehouse, JOURNAL).select(*LINE_COLUMNS)
    held = journal.where((F.col("account") == HELD) & (F.col("booked_on") <= F.lit(day)))
    released = release_lines(held, entries, day).where(F.col("amount_micros") != 0)
    yield released
    known = known_holds(warehouse)
    lasting = _standing(hold_terms(warehouse, holds), day)
    kept_by = {
        on: names for on in known if on <= day and (names := lasting & {*known[on], *due.late_holds.get(on, ())})
    }
    payees = released.select("payee_id").distinct()
    if not kept_by or payees.isEmpty():
        return
    lines = union_all([held, *(rows.where(F.col("account") == HELD) for rows in late)])
    of_lasting = matching(lines, "reference", lasting).join(payees, "payee_id", "left_semi")
    entry = Entry(HOLD, day, f"after {'|'.join(due.released.values())}")
    parts = defaultdict[str, list[DataFrame]](list)
    for on, booking, rows in _posted_parts(context, kept_by):
        own = rows.join(payees, "payee_id", "left_semi")
        parts[booking.currency].append(held_rows(own, _holds_of(warehouse, holds, on, kept_by[on])))
    for currency, kept in parts.items():
        had = of_lasting.where(F.col("currency") == F.lit(currency))
        yield hold_lines(changed_holds(union_all(kept), had), entry, day, currency)


def _return_lines(context: RunContext, found: ReturnedPayments) -> DataFrame:
    warehouse, month = context.warehouse, found.month
    payments = require_published_day(warehouse, PAYMENTS, month)
    own = payments.where((F.col("import_id") == found.import_id) & (F.col("booked_on") == F.lit(context.day)))
    return paid_lines(own, Entry(RETURN, context.day, found.reference), context.day, is_return=True)


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
