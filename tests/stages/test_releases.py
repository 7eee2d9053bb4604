"""Ended holds release all that they have kept, in whatever order days are posted, unless another hold keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.stages.fates import LIVES, Fate
from tests.stages.settled_days import DAY, NEXT
from tests.stages.test_books_machine import BooksMachine

from creatorpool.runs.ledger import StageRun
from creatorpool.settlement.holds import HoldTerm
from creatorpool.stages.releases import due_releases

ALIVE = Fate(LIVES)
LATER = date(2026, 12, 1)

Step = Callable[[BooksMachine], None]


def posting(sequence: int, day: date, holds: tuple[str, ...], *released: str) -> StageRun:
    """The ledger row of a posting that knows `holds` and has released others."""
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    facts = {"holds": [*holds], "released": [*released]}
    return StageRun(day, "post", f"run-{sequence}", "", "", {}, {}, facts, moment, moment, sequence=sequence)


ENDED = {"h@1": HoldTerm(DAY, DAY)}
FIRST = f"h@1@{DAY}"


@pytest.mark.parametrize(
    ("runs", "day", "due"),
    [
        ([posting(1, DAY, ("h@1",))], NEXT, FIRST),
        ([posting(1, DAY, ("h@1",))], DAY, None),
        ([], NEXT, None),
        ([posting(1, DAY, ("h@1",)), posting(2, NEXT, (), FIRST)], NEXT, None),
        ([posting(1, DAY, ("h@1",)), posting(2, NEXT, (), FIRST)], LATER, None),
        ([posting(2, NEXT, (), FIRST), posting(3, DAY, ("h@1",))], NEXT, f"{FIRST}#2"),
        ([posting(2, NEXT, (), FIRST), posting(3, DAY, ("h@1",))], LATER, FIRST),
        ([posting(2, NEXT, (), FIRST, f"{FIRST}#2"), posting(3, DAY, ("h@1",))], NEXT, f"{FIRST}#3"),
        ([posting(2, LATER, (), FIRST), posting(3, DAY, ("h@1",))], NEXT, None),
        # The end was moved to a day before entries that know the hold.
        ([posting(1, LATER, ("h@1",)), posting(2, DAY, ("h@1",)), posting(3, NEXT, (), FIRST)], NEXT, None),
        ([posting(1, LATER, ("h@1",)), posting(2, DAY, ("h@1",)), posting(3, NEXT, (), FIRST)], LATER, FIRST),
        ([posting(1, NEXT, ("h@1",), "h@1@2026-11-28")], NEXT, FIRST),
    ],
)
def test_releases_that_are_due(runs: list[StageRun], day: date, due: str | None) -> None:
    assert due_releases(runs, ENDED, day) == ({} if due is None else {"h@1": due})


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


@pytest.mark.once
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
    ],
    ids=[
        *("later day first", "later day first, then the close", "restated after the release", "ended afterwards"),
        *("another hold keeps its share", "a late hold ends first", "taken back", "extended after its release"),
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
