"""A load that was killed before the ledger published it is invisible: no later command books anything by its rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from tests.stages.settled_days import DAY, NEXT, Books, invalid_viewer

from creatorpool.runs.ledger import unfinished_runs
from creatorpool.runs.postings import postings
from creatorpool.runs.published import shared_version
from creatorpool.settlement.journal import NIGHT, Entry
from creatorpool.stages import runner
from creatorpool.stages.closing import close_month
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.posting import post_day
from creatorpool.stages.recovery import recover

Row = dict[str, Any]


@pytest.fixture
def load_killed(books: Books, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Load rows; the process ends when the table is committed and the ledger does not publish it yet."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def load(table: str, *rows: Row, day: date = NEXT) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(runner, "publish_run", killed)
            with pytest.raises(KeyboardInterrupt):
                books.load(table, *rows, day=day)
        assert [run.stage for run in unfinished_runs(books.tables)] == ["load"]

    return load


def right(books: Books, share: int) -> Row:
    """The right of a label in the video that earned most."""
    video = max(books.rows("video_payouts", DAY), key=lambda row: row["total_micros"])["video_id"]
    return {"video_id": video, "payee_id": "label", "valid_from": "2026-11-01", "share_ppm": share}


def hold(name: str, subject: str, until: date | None = None) -> Row:
    place = {"hold_id": name, "subject_kind": "payee", "subject_id": subject, "share_ppm": 1_000_000}
    return place | {"from_date": DAY, "until_date": until or "", "reason_code": "dispute", "note": ""}


def richest(books: Books) -> str:
    return str(max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"])


@pytest.mark.once
def test_rights_of_a_killed_load_divide_nothing(books: Books, load_killed: Callable[..., None]) -> None:
    books.load("video_rights", right(books, 250_000))
    published = books.tables.version("video_rights")
    load_killed("video_rights", right(books, 750_000))

    run = post_day(books.at(DAY))

    assert run is not None
    assert run.inputs["video_rights"] == published
    assert postings(books.tables).divided_by == {Entry(NIGHT, DAY).entry_id: published}
    (earned,) = (
        row["total_micros"]
        for row in books.rows("video_payouts", DAY)
        if row["video_id"] == right(books, 0)["video_id"]
    )
    assert books.balances("Payable")["Payable", "label"] in (earned // 4, earned // 4 + 1)


@pytest.mark.once
def test_the_first_rights_ever_divide_nothing_if_their_load_was_killed(
    books: Books, load_killed: Callable[..., None]
) -> None:
    load_killed("video_rights", right(books, 750_000))

    run = post_day(books.at(DAY))

    assert run is not None
    assert "video_rights" not in run.inputs
    assert ("Payable", "label") not in books.balances("Payable")


@pytest.mark.once
def test_holds_of_a_killed_load_keep_nothing_and_release_nothing(
    books: Books, load_killed: Callable[..., None]
) -> None:
    name = richest(books)
    books.load("holds", hold("stands", name))
    post_day(books.at(DAY))
    before = books.balances("Payable", "Held")
    assert ("Held", name) in before
    load_killed("holds", hold("stands", name, until=DAY), hold("other", "nobody"))

    # On the next day the hold would have ended. Nothing else is due on it.
    due = books.at(NEXT + timedelta(days=1))
    assert post_day(due) is None
    assert books.balances("Payable", "Held") == before
    recover(books.tables, due.log)
    assert post_day(due) is None


@pytest.mark.once
def test_a_restatement_takes_back_nothing_for_viewers_of_a_killed_load(
    books: Books, load_killed: Callable[..., None]
) -> None:
    assert books.restate().changes is not None
    load_killed("invalid_viewers", invalid_viewer(books.busiest_viewer()))

    assert books.restate().changes is None
    assert books.adjusted() == {}

    books.invalid(books.busiest_viewer())
    books.restate()
    assert books.adjusted()


@pytest.mark.once
def test_a_close_waits_for_no_restatement_of_events_of_a_killed_load(
    books: Books, load_killed: Callable[..., None]
) -> None:
    event = books.tables.read_arrow("events", day=DAY).slice(0, 1).to_pylist()[0]
    flags = {key: str(value).lower() for key, value in event.items() if isinstance(value, bool)}
    facts = {key: "" if value is None else value for key, value in event.items() if key not in ("date", "event_ts")}
    row = facts | flags | {"event_id": "late", "event_ts": f"{DAY}T10:00:00Z"}
    load_killed("events", row, day=DAY)

    run = close_month(books.at(NEXT))

    assert run.outputs.keys() >= {"journal", "payee_balances"}
    assert unfinished_runs(books.tables) == []


@pytest.mark.once
def test_published_rules_stay_readable_after_a_load_that_changes_nothing_and_maintenance(books: Books) -> None:
    row = right(books, 250_000)
    books.load("video_rights", row)
    version = shared_version(books.tables, "video_rights")
    more = right(books, 0) | {"payee_id": "nobody"}
    books.load("video_rights", row | {"payee_id": "band"}, more)
    latest = shared_version(books.tables, "video_rights")
    assert latest is not None
    assert version is not None
    assert latest > version
    books.load("video_rights", row)  # other files, the same rows
    assert shared_version(books.tables, "video_rights") == latest

    for _ in maintain_tables(books.tables, timedelta(0)):
        pass
    post_day(books.at(DAY))

    assert ("Payable", "band") in books.balances("Payable")
