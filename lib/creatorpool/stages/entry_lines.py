"""The lines of the entries that are due on a booking day.

They follow from published tables, from versions of `video_rights` and `holds`, and from the postings before. So they
can be made again from the ledger at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import covering, matching, union_all
from creatorpool.runs.postings import HOLDS, Postings
from creatorpool.runs.published_rows import require_published_day
from creatorpool.settlement.frames.holds import added_holds, changed_holds, held_rows
from creatorpool.settlement.frames.postings import (
    LINE_COLUMNS,
    hold_lines,
    paid_lines,
    payee_lines,
    release_lines,
)
from creatorpool.settlement.frames.rights import payee_rows
from creatorpool.settlement.journal import HELD, RETURN, Entry, pool_lines
from creatorpool.settlement.restatement import PoolMoney
from creatorpool.stages.bookings import (
    Booking,
    adjustment_booking,
    adjustment_money,
    booked_restatements,
    night_booking,
    night_money,
    rights_at,
)
from creatorpool.stages.books import JOURNAL, PAYMENTS
from creatorpool.stages.context import RunContext
from creatorpool.stages.due import DueEntries, ReturnedPayments, hold_terms, standing
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class Rules:
    """By what entries are made: versions of `video_rights` and `holds`, None without one, and the postings before.

    Rights divide service days of which nothing is posted yet: those of the first posting divide the others.
    """

    rights: int | None
    holds: int | None
    before: Postings

    def rights_of(self, day: date) -> int | None:
        """The version of `video_rights` that divides what is booked about service day `day`."""
        return self.before.rights_of_days.get(day, self.rights)


def entry_lines(context: RunContext, due: DueEntries, rules: Rules, journal: DataFrame | None) -> list[DataFrame]:
    """The lines of what is due.

    Parameters
    ----------
    journal : DataFrame or None
        The lines of the postings before; None if there are none, or nothing is released.
    """
    warehouse, day = context.warehouse, due.day
    money = [night_money(context, day)] if due.has_night else []
    money += [adjustment_money(warehouse, found) for found in due.restatements]
    lines = []
    for (booking, own), change in zip(_divided(warehouse, due, rules), money, strict=True):
        held = held_rows(own, holds_on(warehouse, day, rules.holds))
        lines.append(payee_lines(held, booking.entry, day, booking.currency))
        lines += _other_sides(warehouse, booking, day, change)
    lines += _hold_moves(warehouse, due, rules, journal)
    return lines + [_return_lines(warehouse, day, found) for found in due.returns]


def hold_lines_of(warehouse: Warehouse, due: DueEntries, rules: Rules, journal: DataFrame | None) -> list[DataFrame]:
    """Of the lines of what is due, those on account `Held`, and all lines of entries of holds and of releases."""
    stand = holds_on(warehouse, due.day, rules.holds)
    lines = []
    if standing(hold_terms(warehouse, rules.holds), due.day):
        for booking, own in _divided(warehouse, due, rules):
            kept = payee_lines(held_rows(own, stand), booking.entry, due.day, booking.currency)
            lines.append(kept.where(F.col("account") == HELD))
    return lines + _hold_moves(warehouse, due, rules, journal)


def _hold_moves(warehouse: Warehouse, due: DueEntries, rules: Rules, journal: DataFrame | None) -> list[DataFrame]:
    """The lines of the entries of late holds, and of releases; as `entry_lines`."""
    late = _late_lines(warehouse, due, rules) if due.late_holds else []
    released = _release_lines(warehouse, due, rules, late, journal) if due.released and journal is not None else []
    return [*late, *released]


def holds_on(warehouse: Warehouse, day: date, version: int | None) -> DataFrame | None:
    """The rows of a version of `holds` that stand on booking day `day`; None without a version."""
    return None if version is None else warehouse.read(HOLDS, version=version).where(covering(day))


def _divided(warehouse: Warehouse, due: DueEntries, rules: Rules) -> Iterator[tuple[Booking, DataFrame]]:
    """The night and the restatements that are due, each with its rows by payee."""
    bookings = [night_booking(warehouse, due.day)] if due.has_night else []
    bookings += [adjustment_booking(warehouse, found) for found in due.restatements]
    for booking in bookings:
        yield booking, _payee_rows(warehouse, booking, rules.rights_of(booking.entry.day))


def _payee_rows(warehouse: Warehouse, booking: Booking, rights: int | None) -> DataFrame:
    amounts = booking.amounts.withColumn("service_date", F.lit(booking.entry.day))
    return payee_rows(amounts, rights_at(warehouse, rights))


def _other_sides(warehouse: Warehouse, booking: Booking, day: date, money: Mapping[str, PoolMoney]) -> list[DataFrame]:
    """The lines of the pools' other sides; none if there are none."""
    entry = booking.entry
    records = [
        {
            "date": day,
            "booked_on": day,
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
        for account, category, micros in pool_lines(money)
    ]
    return [warehouse.frame(records, JOURNAL).select(*LINE_COLUMNS)] if records else []


def _late_lines(warehouse: Warehouse, due: DueEntries, rules: Rules) -> list[DataFrame]:
    """The lines of holds that came to light after entries of their days were posted: what they keep of these."""
    known, lasting = rules.before.known_holds, standing(hold_terms(warehouse, rules.holds), due.day)
    lines = []
    for on, booking, parts in _posted_parts(warehouse, rules.before, due.late_holds):
        names = {*lasting & known[on], *due.late_holds[on]}
        added = added_holds(parts, _holds_of(warehouse, rules.holds, on, names), due.late_holds[on])
        lines.append(hold_lines(added, due.late_entry, due.day, booking.currency))
    return lines


def _posted_parts(
    warehouse: Warehouse, before: Postings, days: Collection[date]
) -> Iterator[tuple[date, Booking, DataFrame]]:
    """What `before` has posted on `days` about service days: the booking day, the booking, and its rows by payee."""
    nights = {date.fromisoformat(name): on for name, on in before.entries["nights"].items()}
    booked = [(on, night_booking(warehouse, night)) for night, on in nights.items() if on in days]
    booked += [
        (on, adjustment_booking(warehouse, found))
        for found in booked_restatements(warehouse)
        if (on := before.entries["restatements"].get(found.reference)) is not None and on in days
    ]
    for on, booking in booked:
        yield on, booking, _payee_rows(warehouse, booking, before.divided_by[booking.entry.entry_id])


def _holds_of(warehouse: Warehouse, version: int | None, on: date, names: Collection[str]) -> DataFrame:
    """The rows of a version of `holds` that stand on booking day `on` and have one of the ids `names`."""
    return matching(warehouse.read(HOLDS, version=version).where(covering(on)), "hold_id", names)


def _release_lines(
    warehouse: Warehouse, due: DueEntries, rules: Rules, late: Sequence[DataFrame], journal: DataFrame
) -> Iterator[DataFrame]:
    """The lines that release ended holds, and those by which other holds keep what they hold of the same money.

    `late` are the lines of holds that came to light late.
    """
    day = due.day
    held = journal.select(*LINE_COLUMNS).where((F.col("account") == HELD) & (F.col("booked_on") <= F.lit(day)))
    released = release_lines(held, due.release_entries, day).where(F.col("amount_micros") != 0)
    yield released
    known = rules.before.known_holds
    lasting = standing(hold_terms(warehouse, rules.holds), day)
    kept_by = {
        on: names for on in known if on <= day and (names := lasting & {*known[on], *due.late_holds.get(on, ())})
    }
    payees = released.select("payee_id").distinct()
    if not kept_by or payees.isEmpty():
        return
    lines = union_all([held, *(rows.where(F.col("account") == HELD) for rows in late)])
    of_lasting = matching(lines, "reference", lasting).join(payees, "payee_id", "left_semi")
    parts = defaultdict[str, list[DataFrame]](list)
    for on, booking, rows in _posted_parts(warehouse, rules.before, kept_by):
        own = rows.join(payees, "payee_id", "left_semi")
        parts[booking.currency].append(held_rows(own, _holds_of(warehouse, rules.holds, on, kept_by[on])))
    for currency, kept in parts.items():
        had = of_lasting.where(F.col("currency") == F.lit(currency))
        yield hold_lines(changed_holds(union_all(kept), had), due.kept_entry, day, currency)


def _return_lines(warehouse: Warehouse, day: date, found: ReturnedPayments) -> DataFrame:
    payments = require_published_day(warehouse, PAYMENTS, found.month)
    own = payments.where((F.col("import_id") == found.import_id) & (F.col("booked_on") == F.lit(day)))
    return paid_lines(own, Entry(RETURN, day, found.reference), day, is_return=True)
