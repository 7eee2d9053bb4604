"""Three months in a row: what Beancount computes from the journal is every payee's balance at the end of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.stages.settled_days import DAY, MARKET, NEXT, Books
from tests.stages.test_posting import hold, require_balanced

from creatorpool.report.journal_export import export_journal
from creatorpool.runs.identity import now
from creatorpool.runs.ledger import POST, StageRun, publish_run
from creatorpool.runs.pools import pool_records, publish_pools, published_pools
from creatorpool.runs.postings import HOLDS, POSTED, POSTINGS, Posting, postings
from creatorpool.settlement.export import beancount_account
from creatorpool.settlement.outcomes import RETURNED, Outcome
from creatorpool.stages.closing import close_month
from creatorpool.stages.payments import import_outcomes
from creatorpool.synthetic.day import generate_day

NOVEMBER, DECEMBER, JANUARY = NEXT, date(2026, 12, 31), date(2027, 1, 31)
MONTHS = (NOVEMBER, DECEMBER, JANUARY)
PAID = (date(2026, 12, 15), date(2027, 1, 20))
"""The later days on which something is earned"""
COLUMNS = {"Payable": "closing_micros", "Held": "held_balance_micros"}
OWED = tuple(f"{beancount_account(account, None)}:" for account in COLUMNS)


def publish_quiet_days(books: Books, days: Collection[date], holds: list[str]) -> None:
    """Publish days that nothing was earned on, with nothing to post, as the stages do with one pool without money."""
    tables = books.tables
    ledger = published_pools(tables, DAY)
    example = ledger[min(ledger)]
    money: dict[str, Any] = dict.fromkeys(("pool_micros", "paid_micros", "unallocated_micros"), 0)
    for day in sorted(days):
        records, seen = pool_records(tables, day, [replace(example, day=day, run_id=f"quiet-{day}", **money)])
        publish_pools(tables, day, records, seen)
        made = {kind: [day.isoformat()] if kind == "nights" else [] for kind in POSTED} | {HOLDS: holds}
        facts = {**made, POSTINGS: [Posting(day, len(postings(tables).made), made, {}).record()]}
        publish_run(tables, StageRun(day, POST, f"quiet-{day}", "", "test", {}, {}, facts, now(), now()))


def balances_of(books: Books, month: date) -> dict[str, dict[str, Any]]:
    return {row["payee_id"]: row for row in books.rows("payee_balances", month)}


@pytest.mark.once
def test_beancount_agrees_with_every_balance_of_a_quarter(books: Books, tmp_path: Path) -> None:
    loader = pytest.importorskip("beancount.loader")
    for day in PAID:
        generate_day(tmp_path / f"raw-{day}", day, MARKET)
        books.night(day, tmp_path / f"raw-{day}")
    first = NEXT + timedelta(days=1)
    later = {first + timedelta(days=n) for n in range((JANUARY - first).days + 1)}
    publish_quiet_days(books, later - {*PAID}, ["h1"])
    earned = Counter({row["creator_id"]: row["total_micros"] for row in books.rows("creator_payouts", DAY)})
    earned.update({row["creator_id"]: row["total_micros"] for row in books.rows("creator_payouts", NEXT)})
    (held, _), *_, (small, _) = [found for found in earned.most_common() if found[1]]
    minimum = f"settlement.minimum_payment_micros={earned[small] + 1}"

    books.load("holds", hold("h1", "payee", held, 400_000))
    close_month(books.at(NOVEMBER, minimum))
    payment = next(row for row in books.rows("payments", NOVEMBER) if row["payee_id"] not in (held, small))
    back = Outcome(payment["payment_id"], RETURNED, payment["amount_minor"], date(2026, 12, 2))
    import_outcomes(books.at(date(2026, 12, 2)), [back], "bounced")
    books.load("holds", hold("h1", "payee", held, 400_000, date(2026, 12, 20)))
    books.invalid(books.busiest_viewer(), f"{DAY}")
    assert books.restate(DAY).booked_on == first
    for month in (DECEMBER, JANUARY):
        close_month(books.at(month, minimum))

    require_balanced(books)
    by_month = {month: balances_of(books, month) for month in MONTHS}
    assert by_month[NOVEMBER][held]["held_micros"] > 0 == by_month[NOVEMBER][held]["released_micros"]
    assert by_month[DECEMBER][held]["released_micros"] > 0 == by_month[DECEMBER][held]["held_balance_micros"]
    assert by_month[DECEMBER][payment["payee_id"]]["returned_micros"] == payment["amount_micros"]
    assert any(row["adjusted_micros"] for row in by_month[DECEMBER].values())
    assert by_month[NOVEMBER][small]["closing_micros"] == by_month[DECEMBER][small]["opening_micros"] == earned[small]
    for month, after in pairwise(MONTHS):
        opened = {payee: row["opening_micros"] for payee, row in by_month[after].items()}
        assert {payee: row["closing_micros"] for payee, row in by_month[month].items()} == {
            payee: opened[payee] for payee in by_month[month]
        }
        assert all(micros == 0 for payee, micros in opened.items() if payee not in by_month[month])

    export_journal(books.tables, tmp_path / "books.beancount", "beancount")
    entries, errors, _ = loader.load_file(str(tmp_path / "books.beancount"))
    assert errors == []
    for month, balances in by_month.items():
        found: Counter[str] = Counter()
        for entry in entries:
            if entry.date <= month:
                for posting in getattr(entry, "postings", []):
                    found[posting.account] += posting.units.number
        expected = {
            beancount_account(account, payee): Decimal(row[column]) / 1_000_000
            for payee, row in balances.items()
            for account, column in COLUMNS.items()
        }
        owed = {name: units for name, units in found.items() if name.startswith(OWED) and units}
        assert owed == {name: units for name, units in expected.items() if units}
