"""A night with names that look like markup, paths, options and templates: it is published and reported."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions import every_flag
from tests.hostile_names import ALLOWED, UNPRINTABLE, Structure
from tests.ingest.ingest_sources import (
    DAY,
    NOON,
    Row,
    Tables,
    good_event,
    good_revenue,
    good_video,
    good_viewer,
    write_parquet,
)
from tests.integration.conftest import Job

from creatorpool.quoting import one_line
from creatorpool.tables import Warehouse

pytestmark = [pytest.mark.once, pytest.mark.timeout(1200)]


def viewed(number: int, viewer: str, video: str) -> Row:
    """An event with every action, so that the video has a quality."""
    times = {"event_ts": NOON + timedelta(seconds=number), "watch_ms": 30_000, "loop_count": 2}
    return good_event(
        number, event_id=f"{video}{number}", viewer_id=viewer, video_id=video, **times, **every_flag(True)
    )


def named_tables() -> Tables:
    """A delivery in which each allowed name is a viewer, a video, its creator and its category, with other rows."""
    pairs = [(ALLOWED[n - back], video) for n, video in enumerate(ALLOWED) for back in range(3)]
    events = [viewed(number, *pair) for number, pair in enumerate(pairs)]
    videos = [good_video(1, video_id=name, creator_id=name, categories=[name]) for name in ALLOWED]
    return {
        "events": events + [viewed(1, ALLOWED[0], ALLOWED[0]) | {"event_id": name} for name in UNPRINTABLE],
        "viewers": [good_viewer(1, viewer_id=name) for name in (*ALLOWED, *UNPRINTABLE)],
        "videos": videos + [good_video(1, video_id=f"v{n}", categories=[name]) for n, name in enumerate(UNPRINTABLE)],
        "ad_revenue": [good_revenue(category=name) for name in ALLOWED],
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, job: Job) -> tuple[Path, str]:
    """The tables of the night, and the output of its run."""
    folder = tmp_path_factory.mktemp("hostile")
    source = write_parquet(folder / "raw", named_tables())
    lenient = ("--set", "ingest.max_quarantined_share=0.5", "--set", "allocation.moved_share_warning=0")
    ended = job("allocate_pool.py", "--date", DAY, "--source", source, "--root", folder / "tables", *lenient)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stderr.splitlines()
    begins = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}\+00:00 (INFO|WARNING) ")
    assert all(begins.match(line) for line in lines), ended.stderr
    assert all("were refused: " in line for line in lines if " WARNING " in line), ended.stderr
    return folder / "tables", ended.stdout


def test_night_pays_every_name_and_refuses_those_that_cannot_be_printed(published: tuple[Path, str]) -> None:
    tables = Warehouse(None, published[0])

    paid = {row["creator_id"]: row["payout_micros"] for row in tables.read_arrow("creator_payouts").to_pylist()}
    assert set(paid) == set(ALLOWED)
    assert all(micros > 0 for micros in paid.values())
    assert {row["category"] for row in tables.read_arrow("allocation_runs").to_pylist()} == set(ALLOWED)
    for table, rule in (("events", "event_id"), ("viewers", "viewer_id"), ("videos", "categories")):
        rows = tables.read_arrow(f"{table}_quarantine").to_pylist()
        assert [row["failed_rules"] for row in rows] == [[f"{rule}_printable"]] * len(UNPRINTABLE), table


def test_summary_shows_every_pool_by_its_exact_name(published: tuple[Path, str]) -> None:
    _, printed = published

    for name in (name for name in ALLOWED if len(name) < 18):
        assert f"│ {one_line(name)}" in printed, name
    assert one_line(printed.replace("\n", "")) == printed.replace("\n", "")


def test_report_statements_status_and_queries_succeed(published: tuple[Path, str], job: Job) -> None:
    day = ("--date", DAY, "--root", published[0])

    report = job("report.py", *day)
    statement = job("creator_statements.py", *day, f"--creator={ALLOWED[0]}")
    query = job("query.py", "--root", published[0], "SELECT category, pool_micros FROM allocation_runs")

    for ended in (report, statement, query):
        assert ended.returncode == 0, ended.stderr
    page = Structure((published[0] / "_reports" / f"night-{DAY}.html").read_text("utf-8"))
    text = "".join(page.text)
    for name in ALLOWED:
        assert one_line(name) in text, name
    assert not {"script", "img", "iframe"} & {element for element, _ in page.elements}
    assert f"Creator {ALLOWED[0]}: statement of {DAY}" in statement.stdout
    assert f"pool {ALLOWED[0]}, 100.000% of what it paid" in statement.stdout
    assert "| a&b\"' " in query.stdout
    assert len(query.stdout.strip().splitlines()) == len(ALLOWED) + 4
