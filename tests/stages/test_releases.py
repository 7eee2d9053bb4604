"""Fixed histories of the books: ended holds release all that they have kept, unless another hold keeps it.

That holds in whatever order days are posted, and over the end of a month.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.stages.fates import LIVES, Fate
from tests.stages.settled_days import DAY, NEXT, Books
from tests.stages.test_books_machine import BooksMachine

from creatorpool.errors import InputError
from creatorpool.runs.ledger import StageRun
from creatorpool.settlement.holds import HoldTerm
from creatorpool.settlement.outcomes import PAID, RETURNED
from creatorpool.stages import due, entry_lines
from creatorpool.stages.closing import close_month
from creatorpool.stages.posting import post_day
from creatorpool.stages.releases import due_releases, hold_postings
from creatorpool.verification.month import verify_month

ALIVE = Fate(LIVES)
LATER = date(2026, 12, 1)

Step = Callable[[BooksMachine], None]


def posted(sequence: int, day: date, holds: tuple[str, ...], *released: str) -> StageRun:
    """The ledger row of a posting that knows `holds` and has released others."""
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    facts = {"holds": [*holds], "released": [*released]}
    return StageRun(day, "post", f"run-{sequence}", "", "", {}, {}, facts, moment, moment, sequence=sequence)


ENDED = {"h@1": HoldTerm(DAY, DAY)}
FIRST = f"h@1@{DAY}"


@pytest.mark.parametrize(
    ("runs", "day", "due"),
    [
        ([posted(1, DAY, ("h@1",))], NEXT, FIRST),
        ([posted(1, DAY, ("h@1",))], DAY, None),
        ([], NEXT, None),
        ([posted(1, DAY, ("h@1",)), posted(2, NEXT, (), FIRST)], NEXT, None),
        ([posted(1, DAY, ("h@1",)), posted(2, NEXT, (), FIRST)], LATER, None),
        ([posted(2, NEXT, (), FIRST), posted(3, DAY, ("h@1",))], NEXT, f"{FIRST}#2"),
        ([posted(2, NEXT, (), FIRST), posted(3, DAY, ("h@1",))], LATER, FIRST),
        ([posted(2, NEXT, (), FIRST, f"{FIRST}#2"), posted(3, DAY, ("h@1",))], NEXT, f"{FIRST}#3"),
        ([posted(2, LATER, (), FIRST), posted(3, DAY, ("h@1",))], NEXT, None),
        # The end was moved to a day before entries that know the hold.
        ([posted(1, LATER, ("h@1",)), posted(2, DAY, ("h@1",)), posted(3, NEXT, (), FIRST)], NEXT, None),
        ([posted(1, LATER, ("h@1",)), posted(2, DAY, ("h@1",)), posted(3, NEXT, (), FIRST)], LATER, FIRST),
        ([posted(1, NEXT, ("h@1",), "h@1@2026-11-28")], NEXT, FIRST),
    ],
)
def test_releases_that_are_due(runs: list[StageRun], day: date, due: str | None) -> None:
    assert due_releases(hold_postings(runs), ENDED, day) == ({} if due is None else {"h@1": due})


def hold(share: int = 10**6, until: date | None = None) -> Step:
    def step(books: BooksMachine) -> None:
        richest = max(books.model.earned[DAY].items(), key=lambda pair: pair[1])[0]
        place = next(place for place, (video, _) in enumerate(books.videos) if video == richest)
        books.put_on_hold("creator", place, share, ALIVE, until=until)

    return step


def end(number: int = 0, until: date | None = DAY) -> Step:
    return lambda books: books.end_hold(number, until, ALIVE)


def post(number: int) -> Step:
    return lambda books: books.post(number, ALIVE)


def close(books: BooksMachine) -> None:
    books.close(ALIVE)


def find_and_restate(books: BooksMachine) -> None:
    books.find_invalid_viewer(0, False, ALIVE)
    books.restate(0, "full", ALIVE)


def report(status: str) -> Step:
    return lambda books: books.report_payment(status, ALIVE)


def take_causes_back(books: BooksMachine) -> None:
    books.take_causes_back(0)


@pytest.mark.once
@pytest.mark.usefixtures("later_clock")
@pytest.mark.parametrize(
    "steps",
    [
        [hold(until=DAY), post(1), post(0), post(1)],
        [hold(until=DAY), post(1), post(0), close],
        [hold(until=DAY), post(0), post(1), find_and_restate, post(0), close],
        [hold(), post(0), post(1), end(), post(1), find_and_restate, post(0), close],
        [hold(until=DAY), hold(400_000), post(0), post(1), end(1), close],
        [hold(300_000), post(0), hold(), post(0), end(1), post(1), close],
        [hold(), post(0), post(1), end(until=date(2026, 11, 20)), close],
        [hold(until=DAY), post(0), post(1), end(until=NEXT), find_and_restate, post(0), close],
        [hold(until=DAY), post(0), post(1), hold(400_000), post(1), close],
        [hold(until=DAY), post(1), close],
        [hold(), close, end(until=NEXT), find_and_restate, report(RETURNED), close],
        [hold(), close, report(RETURNED), post(1), find_and_restate, post(0), end(until=LATER), close],
        [close, close, find_and_restate, report(PAID), report(RETURNED), post(0), take_causes_back, post(0)],
    ],
    ids=[
        *("later day first", "later day first, then the close", "restated after the release", "ended afterwards"),
        *("another hold keeps its share", "a late hold ends first", "taken back", "no later end after its release"),
        *("another hold comes after the release", "the close posts the earlier day"),
        *("the second month's close posts all", "the second month is posted out of order", "after two closed months"),
    ],
)
def test_held_money_is_what_lasting_holds_keep(
    spark: SparkSession, paid_days: Path, tmp_path: Path, steps: list[Step]
) -> None:
    facts = {"spark": spark, "source": paid_days.parent, "folder": tmp_path}
    books = type("OwnBooks", (BooksMachine,), facts)()
    books.begin(is_rated=True)
    for step in steps:
        step(books)
        books.books_are_kept()
    books.verify()


@pytest.mark.once
def test_verify_names_an_ended_hold_that_keeps_money(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    video = max(books.rows("video_payouts", DAY), key=lambda row: row["total_micros"])["video_id"]
    facts = {"hold_id": "forgotten", "subject_kind": "video", "subject_id": video, "share_ppm": 10**6}
    days = {"from_date": DAY, "until_date": DAY}
    books.load("holds", facts | days | {"reason_code": "dispute", "note": ""})
    monkeypatch.setattr(due, "due_releases", lambda *_: {})
    close_month(books.at(NEXT))

    (wrong,) = (check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed)
    assert (wrong.name, wrong.example) == ("ended holds keep nothing", "hold forgotten")


def _with_half_shares(holds_of: Callable[..., DataFrame]) -> Callable[..., DataFrame]:
    return lambda *args: holds_of(*args).withColumn("share_ppm", (F.col("share_ppm") / 2).cast("bigint"))


@pytest.mark.once
@pytest.mark.parametrize("known_to", ["the posting", "a later posting"])
def test_verify_names_a_hold_that_keeps_less_than_its_share(
    books: Books, monkeypatch: pytest.MonkeyPatch, known_to: str
) -> None:
    video = max(books.rows("video_payouts", DAY), key=lambda row: row["total_micros"])["video_id"]
    facts = {"hold_id": "h", "subject_kind": "video", "subject_id": video, "share_ppm": 10**6}
    days = {"from_date": DAY, "until_date": ""}
    if known_to == "a later posting":
        post_day(books.at(DAY))
    books.load("holds", facts | days | {"reason_code": "dispute", "note": ""})
    with monkeypatch.context() as patch:
        for name in ("holds_on", "_holds_of"):
            patch.setattr(entry_lines, name, _with_half_shares(getattr(entry_lines, name)))
        post_day(books.at(DAY))

    (wrong,) = (check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed)
    assert wrong.name == "held and released from holds and postings"
    assert "reference h" in str(wrong.example)


@pytest.mark.once
def test_a_hold_whose_money_is_released_gets_no_later_end(books: Books) -> None:
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]
    facts = {"hold_id": "h", "subject_kind": "creator", "subject_id": creator, "share_ppm": 10**6, "from_date": DAY}
    rest = {"until_date": DAY, "reason_code": "dispute", "note": ""}
    books.load("holds", facts | rest)
    books.load("holds", facts | rest | {"until_date": NEXT})
    books.load("holds", facts | rest)
    for day in (DAY, NEXT):
        post_day(books.at(day))
    assert books.balances("Held") == {}

    for until in ("", NEXT):
        with pytest.raises(
            InputError, match=r"holds whose money is released come with a later end or none, 1 in all, .*'h'"
        ):
            books.load("holds", facts | rest | {"until_date": until})
    books.load("holds", facts | rest | {"until_date": DAY - timedelta(days=9)})
    books.load("holds", facts | rest | {"hold_id": "new", "until_date": ""})
    post_day(books.at(NEXT))
    owed = {row["creator_id"]: row["total_micros"] for row in books.rows("creator_payouts", DAY)}
    owed_next = {row["creator_id"]: row["total_micros"] for row in books.rows("creator_payouts", NEXT)}
    assert books.balances("Held") == {("Held", creator): owed[creator] + owed_next.get(creator, 0)}
    assert not [check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed]


@pytest.mark.once
def test_a_stored_hold_keeps_its_subject_share_and_first_day(books: Books) -> None:
    facts = {"hold_id": "h", "subject_kind": "payee", "subject_id": "label", "share_ppm": 10**6, "from_date": DAY}
    rest = {"until_date": "", "reason_code": "dispute", "note": ""}
    books.load("holds", facts | rest)
    for change in ({"share_ppm": 5}, {"subject_id": "band"}, {"subject_kind": "creator"}, {"from_date": NEXT}):
        with pytest.raises(
            InputError, match="holds that are stored already come with another subject, share or first day, 1 in all"
        ):
            books.load("holds", facts | rest | change)
    books.load("holds", facts | rest | {"until_date": NEXT, "reason_code": "found"})
    assert [row["until_date"] for row in books.rows("holds")] == [NEXT]
