"""Restated days: what the policies book, exactly and once, and that everything can be taken back."""

from __future__ import annotations

import io
import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from tests.stages.settled_days import DAY, NEXT, Books, Settled, without_zeros

from creatorpool.errors import InputError
from creatorpool.money import in_units
from creatorpool.report.console import PlainConsole
from creatorpool.report.month_statements import payee_statements
from creatorpool.report.restatement_summary import print_restatement
from creatorpool.runs.ledger import RESTATE, publish_run, published_runs
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.breakdown import booked_parts, divided_entries
from creatorpool.stages.closing import close_month
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.posting import post_day
from creatorpool.stages.restatement import Reason, restate_day
from creatorpool.tables import Warehouse


def republished(books: Books, day: date = DAY) -> Settled:
    """What the day pays if it is republished with what is known now, in a copy of the tables."""
    copy = Path(shutil.copytree(books.root, books.folder / "republished", dirs_exist_ok=True))
    own = Books(books.spark, copy, books.folder)
    publish_payouts(own.at(day), republish=True)
    return own.earned(day)


def test_full_settles_what_a_republication_would_pay_and_nothing_twice(books: Books) -> None:
    earned = books.earned()
    viewer = books.busiest_viewer()
    books.invalid(viewer)
    expected = republished(books)
    assert expected != earned

    done = books.restate()

    assert books.earned() == earned
    assert books.settled() == expected
    assert (done.reason, done.booked_on) == ("invalid_viewers", DAY)
    assert all(pool.settled + pool.booked == pool.restated for pool in done.pools)
    rows = books.rows("payout_adjustments")
    again = books.restate()
    assert again.changes is None
    assert books.rows("payout_adjustments") == rows

    books.invalid(viewer, "2026-11-01")
    books.restate()
    assert books.settled() == earned
    assert {row["sequence"] for row in books.rows("payout_adjustments")} == {1, 2}


def appeal(name: str, decision: str = "") -> dict[str, str]:
    facts = {"subject_kind": "payee", "subject_id": "p", "service_date": str(DAY), "received_on": str(NEXT)}
    decided = {"decision": decision, "decided_on": str(NEXT) if decision else ""}
    return {"appeal_id": name, **facts, "statement": "too little", **decided}


@pytest.mark.once
def test_a_restatement_names_the_decided_appeal_that_it_follows_also_in_tables_of_earlier_versions(
    books: Books,
) -> None:
    with pytest.raises(InputError, match="--appeal a1 is not in table appeals: check the id"):
        restate_day(books.at(DAY), Reason(appeal="a1"))
    books.load("appeals", appeal("a1", "upheld"), appeal("a2"))
    with pytest.raises(InputError, match="--appeal a3 is not in table appeals"):
        restate_day(books.at(DAY), Reason(appeal="a3"))
    with pytest.raises(InputError, match="--appeal a2 is not decided: a restatement follows a decision"):
        restate_day(books.at(DAY, dry_run=True), Reason(appeal="a2"))
    with pytest.raises(InputError, match=f"--appeal a1 is about {DAY}, and the restatement of {NEXT} cannot follow it"):
        restate_day(books.at(NEXT), Reason(appeal="a1"))
    assert books.rows("pool_adjustments") == []
    books.invalid(books.busiest_viewer())
    books.restate()
    forget_appeals(books)

    books.invalid(books.busiest_viewer(), "2026-11-01")
    context, out = books.at(DAY), io.StringIO()
    done = restate_day(context, Reason(note="see the letter", appeal="a1"))
    print_restatement(PlainConsole(width=110, file=out), context, done)

    assert f"Restatement of {DAY}, reason invalid_viewers, after appeal a1: booked on {DAY}" in out.getvalue()
    assert {row["sequence"]: row["appeal_id"] for row in books.rows("pool_adjustments")} == {1: None, 2: "a1"}
    close_month(books.at(NEXT, "settlement.minimum_payment_micros=1"))
    (changed, *_) = [row["creator_id"] for row in books.rows("payout_adjustments") if row["sequence"] == 2]
    (statement,) = payee_statements(books.tables, NEXT, changed)
    texts = [item.text for item in statement.items if item.kind == "adjusted"]
    assert len(texts) == 2
    assert texts[-1].endswith("invalid (see the letter; after appeal a1)")


def forget_appeals(books: Books) -> None:
    """Write `pool_adjustments` without its newest column, as a version before it did, and name it in the ledger."""
    tables = Warehouse(None, books.root)
    path, own = tables.path("pool_adjustments"), tables.read_arrow("pool_adjustments").drop_columns("appeal_id")
    write_deltalake(path, own, mode="overwrite", schema_mode="overwrite", partition_by=["date"])
    (run,) = published_runs(tables, RESTATE)
    named = {**run.outputs, "pool_adjustments": tables.version("pool_adjustments")}
    publish_run(tables, replace(run, outputs=named))


@pytest.mark.once
def test_order_of_restated_days_does_not_matter(books: Books, tmp_path: Path) -> None:
    books.invalid(books.busiest_viewer())
    other = Books(books.spark, Path(shutil.copytree(books.root, tmp_path / "other")), tmp_path)
    for day in (DAY, NEXT):
        books.restate(day)
    for day in (NEXT, DAY):
        other.restate(day)
    assert [books.settled(day) for day in (DAY, NEXT)] == [other.settled(day) for day in (DAY, NEXT)]


@pytest.mark.once
def test_claw_back_takes_from_videos_whose_own_inputs_changed_only(books: Books) -> None:
    viewer = books.busiest_viewer()
    watched = {
        row["video_id"]
        for row in books.tables.read_arrow("events", ["viewer_id", "video_id"], day=DAY).to_pylist()
        if row["viewer_id"] == viewer
    }
    books.invalid(viewer)
    earned, expected = books.earned(), republished(books)

    books.restate(DAY, "claw_back")

    lower = {key: min(0, expected.get(key, 0) - micros) for key, micros in earned.items() if key[1] in watched}
    assert books.adjusted() == without_zeros({key: micros for key, micros in lower.items() if key[0] != "pulse"})
    assert books.adjusted()
    pools = books.rows("pool_adjustments")
    assert all(row["unallocated_micros"] == -row["videos_micros"] > 0 for row in pools)
    assert books.restate(DAY, "claw_back").changes is None
    assert not restate_day(books.at(DAY, "restate.policy=claw_back", dry_run=True), Reason()).pools

    books.restate()
    assert books.settled() == expected


@pytest.mark.once
def test_hold_harmless_gives_and_the_platform_pays_up_to_the_cap(books: Books) -> None:
    books.invalid(books.busiest_viewer())
    earned, expected = books.earned(), republished(books)
    higher = without_zeros({key: max(0, micros - earned.get(key, 0)) for key, micros in expected.items()})
    cost = sum(higher.values())

    with pytest.raises(InputError, match=f"would cost {cost:,} micros of goodwill"):
        books.restate(DAY, "hold_harmless", f"restate.goodwill_cap_micros={cost - 1}")
    assert books.adjusted() == {}
    books.restate(DAY, "hold_harmless", f"restate.goodwill_cap_micros={cost}")

    assert books.adjusted() == higher
    assert {row["bound"] for row in books.rows("payout_adjustments") if row["category"] != "pulse"} == {"interior"}
    assert sum(row["goodwill_micros"] for row in books.rows("pool_adjustments")) == cost
    books.restate()
    assert books.settled() == expected
    assert sum(row["goodwill_micros"] for row in books.rows("pool_adjustments")) == 0


@pytest.mark.once
def test_corrected_revenue_changes_the_pools_and_a_dry_run_writes_nothing(books: Books) -> None:
    halved = books.halve_revenue()
    versions = {table: books.tables.version(table) for table in ("stage_runs", "events", "pool_payouts")}

    tried = restate_day(books.at(DAY, dry_run=True), Reason())
    assert tried.changes is not None
    assert {table: books.tables.version(table) for table in versions} == versions
    assert not books.tables.exists("payout_adjustments")
    out = io.StringIO()
    print_restatement(PlainConsole(width=110, file=out), books.at(DAY, dry_run=True), tried)
    changes: Counter[str] = Counter()
    for row in tried.changes.collect():
        changes[row["creator_id"]] += row["change_micros"]
    largest = sorted(changes.items(), key=lambda found: (-abs(found[1]), found[0]))
    printed = out.getvalue().partition("Creators, in USD")[2].partition("Largest changes of vid")[0]
    assert re.findall(r"(creator-\S+)\s*\S\s*(-?[\d.,]+)", printed) == [
        (creator, in_units(micros)) for creator, micros in largest[:10]
    ]

    done = books.restate()
    assert done.reason == "revenue_corrected"
    assert {pool.category: pool.booked for pool in tried.pools} == {pool.category: pool.booked for pool in done.pools}
    gross = sum(pool.restated.gross for pool in done.pools)
    assert gross == halved
    assert sum(books.settled().values()) == sum(pool.restated.videos for pool in done.pools)


@pytest.mark.once
def test_a_restated_day_is_not_republished_and_faults_are_refused(books: Books) -> None:
    with pytest.raises(InputError, match="nothing can be booked before its service day"):
        restate_day(books.at(NEXT), Reason(), booked_on=DAY)
    with pytest.raises(InputError, match="--reason must be one of late_events"):
        Reason("because")
    books.invalid(books.busiest_viewer())
    books.restate()
    with pytest.raises(InputError, match=f"{DAY} is restated already, .*creatorpool restate --date {DAY}"):
        publish_payouts(books.at(DAY), republish=True)


@pytest.mark.once
def test_changes_name_the_bound_that_holds_the_payout_now(books: Books) -> None:
    books.invalid(books.busiest_viewer())
    cap = max(micros for (category, _), micros in books.settled().items() if category != "pulse") // 2

    books.restate(DAY, "full", f"allocation.cap_micros={cap}", "allocation.on_caps_below_pool=carry")

    now = books.settled()
    rows = [row for row in books.rows("payout_adjustments") if row["category"] != "pulse"]
    held = {row["video_id"] for row in rows if row["bound"] == "cap"}
    assert held == {row["video_id"] for row in rows if now.get((row["category"], row["video_id"])) == cap}
    assert held
    post_day(books.at(DAY))
    (entry,) = (one for one in divided_entries(books.tables, NEXT) if one.sequence)
    parts = booked_parts(books.tables, [entry]).collect()
    assert held == {row["video_id"] for row in parts if row["bound"] == "cap"}


@pytest.mark.once
def test_a_change_is_booked_no_earlier_than_what_it_changes(books: Books) -> None:
    viewer = books.busiest_viewer()
    december = NEXT + timedelta(days=1)
    books.invalid(viewer)
    assert restate_day(books.at(DAY), Reason(), booked_on=december).booked_on == december
    books.invalid(viewer, "2026-11-01")

    with pytest.raises(
        InputError, match=f"--booked-on {NEXT} is before {december}, on which {DAY} is restated already"
    ):
        restate_day(books.at(DAY), Reason(), booked_on=NEXT)
    assert books.restate().booked_on == december

    close_month(books.at(NEXT))
    assert {row["adjusted_micros"] for row in books.rows("payee_balances")} == {0}


@pytest.mark.once
def test_a_day_of_which_a_pool_is_not_paid_is_not_restated(
    spark: SparkSession, paid_days: Path, tmp_path: Path
) -> None:
    books = Books(spark, tmp_path / "tables", tmp_path)
    publish_ingestion(books.at(DAY), paid_days.parent / f"raw-{DAY}")
    publish_payouts(books.at(DAY), ["comedy"])
    with pytest.raises(
        InputError, match=rf"pools \['music'\] of {DAY} are not published, .* neither posted nor restated"
    ):
        books.restate()
    publish_payouts(books.at(DAY))
    assert books.restate().changes is not None
    assert books.adjusted() == {}


@pytest.mark.once
def test_another_policy_books_for_the_reason_that_the_last_restatement_found(books: Books) -> None:
    books.halve_revenue()
    assert books.restate(DAY, "hold_harmless").reason == "revenue_corrected"
    books.late_event(NEXT)
    assert books.restate().reason == "revenue_corrected"
    assert {row["reason_code"] for row in books.rows("payout_adjustments")} == {"revenue_corrected"}
    books.late_event(DAY, "another")
    assert books.restate().reason == "late_events"
