"""A month with a day on which the platform was out: nothing can be paid for it, and the month is closed without it."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.stages.settled_days import DAY, MARKET, NEXT, Books
from tests.stages.test_closing import BOOKS, DECEMBER, DECEMBER_ENDS, MINIMUM
from tests.stages.test_meanwhile import before_the_claim
from tests.stages.test_posting import require_balanced

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.report.console import PlainConsole
from creatorpool.report.month_statements import closed_month
from creatorpool.report.month_summary import print_month
from creatorpool.report.statement_files import write_statements
from creatorpool.report.status_summary import print_status
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.runs.state import state_of_days
from creatorpool.stages import booking_days, closing
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.month_days import required_days
from creatorpool.stages.reingestion import reingest_day
from creatorpool.statements.month_text import as_text
from creatorpool.synthetic.day import generate_day
from creatorpool.verification.month import require_verified_days, verify_month

pytestmark = pytest.mark.once

OUT = DAY - timedelta(days=1)
BEFORE = OUT - timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Callable[[date], None]]:
    """Sets the clock to noon of a day; at first all days of the tests are over."""
    with pytest.MonkeyPatch.context() as patch:

        def to(day: date) -> None:
            patch.setattr(booking_days, "now", lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC))

        to(date(2027, 1, 1))
        yield to


@pytest.fixture
def half(books: Books, paid_days: Path) -> Books:
    """The books over the first day alone: on the month's last day the platform was out."""
    shutil.rmtree(books.root)
    shutil.copytree(paid_days.parent / "first-day", books.root)
    return books


def delivery(books: Books, day: date) -> Path:
    generate_day(books.folder / f"raw-{day}", day, MARKET)
    return books.folder / f"raw-{day}"


def without_revenue(raw: Path) -> None:
    """Let a delivery have revenue of 0."""
    revenue = pq.read_table(raw / "ad_revenue.parquet")
    zeros = pa.array([0] * revenue.num_rows, revenue.schema.field("revenue_micros").type)
    place = revenue.column_names.index("revenue_micros")
    pq.write_table(revenue.set_column(place, "revenue_micros", zeros), raw / "ad_revenue.parquet")


def printed(show: Callable[[PlainConsole], None]) -> str:
    out = io.StringIO()
    show(PlainConsole(width=200, file=out))
    return out.getvalue()


def test_a_month_is_closed_without_a_day_of_outage_which_is_never_paid(books: Books) -> None:
    books.night(BEFORE, delivery(books, BEFORE))
    assert "Missing: 2026-11-28 without" in printed(lambda out: print_status(out, state_of_days(books.tables)))
    run, ledger = books.at(NEXT, f"{MINIMUM}=1"), books.tables.version("stage_runs")
    for refused in (close_month, require_verified_days):
        with pytest.raises(
            InputError, match=r"payouts of 1 day are not published, \['2026-11-28'\].*--without-day 2026"
        ):
            refused(run)
    assert books.tables.version("stage_runs") == ledger

    require_verified_days(run, [OUT])
    assert close_month(run, without=[OUT, OUT]).rows == {"month": "2026-11", "without": ["2026-11-28"]}

    assert required_days(books.tables, NEXT) == [BEFORE, DAY, NEXT]
    require_verified_days(run)
    assert [check for check in verify_month(replace(run, dry_run=True)) if not check.passed] == []
    require_balanced(books)
    earned = Counter[str]()
    for row in books.rows("creator_payouts"):
        earned[row["creator_id"]] += row["total_micros"]
    balances = {row["payee_id"]: row["earned_micros"] for row in books.rows("payee_balances")}
    assert balances == {payee: micros for payee, micros in earned.items() if micros}

    status = printed(lambda out: print_status(out, state_of_days(books.tables)))
    assert "closed without 2026-11-28 by run" in status
    assert "Missing" not in status
    assert "Missing" not in printed(lambda out: print_status(out, state_of_days(books.tables, OUT)))
    assert "2026-11 is closed without 2026-11-28 " in printed(lambda out: print_month(out, run))

    versions = books.versions([*BOOKS, "stage_runs"])
    for without in ([], [OUT]):
        assert close_month(books.at(NEXT), without=without).rows["without"] == ["2026-11-28"]
    with pytest.raises(
        InputError, match=r"-day 2026-11-29: 2026-11 was closed by run \S+ without 2026-11-28, and never"
    ):
        close_month(books.at(NEXT), without=[OUT, DAY])
    assert books.versions([*BOOKS, "stage_runs"]) == versions

    publish_ingestion(books.at(OUT), delivery(books, OUT))
    for republish in (False, True):
        with pytest.raises(
            InputError, match=r"2026-11 was closed without 2026-11-28 and never .* nobody would get them"
        ):
            publish_payouts(books.at(OUT), republish=republish)
    assert not books.rows("video_payouts", OUT)


def test_statements_say_which_days_the_month_was_closed_without(half: Books) -> None:
    close_month(half.at(NEXT, f"{MINIMUM}=1"), without=[NEXT])

    words = "The month is closed without 2026-11-30: no views were recorded then, and none are paid"
    month = closed_month(half.tables, NEXT)
    for (statement,) in month.statements(month.payees):
        assert f"  {words}\n" in as_text(statement)
    write_statements(month, half.folder / "out", month.payees)
    written = half.folder / "out" / "2026-11"
    assert words in (written / "index.html").read_text("utf-8")
    assert {words in page.read_text("utf-8") for page in (written / "payees").iterdir()} == {True}
    with (written / "statements.csv").open(newline="", encoding="utf-8") as lines:
        own = [row for row in csv.DictReader(lines) if row["kind"] == "without_day"]
    assert [row["payee_id"] for row in own] == month.payees
    assert {(row["service_date"], row["micros"], row["text"]) for row in own} == {("2026-11-30", "0", words)}


def test_a_month_without_an_outage_is_closed_as_before(books: Books) -> None:
    assert close_month(books.at(NEXT)).rows == {"month": "2026-11"}

    with pytest.raises(InputError, match=r"--without-day 2026-11-29: 2026-11 was closed by run \S+, and never changes"):
        close_month(books.at(NEXT), without=[DAY])
    assert "without" not in printed(lambda out: print_status(out, state_of_days(books.tables)))


def test_a_whole_month_may_be_without_payouts(books: Books) -> None:
    close_month(books.at(NEXT, f"{MINIMUM}={10**12}"))
    carried = {row["payee_id"]: row["closing_micros"] for row in books.rows("payee_balances", NEXT)}

    close_month(books.at(DECEMBER_ENDS), without=[DECEMBER + timedelta(days=n) for n in range(31)])

    found = {row["payee_id"]: row["opening_micros"] for row in books.rows("payee_balances", DECEMBER_ENDS)}
    assert found == carried
    assert closed_month(books.tables, DECEMBER_ENDS).currency == "USD"
    assert [check for check in verify_month(books.at(DECEMBER_ENDS, dry_run=True)) if not check.passed] == []
    month = closed_month(books.tables, DECEMBER_ENDS)
    stated = [one for own in month.statements(month.everybody()) for one in own]
    assert {one.balance["payee_id"]: one.opening for one in stated} == carried


def test_days_that_the_month_does_not_need_or_that_are_paid_or_may_be_are_not_left_out(half: Books) -> None:
    ledger = half.tables.version("stage_runs")
    refusals = {
        DECEMBER: "--without-day 2026-12-01 is none of the days that 2026-11 needs, 2026-11-29 to 2026-11-30: name",
        OUT: "--without-day 2026-11-28 is none of the days",
        DAY: "--without-day 2026-11-29: the day has payouts, and what is published is owed",
    }
    for day, message in refusals.items():
        with pytest.raises(InputError, match=message):
            close_month(half.at(NEXT), without=[NEXT, day])
    assert half.tables.version("stage_runs") == ledger
    assert half.rows("journal") == []

    raw = delivery(half, NEXT)
    publish_ingestion(half.at(NEXT), raw)
    with pytest.raises(
        InputError, match=r"-11-30: the day is ingested, so that it can be paid.*run --date 2026-11-30`"
    ):
        close_month(half.at(NEXT), without=[NEXT])
    without_revenue(raw)
    reingest_day(half.at(NEXT), raw)
    assert close_month(half.at(NEXT)).rows == {"month": "2026-11"}


def test_a_day_that_is_not_over_is_not_left_out(half: Books, clock: Callable[[date], None]) -> None:
    clock(NEXT)
    with pytest.raises(InputError, match="--without-day 2026-11-30: the day is not over, so that its events may still"):
        close_month(half.at(NEXT), without=[NEXT])

    clock(DECEMBER)
    early = datetime(2026, 12, 1, 7, 59, tzinfo=UTC)
    for moment, is_early in ((early, True), (early + timedelta(minutes=1), False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(booking_days, "now", lambda moment=moment: moment)
            assert booking_days.is_over(half.tables, NEXT, "America/Los_Angeles") is not is_early
    assert close_month(half.at(NEXT), without=[NEXT]).without == [NEXT]


def test_a_day_with_late_events_is_paid_from_them_or_with_revenue_of_0(half: Books) -> None:
    raw = delivery(half, DECEMBER)
    at = next(iter(sorted((raw / "events").iterdir())))
    events = pq.read_table(at)
    late = events.slice(0, 1).to_pylist()[0]
    late |= {"event_id": "late", "event_ts": datetime.combine(NEXT, datetime.min.time(), late["event_ts"].tzinfo)}
    pq.write_table(pa.concat_tables([events, pa.Table.from_pylist([late], events.schema)]), at)
    half.night(DECEMBER, raw)
    with pytest.raises(
        InputError, match=r"2026-11-30: events of the day came with the delivery of another day.*of 0, wi"
    ):
        close_month(half.at(NEXT), without=[NEXT])

    empty = delivery(half, NEXT)
    for part in (empty / "events").iterdir():
        pq.write_table(pq.read_table(part).slice(0, 0), part)
    without_revenue(empty)
    half.night(NEXT, empty)
    assert close_month(half.at(NEXT)).rows == {"month": "2026-11"}


def test_a_day_that_is_ingested_meanwhile_is_not_left_out(half: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = delivery(half, NEXT)
    before_the_claim(monkeypatch, closing, lambda: publish_ingestion(half.at(NEXT), raw))

    with pytest.raises(InputError, match="2026-11-30: the day is ingested"):
        close_month(half.at(NEXT), without=[NEXT])

    assert half.rows("payee_balances") == []


def test_no_event_comes_in_while_a_month_is_closed_without_its_day(
    half: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, store = delivery(half, NEXT), closing._store

    def ingested_meanwhile(*arguments: object) -> object:
        with pytest.raises(RunInProgressError, match="ingest"):
            publish_ingestion(half.at(NEXT), raw)
        return store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "_store", ingested_meanwhile)
    assert close_month(half.at(NEXT), without=[NEXT]).without == [NEXT]
    assert published_run(half.tables, INGEST, NEXT) is None
