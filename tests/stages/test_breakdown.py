"""The statements of a closed month: by day, pool and video, divided by the rights that divided the journal."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyarrow.csv import write_csv
from pyspark.sql import SparkSession
from tests.stages.settled_days import DAY, MARKET, NEXT, Books, invalid_viewer
from tests.stages.test_closing import MINIMUM, closed
from tests.stages.test_posting import hold
from tests.statements.parsed import StatementPage

from creatorpool.errors import InputError, SettlementError
from creatorpool.report.month_statements import closed_month, payee_statements
from creatorpool.report.statement_files import page_name, write_statements
from creatorpool.runs.postings import postings
from creatorpool.runs.retention import named_versions
from creatorpool.stages import breakdown
from creatorpool.stages.breakdown import divided_entries
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.posting import post_day
from creatorpool.statements.month_text import as_text
from creatorpool.synthetic.day import generate_day
from creatorpool.verification.month import verify_month

BAND = '../<b>"Band" & Söhne'


def load_rights(books: Books, video: str, *shares: tuple[str, int]) -> None:
    rows = [
        {"video_id": video, "payee_id": payee, "valid_from": "2026-11-01", "share_ppm": share}
        for payee, share in shares
    ]
    books.load("video_rights", *rows)


def load_appeals(books: Books, *subjects: tuple[str, str]) -> None:
    """An appeal about each subject and the first day, of which the first is decided, and one about October."""
    about = [(kind, name, str(DAY)) for kind, name in subjects] + [("payee", "label", "2026-10-31")]
    rows = [
        {"appeal_id": f"a{number}", "subject_kind": kind, "subject_id": name, "service_date": day}
        | {"received_on": "2026-12-01", "statement": "too little", "decision": "upheld" if number == 1 else ""}
        | {"decided_on": "2026-12-02" if number == 1 else ""}
        for number, (kind, name, day) in enumerate(about, 1)
    ]
    books.load("appeals", *rows)


@pytest.mark.once
def test_statements_divide_pools_and_videos_as_the_journal_does(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    videos = Counter({row["video_id"]: row["total_micros"] for row in books.rows("video_payouts", DAY)})
    (first, _), (second, _) = videos.most_common(2)
    load_rights(books, first, (BAND, 333_333), ("label", 333_333))
    post_day(books.at(DAY))
    # What is loaded later is about the same day, and changes nothing that is posted.
    load_rights(books, first, (BAND, 0))
    load_rights(books, second, ("label", 1_000_000))
    books.load("holds", hold("h1", "payee", "label", 250_000))
    books.invalid(books.busiest_viewer(), f"{DAY}")
    books.restate()
    load_appeals(books, ("video", first), ("payee", "label"), ("creator", "newcomer"))
    closed(books, 1)

    rights = postings(books.tables).divided_by
    assert len(set(rights.values())) == 2
    assert (
        set(rights.values())
        <= named_versions(books.tables, books.at(NEXT).started_at + timedelta(days=9))["video_rights"]
    )
    checks = verify_month(books.at(NEXT, f"{MINIMUM}=1", dry_run=True))
    assert [check for check in checks if not check.passed] == []
    month = closed_month(books.tables, NEXT)
    index = write_statements(month, books.folder / "out", month.payees)
    assert index == books.folder / "out" / "2026-11" / "index.html"
    assert {path.name for path in index.parent.iterdir()} == {"index.html", "payees", "statements.csv"}
    with (index.parent / "statements.csv").open(newline="", encoding="utf-8") as lines:
        read = list(csv.DictReader(lines))
    booked: Counter[tuple[str, str, str]] = Counter()
    by_video: Counter[tuple[str, str, str]] = Counter()
    for row in read:
        if row["kind"] in ("earned", "adjusted"):
            booked[row["payee_id"], row["kind"], row["service_date"]] += int(row["micros"])
            by_video[row["service_date"], row["category"], row["video_id"]] += int(row["micros"])
    kinds = {"night": "earned", "adjustment": "adjusted"}
    journal: Counter[tuple[str, str, str]] = Counter()
    for line in books.rows("journal"):
        if line["kind"] in kinds and line["account"] in ("Payable", "Held"):
            journal[line["payee_id"], kinds[line["kind"]], str(line["service_date"])] += line["amount_micros"]
    assert booked == journal
    settled = {(str(day), *key): micros for day in (DAY, NEXT) for key, micros in books.settled(day).items()}
    assert {key: micros for key, micros in by_video.items() if micros} == settled
    assert booked[BAND, "earned", str(DAY)] > 0 == booked[BAND, "earned", str(NEXT)]
    names = {path.name for path in (index.parent / "payees").iterdir()}
    assert names == {page_name(payee) for payee in month.payees}
    for payee in month.payees:
        page = StatementPage((index.parent / "payees" / page_name(payee)).read_text("utf-8"))
        page.require_sums()
        assert page.links == []
        assert page.sums[-1][1] == sum(
            int(row["micros"]) for row in read if row["payee_id"] == payee and row["kind"] != "closing"
        )
    listed = StatementPage(index.read_text("utf-8"))
    assert set(listed.links) == {"statements.csv", *(f"payees/{name}" for name in names)}

    (statement,) = payee_statements(books.tables, NEXT, "label")
    assert any("hold h1, a dispute about the money or its video (dispute)" in item.text for item in statement.items)
    assert any("viewers who were found to be invalid" in item.text for item in statement.items)
    assert [appeal["appeal_id"] for appeal in statement.beside.appeals] == ["a2"]
    shares = {
        (item.service_date, part.video_id, part.share_ppm)
        for item in statement.items
        for part in item.parts
        if item.kind == "earned"
    }
    assert (DAY, first, 333_333) in shares
    assert (NEXT, second, 1_000_000) in shares
    creator = next(row["creator_id"] for row in books.rows("video_payouts", DAY) if row["video_id"] == first)
    (of_creator,) = payee_statements(books.tables, NEXT, creator)
    assert f"Appeal a1 about video {first} on {DAY}, received on 2026-12-01, decided on 2026-12-02: upheld" in (
        as_text(of_creator)
    )
    of_first = {
        part.share_ppm
        for item in of_creator.items
        for part in item.parts
        if (part.video_id, item.kind, item.service_date) == (first, "earned", DAY)
    }
    assert of_first == {333_334}
    (newcomer,) = payee_statements(books.tables, NEXT, "newcomer")
    assert (newcomer.closing, [appeal["appeal_id"] for appeal in newcomer.beside.appeals]) == (0, ["a3"])
    with pytest.raises(InputError, match=r"no balance in 2026-11, no video .*: payees \['nobody'\]"):
        payee_statements(books.tables, NEXT, "nobody")
    # If the rights of an entry were others, the numbers would not add up, and nobody would get a statement.
    forged = replace(month, entries=[replace(entry, rights=None) for entry in divided_entries(books.tables, NEXT)])
    with pytest.raises(SettlementError, match="do not sum to what is earned for"):
        list(forged.statements(["label"]))
    others = postings(books.tables)
    vars(others)["divided_by"] = dict.fromkeys(rights)
    monkeypatch.setattr(breakdown, "postings", lambda _: others)
    wrong = [check for check in verify_month(books.at(NEXT, f"{MINIMUM}=1", dry_run=True)) if not check.passed]
    assert [check.name for check in wrong] == ["payees' lines from pools, videos and rights"]


@pytest.mark.once
def test_a_hold_on_a_payee_is_named_though_nothing_is_booked_while_it_stands(books: Books) -> None:
    videos = Counter({row["video_id"]: row["total_micros"] for row in books.rows("video_payouts", DAY)})
    ((video, _),) = videos.most_common(1)
    share = {"video_id": video, "payee_id": BAND, "valid_from": DAY, "share_ppm": 500_000}
    books.load("video_rights", share, share | {"valid_from": NEXT, "share_ppm": 0})
    stop = hold("stop", "payee", BAND, 1_000_000) | {"from_date": NEXT, "reason_code": "tax", "note": "form missing"}
    ended = hold("ended", "payee", BAND, 1_000_000, DAY) | {"from_date": "2026-11-01", "until_date": "2026-11-02"}
    books.load("holds", stop, ended, hold("other", "payee", "somebody", 1_000_000))
    closed(books, 1)
    # Only the holds that the month was closed by have stopped a payment of it.
    (paid, *_) = [row["payee_id"] for row in books.rows("payments")]
    books.load("holds", stop | {"until_date": DAY}, ended | {"until_date": ""}, hold("late", "payee", paid, 1))
    list(maintain_tables(books.tables, timedelta(0)))

    month = closed_month(books.tables, NEXT)
    (of_band,), (of_paid,) = (payee_statements(books.tables, NEXT, payee) for payee in (BAND, paid))
    assert [of_band.balance[name] for name in ("reason", "held_micros", "paid_micros")] == ["on_hold", 0, 0]
    words = "hold stop, tax details are missing (tax; form missing)"
    assert list(of_band.stopped_by) == [words]
    assert f"\n  On the payee when the month ended, so that nothing is paid: {words}\n" in as_text(of_band)
    write_statements(month, books.folder / "out", [BAND, paid])
    folder = books.folder / "out" / "2026-11"
    assert words in (folder / "payees" / page_name(BAND)).read_text("utf-8")
    with (folder / "statements.csv").open(newline="", encoding="utf-8") as lines:
        stopped = [row for row in csv.DictReader(lines) if row["kind"] == "stopped_by"]
    assert [(row["payee_id"], row["micros"]) for row in stopped] == [(BAND, "0")]
    assert stopped[0]["text"].endswith(words)
    assert (of_paid.balance["reason"], list(of_paid.stopped_by)) == ("paid", [])


@pytest.mark.once
def test_a_creator_whose_videos_pools_left_out_has_a_statement_of_zeros(spark: SparkSession, tmp_path: Path) -> None:
    books, raw = Books(spark, tmp_path / "tables", tmp_path), tmp_path / "raw"
    generate_day(raw, NEXT, replace(MARKET, pulse_share=0.0))
    videos = pq.read_table(raw / "videos.parquet")
    refused = max(Counter(videos.column("creator_id").to_pylist()).items(), key=lambda found: found[1])[0]
    others = pc.not_equal(videos.column("creator_id"), refused)
    at = videos.column_names.index("is_compliant")
    pq.write_table(videos.set_column(at, "is_compliant", others), raw / "videos.parquet")
    events = pq.read_table(raw / "events").to_pylist()
    bot = Counter(row["viewer_id"] for row in events).most_common(1)[0][0]
    bots = pa.table({name: [value] for name, value in invalid_viewer(bot).items()})
    write_csv(bots, raw / "invalid_viewers.csv")
    books.night(NEXT, raw)
    closed(books, 1)
    # Others are found later, and only versions that are needed are kept.
    books.invalid(events[0]["viewer_id"], "2026-11-01")
    list(maintain_tables(books.tables, timedelta(0)))

    month = closed_month(books.tables, NEXT)
    assert refused not in month.payees
    unseen = {row["creator_id"] for row in books.rows("pool_payouts", NEXT) if row["effective_impressions"] == 0}
    watched = {row["video_id"] for row in events if row["viewer_id"] == bot}
    creators = {row["video_id"]: row["creator_id"] for row in videos.to_pylist()}
    assert month.everybody() == sorted({*month.payees, *unseen, refused, *(creators[video] for video in watched)})
    assert watched
    (statement,) = payee_statements(books.tables, NEXT, refused)
    assert (statement.items, statement.opening, statement.closing) == ([], 0, 0)
    rated = {row["video_id"] for row in books.rows("video_quality", NEXT)}
    own = {row["video_id"] for row in videos.to_pylist() if row["creator_id"] == refused}
    reasons = {(video, "not_compliant") for video in own & rated} | {
        (video, "invalid_viewers") for video in own & watched
    }
    assert {(found.video_id, found.reason) for found in statement.beside.left_out} == reasons
    paid = next(creators[video] for video in sorted(watched) if creators[video] in month.payees)
    (of_paid,) = payee_statements(books.tables, NEXT, paid)
    assert f"views of viewers who were known to be invalid did not count, on {NEXT}" in as_text(of_paid)
    assert "nothing is payable" in as_text(statement)

    write_statements(month, books.folder / "out", month.everybody())
    index = books.folder / "out" / "2026-11" / "index.html"
    listed = StatementPage(index.read_text("utf-8"))
    assert f"payees/{page_name(refused)}" in listed.links
    StatementPage((index.parent / "payees" / page_name(refused)).read_text("utf-8")).require_sums()
    with (index.parent / "statements.csv").open(newline="", encoding="utf-8") as lines:
        kinds = Counter(row["kind"] for row in csv.DictReader(lines) if row["payee_id"] == refused)
    assert kinds == {"opening": 1, "closing": 1, "left_out": len(reasons)}
    (only,) = month.statements(month.require([refused]))
    assert only[0].balance["currency"] == "USD"
