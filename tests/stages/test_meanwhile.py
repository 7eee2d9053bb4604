"""What a stage has read before it holds its claim does not count: another run may have published in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import DataFrame
from tests.stages.settled_days import DAY, NEXT, Books
from tests.stages.test_posting import hold

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.stages import posting, restatement
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.context import RunContext
from creatorpool.stages.recovery import BOOKS
from creatorpool.verification.checks import Check
from creatorpool.verification.holds import check_holds
from creatorpool.verification.month import verify_month

pytestmark = pytest.mark.once


def before_the_claim(monkeypatch: pytest.MonkeyPatch, module: ModuleType, other: Callable[[], object]) -> None:
    """Let another run do `other` when a stage of `module` has looked and is about to claim."""
    run_stage = module.run_stage

    def delayed(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        other()
        return run_stage(*arguments, **named)

    monkeypatch.setattr(module, "run_stage", delayed)


def test_a_day_that_is_republished_meanwhile_is_not_restated_from_its_earlier_payouts(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.invalid(books.busiest_viewer())
    before_the_claim(monkeypatch, restatement, lambda: publish_payouts(books.at(DAY), republish=True))

    with pytest.raises(RunInProgressError, match=f"{DAY}: another run has published other payouts"):
        books.restate()

    assert books.rows("payout_adjustments") == []
    published = books.earned()
    books.restate()
    assert books.settled() == published


def test_a_restatement_does_not_go_back_to_inputs_from_before_another_one(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_and_restate() -> None:
        books.invalid(books.busiest_viewer())
        books.restate()

    books.invalid("nobody")
    before_the_claim(monkeypatch, restatement, load_and_restate)
    with pytest.raises(RunInProgressError, match=f"{DAY}: another run has published other payouts, events or revenue"):
        books.restate()

    assert {row["sequence"] for row in books.rows("payout_adjustments")} == {1}


def test_nothing_is_posted_by_rights_from_before_another_posting(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = max(books.rows("video_payouts", NEXT), key=lambda row: row["total_micros"])
    right = {"video_id": paid["video_id"], "payee_id": "label", "valid_from": DAY, "share_ppm": 300_000}
    books.invalid(books.busiest_viewer())

    def load_post_and_restate() -> None:
        books.load("video_rights", right)
        posting.post_day(books.at(NEXT))
        books.restate(NEXT)

    before_the_claim(monkeypatch, posting, load_post_and_restate)
    with pytest.raises(RunInProgressError, match=f"has loaded video_rights and posted {NEXT} by it meanwhile"):
        posting.post_day(books.at(NEXT))

    posting.post_day(books.at(NEXT))
    assert "label" in {row["payee_id"] for row in books.rows("journal")}


def test_nothing_is_posted_by_holds_from_before_a_load(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    creator = max(books.rows("creator_payouts", NEXT), key=lambda row: row["total_micros"])["creator_id"]
    books.load("holds", hold("old", "creator", "nobody", 1))

    before_the_claim(monkeypatch, posting, lambda: books.load("holds", hold("new", "creator", creator, 1_000_000)))
    with pytest.raises(RunInProgressError, match="another run has loaded holds meanwhile; run the command again"):
        posting.post_day(books.at(NEXT))
    assert not books.reader.exists("journal")

    posting.post_day(books.at(NEXT))
    kept = {row["reference"] for row in books.rows("journal") if (row["account"], row["payee_id"]) == ("Held", creator)}
    payable = [row for row in books.rows("journal") if (row["account"], row["payee_id"]) == ("Payable", creator)]
    assert (kept, payable) == ({"new"}, [])


def test_no_hold_gets_a_later_end_while_the_books_are_written(books: Books) -> None:
    with (
        claimed(books.tables, BOOKS, EVERY_DAY, "another", timedelta(minutes=1)),
        pytest.raises(RunInProgressError, match="another"),
    ):
        books.load("holds", hold("h1", "creator", "nobody", 1))

    books.load("holds", hold("h1", "creator", "nobody", 1))
    assert [row["hold_id"] for row in books.rows("holds")] == ["h1"]


def test_a_month_that_is_posted_to_meanwhile_is_not_verified(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    posting.post_day(books.at(DAY))

    def posted_meanwhile(context: RunContext, journal: DataFrame) -> Check:
        posting.post_day(books.at(NEXT))
        return check_holds(context, journal)

    monkeypatch.setattr("creatorpool.verification.month.check_holds", posted_meanwhile)
    with pytest.raises(RunInProgressError, match="another run has written the books meanwhile"):
        verify_month(books.at(NEXT, dry_run=True))

    assert [check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed] == []


def test_a_month_that_is_closed_meanwhile_gets_no_posting(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]

    def close_and_load() -> None:
        close_month(books.at(NEXT))
        books.load("holds", hold("h1", "creator", creator, 100_000))

    before_the_claim(monkeypatch, posting, close_and_load)
    # It posts by the holds that were published when it began, and by these the close has posted all.
    posting.post_day(books.at(NEXT))
    with pytest.raises(InputError, match=f"{NEXT} is in a closed month"):
        posting.post_day(books.at(NEXT))

    assert {row["kind"] for row in books.rows("journal")} <= {"night", "payment"}
