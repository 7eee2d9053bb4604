"""A closed month: balances and payments follow from the journal, and nothing of it ever changes."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.stages.settled_days import DAY, MARKET, NEXT, Books, invalid_viewer
from tests.stages.test_posting import hold, require_balanced

from creatorpool.errors import InputError
from creatorpool.report import journal_export
from creatorpool.report.journal_export import export_journal
from creatorpool.report.month_statements import payee_statements
from creatorpool.runs.ledger import CLOSE, POST, published_runs
from creatorpool.runs.postings import postings
from creatorpool.settlement.export import beancount_account
from creatorpool.stages import allocation, runner
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.month_days import late_days
from creatorpool.stages.posting import post_day
from creatorpool.stages.recovery import recover
from creatorpool.stages.restatement import Reason, restate_day
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification import month
from creatorpool.verification.month import require_verified_days, verify_month

DECEMBER, DECEMBER_ENDS = date(2026, 12, 1), date(2026, 12, 31)
MINIMUM = "settlement.minimum_payment_micros"
BOOKS = ("journal", "payee_balances", "payments")


def closed(books: Books, minimum: int) -> None:
    close_month(books.at(NEXT, f"{MINIMUM}={minimum}"))


def test_a_month_is_closed_once_and_its_numbers_follow_from_the_journal(books: Books) -> None:
    totals: dict[str, int] = {}
    for day in (DAY, NEXT):
        for row in books.rows("creator_payouts", day):
            totals[row["creator_id"]] = totals.get(row["creator_id"], 0) + row["total_micros"]
    payees = sorted((payee for payee, micros in totals.items() if micros), key=lambda payee: -totals[payee])
    held, minimum = payees[0], totals[payees[-2]]
    books.load("holds", hold("h1", "payee", held, 100_000))

    closed(books, minimum)

    balances = {row["payee_id"]: row for row in books.rows("payee_balances")}
    assert set(balances) == set(payees)
    for payee, row in balances.items():
        assert row["earned_micros"] == totals[payee]
        assert row["opening_micros"] == row["adjusted_micros"] == row["returned_micros"] == 0
        whole = 0 if payee in (held, payees[-1]) else totals[payee] // 10_000 * 10_000
        assert (row["paid_micros"], row["closing_micros"]) == (whole, totals[payee] - row["held_micros"] - whole)
    assert balances[held]["reason"] == "on_hold"
    assert balances[held]["held_balance_micros"] == pytest.approx(totals[held] / 10, abs=50)
    assert balances[payees[-1]]["reason"] == "below_threshold"
    payments = books.rows("payments")
    assert {row["payee_id"]: row["amount_minor"] for row in payments} == {
        payee: totals[payee] // 10_000 for payee in payees[1:-1]
    }
    assert {row["status"] for row in payments} == {"due"}
    require_balanced(books)
    assert sum(books.balances("Cash").values()) == sum(row["amount_micros"] for row in payments)
    for payee, row in balances.items():
        (statement,) = payee_statements(books.tables, NEXT, payee)
        assert sum(item.micros for item in statement.items) == row["closing_micros"] == statement.closing
        (earned, *_) = statement.items
        assert {part.category for part in earned.parts} <= {"comedy", "music", "pulse"}
    checks = verify_month(books.at(NEXT, f"{MINIMUM}={minimum}", dry_run=True))
    assert [check for check in checks if not check.passed] == []

    results = Counter((row["date"], row["contract"], row["rule"]) for row in books.rows("contract_results"))
    own = {day: {n for (of, table, _), n in results.items() if (of, table) == (day, "journal")} for day in (DAY, NEXT)}
    assert own == {DAY: {1}, NEXT: {2}}, "the close checks the lines of the last day once more"
    assert len({run.run_id for run in published_runs(books.tables) if run.stage in (POST, CLOSE)}) == 3
    versions = books.versions([*BOOKS, "stage_runs"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(month, "verify_day", None)
        require_verified_days(books.at(NEXT))
    closed(books, 1)
    assert books.versions([*BOOKS, "stage_runs"]) == versions


@pytest.mark.once
def test_a_second_posting_of_a_close_that_dies_leaves_what_is_posted(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]
    post_day(books.at(DAY))
    close = books.at(NEXT)
    for name in ("h1", "h2"):
        books.load("holds", hold(name, "creator", creator if name == "h1" else "nobody", 100_000))
        lines = books.rows("journal", DAY)
        with close.on_day(DAY) as own, monkeypatch.context() as patch:
            if name == "h2":
                patch.setattr(runner, "publish_run", _die)
                with pytest.raises(RuntimeError, match="killed"):
                    post_day(own)
            else:
                post_day(own)
    recover(books.tables, lambda *_, **__: None)
    assert books.rows("journal", DAY) == lines
    assert set(postings(books.tables).entries["nights"]) == {f"{DAY}"}


def _die(*_: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.once
def test_what_is_found_later_is_booked_in_the_first_open_month(books: Books) -> None:
    closed(books, 10**12)
    rows = {table: books.rows(table) for table in BOOKS}
    books.invalid(books.busiest_viewer())
    with pytest.raises(InputError, match=r"2026-11 is closed and never changes; the first open day is 2026-12-01"):
        restate_day(books.at(DAY), Reason(), booked_on=NEXT)
    with pytest.raises(InputError, match="is in a closed month"):
        post_day(books.at(NEXT))

    assert books.restate().booked_on == DECEMBER
    post_day(books.at(DECEMBER))

    require_balanced(books)
    assert {row["booked_on"] for row in books.rows("payout_adjustments")} == {DECEMBER}
    assert rows["payee_balances"] == books.rows("payee_balances")
    assert rows["journal"] == [row for row in books.rows("journal") if row["booked_on"] < DECEMBER]
    checks = verify_month(books.at(date(2026, 12, 31), dry_run=True))
    assert [check for check in checks if not check.passed] == []
    assert f"journal of {DAY} from payouts and adjustments" in {check.name for check in checks}
    with pytest.raises(InputError, match="payouts of 31 days are not published"):
        close_month(books.at(date(2026, 12, 31)))
    with pytest.raises(InputError, match=r"2027-01 cannot be closed before 2026-12"):
        close_month(books.at(date(2027, 1, 31)))


@pytest.mark.once
def test_days_of_a_month_are_verified_by_the_configuration_of_each(books: Books) -> None:
    other = "pools.platform_share=0.4"
    publish_payouts(books.at(NEXT, other), republish=True)
    for assignments in ((), (other,)):
        require_verified_days(books.at(NEXT, f"{MINIMUM}=1", *assignments))


@pytest.mark.once
def test_a_change_that_is_posted_before_its_night_is_verified(books: Books) -> None:
    books.invalid(books.busiest_viewer())
    restate_day(books.at(DAY), Reason(), booked_on=DECEMBER)
    post_day(books.at(DECEMBER))
    for _ in range(2):
        assert not [check for check in verify_month(books.at(DECEMBER_ENDS, dry_run=True)) if not check.passed]
        close_month(books.at(NEXT), accept_late=True)


@pytest.mark.once
def test_days_before_the_end_of_a_closed_month_are_not_paid(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(books, 1)
    before = DAY - timedelta(days=1)
    generate_day(tmp_path / "raw", before, MARKET)
    publish_ingestion(books.at(before), tmp_path / "raw")
    for republish in (False, True):
        with pytest.raises(InputError, match=f"{before} is not after the closed months, .* nobody would get them"):
            publish_payouts(books.at(before), republish=republish)
    assert not books.rows("video_payouts", before)

    monkeypatch.setattr(allocation, "refuse_settled_day", lambda *_: None)
    publish_payouts(books.at(before))
    (wrong,) = (check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed)
    assert (wrong.name, wrong.example) == ("nights and restatements are posted", f"{before} is not posted")


@pytest.mark.once
def test_late_events_keep_a_month_open_until_they_are_restated_or_accepted(books: Books) -> None:
    books.late_event(DAY)

    with pytest.raises(
        InputError,
        match=rf"2026-11: events, invalid viewers, revenue, rates, viewers or videos of \['{DAY}'\] arrived after",
    ):
        close_month(books.at(NEXT))
    books.restate()
    closed(books, 1)
    assert {row["adjusted_micros"] for row in books.rows("payee_balances")} != {0}
    assert not [c for c in verify_month(books.at(NEXT, f"{MINIMUM}=1", dry_run=True)) if not c.passed]


@pytest.mark.once
def test_invalid_viewers_keep_a_month_open_until_their_days_are_restated(books: Books) -> None:
    found = books.busiest_viewer()

    def late() -> str:
        with pytest.raises(InputError, match=r"invalid viewers, .* arrived after the day was paid") as refused:
            closed(books, 1)
        return str(refused.value)

    books.invalid(found, f"{DAY}")
    assert f"of ['{DAY}'] arrived" in late()
    books.restate()
    # Rows that cover no other day, and other facts about the same viewer, change nothing.
    books.load("invalid_viewers", invalid_viewer("later") | {"from_date": DECEMBER.isoformat()})
    books.load("invalid_viewers", invalid_viewer(found, f"{DAY}") | {"note": "a click farm"})
    books.load("invalid_viewers", invalid_viewer("nobody", f"{DAY - timedelta(days=1)}"))
    for _ in maintain_tables(books.tables, timedelta(0)):
        pass
    assert list(late_days(books.tables, NEXT)) == []

    books.invalid(found)
    assert f"of ['{NEXT}'] arrived" in late()
    books.invalid(found, f"{DAY - timedelta(days=1)}")
    assert f"of ['{DAY}'] arrived" in late()
    close_month(books.at(NEXT), accept_late=True)


@pytest.mark.once
def test_a_closed_month_is_verified_by_the_holds_and_the_settings_that_it_was_closed_by(books: Books) -> None:
    held = max(books.rows("creator_payouts", NEXT), key=lambda row: row["total_micros"])["creator_id"]
    books.load("holds", hold("first", "payee", held, 1))
    closed(books, 10_000)
    assert {row["payee_id"]: row["reason"] for row in books.rows("payee_balances")}[held] == "on_hold"
    assert len({row["reason"] for row in books.rows("payee_balances")}) > 1

    others = [hold(name, "payee", name, 500_000) for name in {row["payee_id"] for row in books.rows("payments")}]
    books.load("holds", hold("first", "payee", held, 1, DAY), *others)
    for _ in maintain_tables(books.tables, timedelta(0)):
        pass

    assert [check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed] == []


@pytest.mark.once
def test_beancount_computes_the_balances(books: Books, tmp_path: Path) -> None:
    loader = pytest.importorskip("beancount.loader")
    books.load("holds", hold("h1", "payee", "creator-000001", 500_000))
    closed(books, 1)

    number = export_journal(books.tables, tmp_path / "books.beancount", "beancount")

    assert number == len(books.rows("journal"))
    entries, errors, _ = loader.load_file(str(tmp_path / "books.beancount"))
    assert errors == []
    found: dict[str, Decimal] = {}
    for entry in entries:
        for posting in getattr(entry, "postings", []):
            found[posting.account] = found.get(posting.account, Decimal(0)) + posting.units.number
    for row in books.rows("payee_balances"):
        for account, column in (("Payable", "closing_micros"), ("Held", "held_balance_micros")):
            balance = found.get(beancount_account(account, row["payee_id"]), Decimal(0))
            assert balance * 1_000_000 == row[column]


@pytest.mark.once
def test_an_exported_journal_is_that_of_one_moment(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = pytest.importorskip("beancount.loader")
    post_day(books.at(DAY))
    lines = len(books.rows("journal"))
    accounts_of = journal_export._accounts

    def posted_meanwhile(warehouse: Warehouse, *found: Any) -> list[tuple[str, str | None]]:
        accounts = accounts_of(warehouse, *found)
        books.load("holds", hold("late", "creator", max(row["creator_id"] for row in books.rows("creator_payouts")), 1))
        books.invalid(books.busiest_viewer())
        books.restate()
        post_day(books.at(DAY))
        return accounts

    monkeypatch.setattr(journal_export, "_accounts", posted_meanwhile)
    assert export_journal(books.tables, tmp_path / "books.beancount", "beancount") == lines

    assert len(books.rows("journal")) > lines
    entries, errors, _ = loader.load_file(str(tmp_path / "books.beancount"))
    assert (errors, sum(len(getattr(entry, "postings", ())) for entry in entries)) == ([], lines)
