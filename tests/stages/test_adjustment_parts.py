"""The parts of what restatements book: they sum to each change, and are those of the causes."""

from __future__ import annotations

import csv
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.stages.settled_days import DAY, Books, Settled, without_zeros

from creatorpool.errors import InputError, MissingTableError
from creatorpool.explanation.parts import PARTS
from creatorpool.explanation.pool_money import POOL_CAUSES
from creatorpool.report.adjustment_statement import adjustment_text
from creatorpool.report.affected_file import write_affected
from creatorpool.report.console import PlainConsole
from creatorpool.report.restatement_summary import print_restatement
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.restatement import Reason, restate_day

Row = dict[str, Any]
Key = tuple[str, str]
FAIR = "allocation.lambda_eff=0"
"""Payouts are then P M^α / Σ M^α"""


def copied(books: Books, name: str) -> Books:
    return Books(books.spark, Path(shutil.copytree(books.root, books.folder / name)), books.folder)


def parts_of(books: Books) -> list[Row]:
    """All parts, after the check that each change has its parts, and that these sum to it."""
    changes = {
        (row["category"], row["video_id"], row["run_id"]): row["change_micros"]
        for row in books.rows("payout_adjustments", DAY)
        if row["category"] != "pulse"
    }
    rows = books.rows("adjustment_parts", DAY)
    assert {(row["category"], row["video_id"], row["run_id"]): row["change_micros"] for row in rows} == changes
    for row in rows:
        assert sum(row[f"{name}_micros"] for name in PARTS) + row["earlier_micros"] == row["change_micros"]
        assert sum(row[f"{name}_micros"] for name in POOL_CAUSES) == row["pool_size_micros"]
        assert abs(row["rounding_micros"]) <= 32
        assert row["earlier_micros"] == 0
    return rows


def summed(rows: list[Row], name: str) -> dict[Key, int]:
    found: Counter[Key] = Counter()
    for row in rows:
        found[row["category"], row["video_id"]] += row[f"{name}_micros"]
    return dict(found)


def log_mean(one: float, other: float) -> float:
    return one if one == other else (one - other) / math.log(one / other)


def scores(books: Books) -> dict[str, Row]:
    """Views and components of each video, as published."""
    found: dict[str, Row] = {row["video_id"]: dict(row) for row in books.rows("video_signals", DAY)}
    for row in books.rows("video_quality", DAY):
        found[row["video_id"]] |= row
    return found


@pytest.mark.once  # tests/explanation/frames/test_adjustments.py computes such parts on both engines
def test_parts_of_a_fair_pool_are_those_of_the_formula(books: Books) -> None:
    publish_payouts(books.at(DAY, FAIR), republish=True)
    watched = {
        row["video_id"]
        for row in books.tables.read_arrow("events", day=DAY).to_pylist()
        if row["viewer_id"] == books.busiest_viewer()
    }
    books.invalid(books.busiest_viewer())
    now = copied(books, "now")
    publish_payouts(now.at(DAY, FAIR), republish=True)
    paid = books.earned(), now.earned()
    seen = scores(books), scores(now)

    books.restate()

    rows = parts_of(books)
    settings = load_settings()
    alpha, exponents = settings.allocation.alpha, settings.signals.exponents()
    compared = 0
    for row in rows:
        key, video = (row["category"], row["video_id"]), row["video_id"]
        if video not in watched:
            assert row["competition_micros"] + row["rounding_micros"] == row["change_micros"] > 0
        if min(paid[0].get(key, 0), paid[1].get(key, 0)) == 0:
            continue
        own = alpha * log_mean(paid[0][key], paid[1][key])
        for name, weight in {"views": 1.0, **exponents}.items():
            ratio = seen[1][video][name] / seen[0][video][name]
            assert row[f"{name}_micros"] == pytest.approx(own * weight * math.log(ratio), abs=3.0)
            compared += 1
        assert row["views_micros"] < 0 or seen[1][video]["views"] == seen[0][video]["views"]
        assert row["pool_size_micros"] == row["policy_micros"] == row["bounds_micros"] == 0
    assert compared > 20
    assert any(row["views_micros"] < 0 for row in rows)


@pytest.mark.once
def test_two_restatements_have_the_parts_of_the_whole_change_and_are_told(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    books.halve_revenue()
    earned = books.earned()
    books.restate()
    first = parts_of(books)
    for row in first:
        assert row["revenue_micros"] == pytest.approx(row["change_micros"], abs=8.0)
    viewer = books.busiest_viewer()
    books.invalid(viewer)

    context = books.at(DAY, dry_run=True)
    done = restate_day(context, Reason())
    print_restatement(PlainConsole(width=110), context, done)
    assert "views" in capsys.readouterr().out.partition("Largest changes")[2]
    books.restate()

    rows = parts_of(books)
    assert {row["sequence"] for row in rows} == {1, 2}
    settled = books.settled()
    whole = {key: settled.get(key, 0) - earned.get(key, 0) for key in {*settled, *earned} if key[0] != "pulse"}
    assert {key: micros for key, micros in summed(rows, "change").items() if micros} == without_zeros(whole)

    text = adjustment_text(books.tables, DAY)
    assert f"Adjustments of {DAY} for all creators, in USD" in text
    assert "what advertisers paid, after refunds" in text
    assert "restatement 1, booked on 2026-11-29 under full" in text
    assert "viewers who were found to be invalid" in text
    creator = rows[0]["creator_id"]
    own = adjustment_text(books.tables, DAY, creator=creator)
    assert f"creator {creator}" in own
    assert "settled for them" in own
    with pytest.raises(InputError, match="nothing is booked for video none"):
        adjustment_text(books.tables, DAY, video="none")
    with pytest.raises(MissingTableError, match="no adjustment of 2026-11-30 is booked"):
        adjustment_text(books.tables, DAY.replace(day=30))


@pytest.mark.once
@pytest.mark.parametrize("policy", ["claw_back", "hold_harmless"])
def test_parts_of_other_policies_and_what_is_booked_later_sum_to_the_whole(
    books: Books, policy: str, tmp_path: Path
) -> None:
    viewer = books.busiest_viewer()
    books.invalid(viewer)
    earned = books.earned()
    context = books.at(DAY, f"restate.policy={policy}", dry_run=True)
    number = write_affected(restate_day(context, Reason()), tmp_path / "affected.csv")
    assert not books.tables.exists("adjustment_parts")
    books.restate(DAY, policy)
    booked = books.adjusted()
    assert {row["policy"] for row in books.rows("payout_adjustments")} == {policy}
    parts_of(books)
    books.restate()
    restated = books.settled()
    parts_of(books)

    with (tmp_path / "affected.csv").open(newline="") as file:
        rows = {(row["category"], row["video_id"]): row for row in csv.DictReader(file)}
    assert len(rows) == number
    assert column(rows, "settled_micros") == {key: earned.get(key, 0) for key in rows}
    assert column(rows, "restated_micros") == {key: restated.get(key, 0) for key in rows}
    assert {key: micros for key, micros in column(rows, "booked_micros").items() if micros} == booked
    assert {key for key in {*earned, *restated} if earned.get(key, 0) != restated.get(key, 0)} == set(rows)

    books.invalid(viewer, "2026-11-01")
    books.restate()
    rows_of_parts = parts_of(books)
    assert books.settled() == earned
    for name in (*PARTS, "change"):
        assert not any(summed(rows_of_parts, name).values())


def column(rows: dict[Key, dict[str, str]], name: str) -> Settled:
    return {key: int(row[name]) for key, row in rows.items()}
