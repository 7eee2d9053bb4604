"""Corrected viewers and videos of a paid day: restated as if they had been delivered right, and later days keep theirs.

The independent method is a second root, in which the day's delivery was right from the start.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.stages.settled_days import DAY, NEXT, Books

from creatorpool.errors import InputError, MissingTableError
from creatorpool.runs.ledger import unfinished_runs
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.corrections import load_corrections
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.loading import load_table
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.recovery import recover
from creatorpool.stages.reingestion import reingest_day
from creatorpool.stages.restatement import Reason, restate_day
from creatorpool.storage.staged import StagedRows
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day

Row = dict[str, Any]
WRONG = ("viewers", "videos")


def delivered(folder: Path, table: str) -> list[Row]:
    rows: list[Row] = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return rows


def write(path: Path, table: str, rows: list[Row], like: Path) -> Path:
    """Write rows with the columns that `table` has in the delivery `like`."""
    path.mkdir(parents=True, exist_ok=True)
    schema = pq.read_schema(like / f"{table}.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path / f"{table}.parquet")
    return path


def stored(books: Books, table: str, version: int | None = None) -> dict[str, Any]:
    """Rows of viewers or videos by id."""
    rows = books.tables.read_arrow(table, version=version).to_pylist()
    return {row[f"{table[:-1]}_id"]: row for row in rows}


@pytest.fixture
def raw(paid_days: Path) -> Path:
    """The delivery of the day."""
    return paid_days.parent / f"raw-{DAY}"


@pytest.fixture
def right(books: Books, raw: Path) -> dict[str, list[Row]]:
    """Right rows in place of wrong ones: a tier, the safety of a video, and the compliance of another."""
    viewer = next(row for row in delivered(raw, "viewers") if row["viewer_id"] == books.busiest_viewer())
    tier = "unverified" if viewer["trust_tier"] == "verified" else "verified"
    earned = {video for _, video in books.earned()}
    one, other = [row for row in delivered(raw, "videos") if row["video_id"] in earned][:2]
    return {
        "viewers": [viewer | {"trust_tier": tier}],
        "videos": [one | {"s_tox": 0.9, "s_pos": 0.2}, other | {"is_compliant": False}],
    }


@pytest.fixture
def correction(raw: Path, right: dict[str, list[Row]], tmp_path: Path) -> Path:
    """A folder with the right rows."""
    for table, rows in right.items():
        write(tmp_path / "right", table, rows, raw)
    return tmp_path / "right"


def paid_right(books: Books, raw: Path, right: dict[str, list[Row]]) -> Books:
    """A root in which the day was delivered with the right rows."""
    folder = Path(shutil.copytree(raw, books.folder / "raw-right"))
    for table, rows in right.items():
        key = f"{table[:-1]}_id"
        named = {row[key]: row for row in rows}
        write(folder, table, [named.get(row[key], row) for row in delivered(raw, table)], raw)
    own = Books(books.spark, books.folder / "right-tables", books.folder)
    publish_ingestion(own.at(DAY), folder)
    publish_payouts(own.at(DAY))
    return own


def versions(books: Books) -> dict[str, int]:
    """Versions of all tables that exist."""
    names = sorted(path.name for path in books.root.iterdir() if (path / "_delta_log").is_dir())
    return books.versions(names)


@pytest.mark.once  # the merges and the parts have tests on both engines
def test_a_corrected_day_is_settled_as_if_it_had_been_delivered_right(
    books: Books, raw: Path, right: dict[str, list[Row]], correction: Path
) -> None:
    earned, viewers = books.earned(), stored(books, "viewers")
    expected = paid_right(books, raw, right).earned()
    assert expected != earned
    before = versions(books)
    with_dry = books.at(DAY, dry_run=True)
    load_corrections(with_dry, correction)
    tried = restate_day(with_dry, Reason())
    with_dry.close()
    assert versions(books) == before

    load_corrections(books.at(DAY), correction)
    assert books.earned() == earned
    done = books.restate()

    assert books.settled() == expected
    assert done.reason == "compliance"
    assert [pool.booked for pool in tried.pools] == [pool.booked for pool in done.pools]
    # The next night finds the right rows, too, because no later day delivered other ones.
    changed = {row["viewer_id"]: row for row in right["viewers"]}
    assert stored(books, "viewers") == viewers | changed
    after = versions(books)
    load_corrections(books.at(DAY), correction)
    assert books.restate().changes is None
    assert versions(books) == after

    # Taken back: the rows that were delivered first are loaded again.
    load_corrections(books.at(DAY), raw)
    books.restate()
    assert books.settled() == earned
    assert stored(books, "viewers") == viewers
    assert not [check for check in verify_day(books.at(DAY, dry_run=True)) if not check.passed]


@pytest.mark.once
def test_rows_of_later_days_stay_the_latest_also_if_the_load_is_killed(
    books: Books, raw: Path, right: dict[str, list[Row]], correction: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (viewer,) = right["viewers"]
    name = viewer["viewer_id"]
    first = stored(books, "viewers")
    moved = first[name] | {"region": "moved"}
    load_table(books.at(NEXT), "viewers", write(books.folder / "next", "viewers", [moved], raw))
    assert stored(books, "viewers")[name] == moved
    latest = stored(books, "viewers")
    own, committed = Warehouse.commit, []

    def killed(tables: Warehouse, staged: StagedRows) -> int:
        if staged.table == "viewers" and staged.table in committed:
            raise KeyboardInterrupt
        committed.append(staged.table)
        return own(tables, staged)

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            load_table(books.at(DAY), "viewers", correction)
    assert stored(books, "viewers")[name] == viewer
    assert [run.stage for run in unfinished_runs(books.tables)] == ["load"]
    recover(books.tables, books.at(DAY).log)
    assert stored(books, "viewers") == latest

    run = load_table(books.at(DAY), "viewers", correction)

    assert stored(books, "viewers") == latest
    assert stored(books, "viewers", run.outputs["viewers"]) == first | {name: viewer}
    for _ in maintain_tables(books.tables, timedelta(0)):
        pass
    expected = paid_right(books, raw, {"viewers": right["viewers"]}).earned()
    assert books.restate().reason == "error"
    assert books.settled() == expected
    # A load that changes nothing does not hide the one before.
    same = [viewer, next(row for row in first.values() if row["viewer_id"] != name)]
    assert load_table(books.at(DAY), "viewers", write(books.folder / "same", "viewers", same, raw)).outputs
    assert books.restate().changes is None


def test_videos_of_a_day_are_corrected_after_those_of_a_later_day(
    books: Books, raw: Path, right: dict[str, list[Row]]
) -> None:
    one, other = right["videos"]
    load_table(books.at(NEXT), "videos", write(books.folder / "next", "videos", [one], raw))

    run = load_table(books.at(DAY), "videos", write(books.folder / "first", "videos", [other], raw))

    before, latest = stored(books, "videos", run.outputs["videos"]), stored(books, "videos")
    assert (before[other["video_id"]], latest[other["video_id"]]) == (other, other)
    assert latest[one["video_id"]] == one
    assert before[one["video_id"]] not in (one, None)


@pytest.mark.once
def test_a_replaced_delivery_takes_the_corrections_of_the_one_before_with_it(
    books: Books, raw: Path, correction: Path
) -> None:
    load_table(books.at(DAY), "viewers", correction)
    viewers = delivered(raw, "viewers")
    folder = Path(shutil.copytree(raw, books.folder / "anew"))
    write(folder, "viewers", [viewers[0] | {"region": "other"}, *viewers[1:]], raw)

    reingest_day(books.at(DAY), folder)

    assert stored(books, "viewers") == {row["viewer_id"]: row for row in delivered(folder, "viewers")}
    books.restate()
    assert books.adjusted() == {}


@pytest.mark.once
def test_a_month_stays_open_until_a_correction_is_restated(books: Books, correction: Path) -> None:
    load_table(books.at(DAY), "videos", correction)
    with pytest.raises(InputError, match=rf"viewers or videos of \['{DAY}'\] arrived after the day was paid"):
        close_month(books.at(NEXT))
    books.restate()
    close_month(books.at(NEXT))


@pytest.mark.once
def test_wrong_corrections_are_refused_and_change_nothing(
    books: Books, raw: Path, right: dict[str, list[Row]], correction: Path
) -> None:
    before = books.versions(WRONG)

    def refused(table: str, row: Row, match: str) -> None:
        with pytest.raises(InputError, match=match):
            load_table(books.at(DAY), table, write(books.folder / "bad", table, [row], raw))

    refused("viewers", right["viewers"][0] | {"trust_tier": "gold"}, "trust_tier_known 1")
    refused("videos", right["videos"][0] | {"creator_id": "somebody"}, "name another creator.*load table video_rights")
    (books.folder / "empty").mkdir()
    for place in (books.folder / "empty", books.folder / "missing", books.folder / "videos.csv"):
        with pytest.raises(InputError, match="has neither viewers nor videos: name a folder with"):
            load_corrections(books.at(DAY), place)
    with pytest.raises(MissingTableError, match="are not published"):
        load_corrections(books.at(NEXT + timedelta(days=1)), correction)
    assert books.versions(WRONG) == before
