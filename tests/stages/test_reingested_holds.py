"""Holds that came with a day's delivery and are in the journal, when another delivery replaces it."""

from __future__ import annotations

import csv
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.stages.settled_days import DAY, NEXT, Books
from tests.stages.test_posting import hold

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.ingest.day import ingest_day
from creatorpool.stages.posting import post_day
from creatorpool.stages.reingestion import reingest_day

pytestmark = pytest.mark.once


@pytest.fixture
def raw(paid_days: Path) -> Path:
    """The delivery of the second day, which has no holds."""
    return paid_days.parent / f"raw-{NEXT}"


def with_hold(books: Books, raw: Path, row: dict[str, Any]) -> Path:
    """The delivery of the second day, with a hold."""
    folder = Path(shutil.copytree(raw, books.folder / "held", dirs_exist_ok=True))
    with (folder / "holds.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(row))
        writer.writeheader()
        writer.writerow(row)
    return folder


@pytest.fixture
def creator(books: Books, raw: Path) -> str:
    """Who earned most on the first day, whose money a hold of the second day's delivery keeps."""
    name = str(max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"])
    reingest_day(books.at(NEXT), with_hold(books, raw, hold("h", "creator", name, 1_000_000)))
    post_day(books.at(DAY))
    assert held(books) > 0
    return name


def held(books: Books) -> int:
    return sum(row["amount_micros"] for row in books.rows("journal") if row["account"] == "Held")


def test_a_hold_that_is_posted_is_not_taken_back_with_its_delivery(books: Books, raw: Path, creator: str) -> None:
    before = books.versions(["holds", "events", "stage_runs"])

    with pytest.raises(
        InputError, match=r"holds by which money is posted already are missing .*, 1 in all, for example 'h'"
    ):
        reingest_day(books.at(NEXT), raw)
    with pytest.raises(InputError, match="another subject, share or first day, 1 in all, for example 'h'"):
        reingest_day(books.at(NEXT), with_hold(books, raw, hold("h", "creator", creator, 1)))

    assert books.versions(["holds", "events"]) == {name: before[name] for name in ("holds", "events")}
    ended = hold("h", "creator", creator, 1_000_000, DAY - timedelta(days=1))
    reingest_day(books.at(NEXT), with_hold(books, raw, ended))
    post_day(books.at(NEXT))
    assert held(books) == 0

    with pytest.raises(InputError, match="come with a later end or none"):
        books.load("holds", hold("h", "creator", creator, 1_000_000))


def test_a_hold_that_is_not_posted_is_taken_back_with_its_delivery(books: Books, raw: Path) -> None:
    reingest_day(books.at(NEXT), with_hold(books, raw, hold("h", "creator", "nobody", 1)))
    reingest_day(books.at(NEXT), raw)
    assert books.rows("holds") == []


def test_a_delivery_with_holds_is_not_published_if_holds_are_posted_meanwhile(
    books: Books, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.load("holds", hold("other", "creator", "nobody", 1))
    before = books.rows("events")

    def posted_meanwhile(*arguments: Any, **named: Any) -> Any:
        report = ingest_day(*arguments, **named)
        post_day(books.at(DAY))
        return report

    monkeypatch.setattr("creatorpool.stages.ingestion.ingest_day", posted_meanwhile)
    corrected = with_hold(books, raw, hold("h", "creator", "nobody", 1))
    with pytest.raises(RunInProgressError, match="another run has posted by holds meanwhile"):
        reingest_day(books.at(NEXT), corrected)
    monkeypatch.undo()

    assert ([row["hold_id"] for row in books.rows("holds")], books.rows("events")) == (["other"], before)
    reingest_day(books.at(NEXT), corrected)
    assert {row["hold_id"] for row in books.rows("holds")} == {"h", "other"}
