"""The month so far: what is posted and what is published only, kept apart, from rows of the books."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.report.nightly.nights import BEFORE, DAY, WEEK_AGO, keep_books, pay_month, publish_payouts

from creatorpool.report.nightly.blocks import Paragraph, Tile, Tiles
from creatorpool.report.nightly.month import month_section
from creatorpool.report.nightly.month_books import Payable, Payees, month_books
from creatorpool.report.nightly.page import page
from creatorpool.report.nightly.published import report_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three paid days; one is posted, another restated and posted, and its second restatement is not posted."""
    found = publish_payouts(tmp_path_factory.mktemp("books"), WEEK_AGO, BEFORE, DAY)
    keep_books(found)
    return found


def totals(warehouse: Warehouse, day: date) -> dict[str, int]:
    return {
        row["creator_id"]: row["total_micros"]
        for row in warehouse.read_arrow("creator_payouts", day=day).to_pylist()
        if row["total_micros"]
    }


def test_posted_and_unposted_amounts_are_kept_apart(warehouse: Warehouse) -> None:
    books = month_books(report_day(warehouse, DAY))

    assert books is not None
    sums = {day: sum(totals(warehouse, day).values()) for day in (WEEK_AGO, BEFORE, DAY)}
    assert books.posted == {WEEK_AGO: sums[WEEK_AGO], BEFORE: sums[BEFORE]}
    assert books.unposted == {DAY: sums[DAY]}
    assert books.changes["earned"] == sums[WEEK_AGO] + sums[BEFORE]
    assert books.changes["adjusted"] == -300_000
    assert books.adjusted_unposted == 200_000
    held = totals(warehouse, BEFORE)["creator-c1"]
    assert books.on_hold == 40_000 + held == 40_000 + books.changes["held"]
    opening = {"creator-c1": 1_000_000, "old": -2_000_000}
    expected = {
        payee: opening.get(payee, 0)
        + totals(warehouse, WEEK_AGO).get(payee, 0)
        + (totals(warehouse, BEFORE).get(payee, 0) if payee != "creator-c1" else 0)
        - (300_000 if payee == "creator-c2" else 0)
        for payee in {*totals(warehouse, WEEK_AGO), *totals(warehouse, BEFORE), *opening}
    }
    minimum = report_day(warehouse, DAY).minimum_payment
    kinds = {
        "enough": [micros for micros in expected.values() if micros >= minimum],
        "small": [micros for micros in expected.values() if 0 < micros < minimum],
        "negative": [micros for micros in expected.values() if micros < 0],
    }
    assert books.payable == Payable(**{name: Payees(len(own), sum(own)) for name, own in kinds.items()})
    assert [(row["creator_id"], row["micros"], row["is_posted"]) for row in books.adjustments] == [
        ("creator-c2", -300_000, True),
        ("creator-c1", 200_000, False),
    ]


def test_an_earlier_day_has_the_books_up_to_it(warehouse: Warehouse) -> None:
    books = month_books(report_day(warehouse, WEEK_AGO))

    assert books is not None
    assert (set(books.posted), books.unposted, books.changes["adjusted"], books.adjustments) == ({WEEK_AGO}, {}, 0, [])


def test_the_section_shows_them(warehouse: Warehouse) -> None:
    text = page(report_day(warehouse, DAY))

    assert "From 1 November to 20 November 2026, by booking day." in text
    assert "not posted yet, 1 of 3 days" in text
    assert "viewers who were found to be invalid (click farm)" in text
    assert "2026-11-19, not posted yet" in text
    assert "1 payee below zero, -2.00" in text


def test_a_closed_month_says_what_is_paid(tmp_path: Path) -> None:
    end = date(2026, 11, 30)
    closed = publish_payouts(tmp_path, BEFORE, end)
    pay_month(closed, end, {"creator-c1": 12_340_000, "creator-c2": 10_000_000})
    earlier, last = (report_day(closed, day) for day in (BEFORE, end))

    books = month_books(last)
    assert books is not None
    assert books.paid == Payees(2, 22_340_000)
    (tiles,) = (block for block in month_section(last).blocks if isinstance(block, Tiles))
    assert Tile("paid", "22.34", "to 2 payees; the month is closed") in tiles.tiles
    assert "the month is closed" not in page(earlier)


def test_a_closed_month_that_paid_nobody_says_so(tmp_path: Path) -> None:
    end = date(2026, 11, 30)
    warehouse = publish_payouts(tmp_path, WEEK_AGO, BEFORE, end)
    keep_books(warehouse)
    pay_month(warehouse, end, {})

    (tiles,) = (block for block in month_section(report_day(warehouse, end)).blocks if isinstance(block, Tiles))
    assert Tile("paid", "0.00", "to 0 payees; the month is closed") in tiles.tiles
    assert "payable" not in {tile.label for tile in tiles.tiles}
    assert "the month is closed" not in page(report_day(warehouse, BEFORE))


def test_a_month_without_books_names_what_is_published(tmp_path: Path) -> None:
    report = report_day(publish_payouts(tmp_path, BEFORE, DAY), DAY)

    (block,) = month_section(report).blocks
    assert isinstance(block, Paragraph)
    assert "Nothing is posted to the journal, and no day is restated. Pools of 2 days of the month paid 60.00 USD." in (
        block.text
    )
