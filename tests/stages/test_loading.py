"""What is loaded between nights: checked, merged by key, never twice, and nothing of it is half written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.stages.settled_days import DAY, NEXT, Books, invalid_viewer

from creatorpool.errors import InputError
from creatorpool.runs.ledger import unfinished_runs
from creatorpool.runs.pools import published_pools
from creatorpool.stages import runner
from creatorpool.stages.loading import load_table
from creatorpool.stages.recovery import recover

pytestmark = pytest.mark.once  # the readers and the merge by key have tests on both engines

RIGHT = {"video_id": "v", "payee_id": "label", "valid_from": "2026-11-01", "share_ppm": 400_000}
APPEAL = {
    "appeal_id": "a1",
    "subject_kind": "creator",
    "subject_id": "c",
    "service_date": DAY,
    "received_on": NEXT,
    "statement": "views are missing",
    "decision": "",
    "decided_on": "",
}


def stored(books: Books, table: str) -> list[dict[str, Any]]:
    return sorted(books.tables.read_arrow(table).to_pylist(), key=str)


def renamed(events: pa.Table, ending: str) -> pa.Table:
    ids = pc.binary_join_element_wise(events.column("event_id"), pa.scalar(ending), "-")
    return events.set_column(events.column_names.index("event_id"), "event_id", ids)


def test_rows_are_merged_by_key_and_the_same_file_again_changes_nothing(books: Books) -> None:
    books.load("invalid_viewers", invalid_viewer("a"), invalid_viewer("b"))
    version = books.tables.version("invalid_viewers")
    books.load("invalid_viewers", invalid_viewer("a"), invalid_viewer("b"))
    assert books.tables.version("invalid_viewers") == version

    run = books.load("invalid_viewers", invalid_viewer("b", "2026-11-01"), invalid_viewer("c"))

    assert [(row["viewer_id"], row["until_date"] is None) for row in stored(books, "invalid_viewers")] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]
    assert run.rows["invalid_viewers"]["accepted"] == 2
    # The rows that a later load replaced come back when they are loaded again.
    books.load("invalid_viewers", invalid_viewer("a"), invalid_viewer("b"))
    assert [row["until_date"] for row in stored(books, "invalid_viewers")] == [None, None, None]


def test_refused_rows_of_all_loads_of_a_day_are_in_the_quarantine(books: Books) -> None:
    rates = [
        {"date": DAY, "currency": "EUR", "rate": "1.0864", "source": "bank"},
        {"date": DAY, "currency": "euro", "rate": "1", "source": "bank"},
        {"date": DAY, "currency": "JPY", "rate": "-1", "source": "bank"},
    ]
    for _ in range(2):
        books.load("fx_rates", *rates)
    books.load("fx_rates", rates[0] | {"rate": "1.1"}, rates[1] | {"rate": "0"})

    assert [row["rate"] for row in stored(books, "fx_rates")] == ["1.1"]
    refused = sorted(sorted(row["failed_rules"]) for row in stored(books, "fx_rates_quarantine"))
    assert refused == [
        ["currency_pattern"],
        ["currency_pattern", "rate_above_zero"],
        ["rate_above_zero", "rate_pattern"],
    ]
    with pytest.raises(InputError, match=r"no row of .* can be accepted"):
        books.load("fx_rates", rates[1] | {"rate": "2"})


def test_shares_of_a_video_must_not_exceed_the_whole_at_any_moment(books: Books) -> None:
    books.load("video_rights", RIGHT, RIGHT | {"payee_id": "band", "share_ppm": 600_000})
    with pytest.raises(InputError, match=r"of 1 video exceed 1,000,000 .* 1,100,000 of video 'v' from 2026-12-01"):
        books.load("video_rights", RIGHT | {"valid_from": "2026-12-01", "share_ppm": 500_000})
    leaves = RIGHT | {"payee_id": "band", "valid_from": "2026-12-01", "share_ppm": 0}
    books.load("video_rights", leaves, RIGHT | {"valid_from": "2026-12-01", "share_ppm": 1_000_000})
    assert len(stored(books, "video_rights")) == 4


def test_appeals_are_added_and_decided_once(books: Books) -> None:
    books.load("appeals", APPEAL)
    with pytest.raises(
        InputError, match="appeals that are stored already come with other content, 1 in all, for example 'a1'"
    ):
        books.load("appeals", APPEAL | {"statement": "other"})
    books.load("appeals", APPEAL | {"decision": "granted", "decided_on": NEXT})
    with pytest.raises(InputError, match="decided once"):
        books.load("appeals", APPEAL | {"decision": "denied", "decided_on": NEXT})
    assert [row["decision"] for row in stored(books, "appeals")] == ["granted"]


def test_late_events_and_corrected_revenue_are_stored_and_change_no_payout(books: Books) -> None:
    tables = books.tables
    before, ledger = books.earned(), published_pools(tables, DAY)
    events = tables.read_arrow("events", day=DAY).slice(0, 3)
    path = books.folder / "late.parquet"
    others = renamed(events.slice(0, 1), "other-day")
    at = others.column_names.index("event_ts")
    tomorrow = pc.add(others.column("event_ts"), pa.scalar(timedelta(days=1))).cast(
        events.schema.field("event_ts").type
    )
    rows = pa.concat_tables([renamed(events, "late"), others.set_column(at, "event_ts", tomorrow)])
    pq.write_table(rows.drop_columns(["date"]), path)
    number = tables.read_arrow("events", day=DAY).num_rows

    with pytest.raises(InputError, match="would be quarantined"):
        load_table(books.at(DAY, "ingest.max_quarantined_share=0.1"), "events", path)
    for _ in range(2):
        run = load_table(books.at(DAY), "events", path)
        assert tables.read_arrow("events", day=DAY).num_rows == number + 3
        assert (run.rows["events"]["accepted"], run.rows["events"]["quarantined"]) == (3, 1)

    revenue = tables.read_arrow("ad_revenue", day=DAY)
    doubled = pc.multiply(revenue.column("revenue_micros"), 2)
    at = revenue.column_names.index("revenue_micros")
    pq.write_table(revenue.set_column(at, "revenue_micros", doubled), books.folder / "ad_revenue.parquet")
    load_table(books.at(DAY), "ad_revenue", books.folder)
    assert pc.sum(tables.read_arrow("ad_revenue", day=DAY)["revenue_micros"]) == pc.sum(doubled)

    assert (books.earned(), published_pools(tables, DAY)) == (before, ledger)


def test_a_table_that_cannot_be_loaded_and_a_day_that_is_not_ingested_are_refused(books: Books) -> None:
    path = books.folder / "creators.csv"
    path.write_text("creator_id\n")
    with pytest.raises(InputError, match="'creators' cannot be loaded: the tables are"):
        load_table(books.at(DAY), "creators", path)
    path = books.folder / "ad_revenue.csv"
    path.write_text("date,category,placement,video_id,revenue_micros,currency\n")
    with pytest.raises(InputError, match="2026-12-05 is not ingested"):
        load_table(books.at(DAY.replace(month=12, day=5)), "ad_revenue", path)
    with pytest.raises(InputError, match="does not exist"):
        load_table(books.at(DAY), "holds", books.folder / "holds.csv")


def test_a_killed_load_leaves_the_table_as_it_was(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.load("video_rights", RIGHT)
    before = stored(books, "video_rights")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner, "publish_run", killed)
        with pytest.raises(KeyboardInterrupt):
            books.load("video_rights", RIGHT | {"payee_id": "band"})
    assert len(stored(books, "video_rights")) == 2
    assert [run.stage for run in unfinished_runs(books.tables)] == ["load"]

    recover(books.tables, books.at(DAY).log)

    assert stored(books, "video_rights") == before
    books.load("video_rights", RIGHT | {"payee_id": "band"})
    assert len(stored(books, "video_rights")) == 2
