"""Section on the month so far: what the books have, and what is published and not posted yet."""

from __future__ import annotations

from collections.abc import Iterator

from creatorpool.money import MICROS_PER_UNIT, in_units
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import (
    Block,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    Tile,
    Tiles,
    signed_money,
)
from creatorpool.report.nightly.month_books import MonthBooks, month_books
from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.pools import every_published_pool
from creatorpool.settlement.months import first_day
from creatorpool.statements.month_words import restatement_words
from creatorpool.wording import number_of

POSTED, WAITING = "posted", "not posted yet"


def month_section(report: ReportDay) -> Section:
    """What payees earned in the month up to the day, what was adjusted and held, and who could be paid."""
    books = month_books(report)
    blocks = [_nothing_posted(report)] if books is None else [*_blocks(report, books)]
    lead = (
        f"From {first_day(report.day):%-d %B} to {report.day:%-d %B %Y}, by booking day. What is published and not "
        "posted to the journal is named apart. On hold, payable and too small are of what is posted, with what earlier "
        "months carried."
    )
    return Section("month", "Month", "The month so far", lead, blocks)


def _nothing_posted(report: ReportDay) -> Block:
    pools = [
        pool
        for pool in every_published_pool(report.paid.warehouse)
        if first_day(report.day) <= pool.day <= report.day and pool.currency == report.currency
    ]
    days, paid = len({pool.day for pool in pools}), sum(pool.paid_micros for pool in pools)
    return Paragraph(
        f"Nothing is posted to the journal, and no day is restated. Pools of {number_of(days, 'day')} of the month "
        f"paid {in_units(paid, report.currency)}. To keep the books: creatorpool journal post --date {report.day}",
        "missing",
    )


def _blocks(report: ReportDay, books: MonthBooks) -> Iterator[Block]:
    yield _tiles(report, books)
    table = _largest(books)
    if books.posted or books.unposted:
        yield Figures([_earned(report, books)], beside=table)
    elif table is not None:
        yield table
    if table is None:
        yield Paragraph("No adjustment is booked in the month so far.", "good")


def _tiles(report: ReportDay, books: MonthBooks) -> Tiles:
    waiting = sum(books.unposted.values())
    of_days = (
        f"{len(books.unposted)} of {number_of(len(books.posted) + len(books.unposted), 'day')}"
        if books.unposted
        else ""
    )
    minimum = report.minimum_payment
    payable, negative = books.payable, books.payable.negative
    held = books.changes["held"] - books.changes["released"]
    below = number_of(payable.small.number, "payee") + (
        f"; {number_of(negative.number, 'payee')} below zero, {in_units(negative.micros)}" if negative.number else ""
    )
    return Tiles(
        [
            Tile(
                "earned",
                in_units(books.changes["earned"] + waiting, report.currency),
                f"{in_units(waiting)} not posted yet, {of_days}" if waiting else "all is posted",
            ),
            Tile(
                "adjusted",
                in_units(books.changes["adjusted"] + books.adjusted_unposted),
                f"{in_units(books.adjusted_unposted)} not posted yet" if books.adjusted_unposted else "all is posted",
            ),
            Tile("on hold", in_units(books.on_hold), f"{in_units(held)} of it in this month"),
            Tile(
                "paid", in_units(books.paid.micros), f"to {number_of(books.paid.number, 'payee')}; the month is closed"
            )
            if books.is_closed
            else Tile(
                "payable",
                in_units(payable.enough.micros),
                f"to {number_of(payable.enough.number, 'payee')}, before holds on payees",
            ),
            Tile(f"too small: below {in_units(minimum)}", in_units(payable.small.micros), below),
        ]
    )


def _earned(report: ReportDay, books: MonthBooks) -> Figure:
    parts = {POSTED: books.posted, WAITING: books.unposted}
    bars = [
        {"label": day.day, "part": part, "value": micros / MICROS_PER_UNIT, "place": place}
        for place, (part, days) in enumerate(parts.items())
        for day, micros in days.items()
    ]
    rows = sorted(
        (day.isoformat(), in_units(micros), part) for part, days in parts.items() for day, micros in days.items()
    )
    table = Table(("day", "earned", "in the journal"), rows, f"Earned by day, {report.currency}")
    alt_text = (
        f"Columns of what payees earned on each day of the month: {in_units(sum(books.posted.values()))} posted, "
        f"{in_units(sum(books.unposted.values()))} not posted yet, in {report.currency}."
    )
    chart = drawing.day_columns(bars, report.day.day, [*parts], report.currency)
    return Figure("Earned by day", drawing.svg(chart, alt_text), alt_text, table)


def _largest(books: MonthBooks) -> Table | None:
    """The largest adjustments by creator with their reasons."""
    rows = [
        (
            row["creator_id"],
            restatement_words(row),
            f"{row['service_date']}",
            f"{row['booked_on']}" + ("" if row["is_posted"] else f", {WAITING}"),
            signed_money(row["micros"]),
        )
        for row in books.adjustments
    ]
    header = ("creator", "why", "day", "booked on", "change")
    return Table(header, rows, "Largest adjustments that are booked in the month", left=4) if rows else None
