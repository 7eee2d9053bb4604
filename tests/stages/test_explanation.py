"""Explanations of published days: every change closes to the micro, at the versions in the ledger."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyspark.sql import SparkSession
from tests.checkout import project_root
from tests.explanation.pool_days import PoolDay, half_of
from tests.explanation.published_days import creator_of, publish_day
from tools.processes import fresh_environment

from creatorpool.errors import ConfigurationError, InputError, MissingTableError
from creatorpool.explanation.frames.rows import explained_batch, paired_rows, whole_pool
from creatorpool.explanation.pairs import PoolPair, pool_day
from creatorpool.explanation.parts import BALANCE, PARTS, told
from creatorpool.explanation.pool_money import POOL_CAUSES
from creatorpool.report.statement import exact_money, statement_of, statement_text
from creatorpool.runs.ledger import publish_run, published_run
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.explanation import EXPLAIN, TABLE, publish_explanation
from creatorpool.tables import Warehouse

EARLIER, LATER = date(2026, 11, 20), date(2026, 11, 21)


def configured(*assignments: str) -> Settings:
    return load_settings(assignments=["contracts.data_docs=false", *assignments])


def pool(money: int, views: list[int], seed: int, **bounds: Any) -> PoolDay:
    return PoolDay(money, np.array(views), np.random.default_rng(seed).uniform(0.1, 1.0, (len(views), 5)), **bounds)


def publish_two_days(root: Path, earlier: Settings, later: Settings) -> None:
    music = ["v1-a", "v1-b", "v2-a", "v3-a"]
    unrated = pool(800_001, [10, 20, 30, 5], 3)
    unrated.components[0, 1] = 0.0
    first = {"music": (pool(1_000_003, [50, 7, 90, 10], 1, cap=450_000.0), music), "news": (unrated, music)}
    second = {
        "music": (pool(1_500_001, [55, 70, 9], 2, cap=450_000.0 * 2), ["v1-a", "v1-b", "v4-a"]),
        "news": (pool(700_000, [10, 20, 30, 5], 4, floor=50_000), music),
        "sports": (pool(300_000, [3, 4], 5), ["v3-a", "v4-a"]),
    }
    publish_day(root, EARLIER, first, earlier)
    publish_day(root, LATER, second, later)


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Two published days under one configuration; the second day adds and removes a pool, a video and a bound."""
    publish_two_days(tmp_path / "tables", configured(), configured())
    return tmp_path / "tables"


def night(spark: SparkSession, root: Path, settings: Settings | None = None, day: date = LATER) -> RunContext:
    return RunContext(Warehouse(spark, root), settings or configured(), day)


def rows_of(root: Path, version: int | None = None) -> dict[tuple[str, str], dict]:
    rows = Warehouse(None, root).read_arrow(TABLE, version=version).to_pylist()
    return {(row["category"], row["video_id"]): row for row in rows}


def require_closed(root: Path, rows: dict[tuple[str, str], dict]) -> None:
    paid = {
        (day, row["category"], row["video_id"]): row["payout_micros"]
        for day in (EARLIER, LATER)
        for row in Warehouse(None, root).read_arrow("pool_payouts", day=day).to_pylist()
    }
    assert set(rows) == {key[1:] for key in paid}
    for key, row in rows.items():
        assert row["change_micros"] == paid.get((LATER, *key), 0) - paid.get((EARLIER, *key), 0)
        assert row["change_micros"] == sum(row[f"{name}_micros"] for name in PARTS) == sum(told(row).values())
        assert row["creator_id"] == creator_of(key[1])


def test_explain_payouts_job_publishes_changes_and_prints_a_statement(days: Path, engine: str) -> None:
    command = [sys.executable, str(project_root() / "jobs" / "explain_payouts.py"), "--engine", engine]
    arguments = ["--date", str(LATER), "--against", str(EARLIER), "--root", str(days), "--creator", "creator-v1"]
    lean = ["--set", "engine.shuffle_partitions=2", "--set", "engine.driver_memory=2g"]
    ended = subprocess.run(
        [*command, *arguments, *lean],
        capture_output=True,
        text=True,
        env=fresh_environment(PYSPARK_PYTHON=sys.executable),
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = rows_of(days)
    require_closed(days, rows)

    assert rows["music", "v4-a"]["membership_micros"] == rows["music", "v4-a"]["payout_micros"]
    assert rows["music", "v2-a"]["membership_micros"] == -rows["music", "v2-a"]["against_payout_micros"]
    assert rows["sports", "v3-a"]["revenue_micros"] == rows["sports", "v3-a"]["change_micros"] > 0
    assert rows["news", "v1-a"]["engagement_rate_micros"] > 0  # it was 0 before
    own = [row for row in rows.values() if row["creator_id"] == "creator-v1"]
    change = sum(row["change_micros"] for row in own)
    assert f"Creator creator-v1: {LATER} against {EARLIER}, in USD" in ended.stdout
    assert f"{exact_money(change, signed=True)}  change, the sum of these" in ended.stdout
    assert "Pulse money comes beside the pools: 0.000014 before, 0.000014 now" in ended.stdout


@pytest.mark.once
@pytest.mark.parametrize(
    "changed",
    [
        ("allocation.alpha=0.8",),
        ("allocation.objective=log", "allocation.lambda_eff=0.6"),
        (
            "signals.component_weights={watch_completion: 0.2, engagement_rate: 0.2, engagement_diversity: 0.2, "
            "rewatch: 0.2, safety: 0.2}",
        ),
    ],
)
def test_explain_day_of_changed_policy_names_it_and_closes(
    spark: SparkSession, tmp_path: Path, changed: tuple[str, ...]
) -> None:
    publish_two_days(tmp_path, configured(), configured(*changed))

    explanation = publish_explanation(night(spark, tmp_path, configured(*changed)), EARLIER, configured())

    rows = rows_of(tmp_path)
    require_closed(tmp_path, rows)
    assert any(row["policy_micros"] != 0 for row in rows.values())
    assert rows["sports", "v3-a"]["policy_micros"] == 0  # without a pool on the day before, the policy did not change
    changed_words = {line.split(" ")[0] for line in explanation.policy_changes}
    assert changed_words & {"alpha", "objective", "lambda_eff", "weight"}
    assert "rules of the platform changed" in statement_text(statement_of(explanation))


@pytest.mark.once
def test_whole_pools_change_by_their_money_alone(spark: SparkSession, days: Path) -> None:
    explanation = publish_explanation(night(spark, days), EARLIER, configured())

    statement = statement_of(explanation)

    # The platform keeps the same half on both days, and every pool pays out all that it has.
    assert {row["category"]: row["revenue_micros"] for row in statement.rows} == {
        "music": 500_000 - 2,
        "news": -100_001,
        "sports": 300_000,
    }
    for row in statement.rows:
        assert sum(told(row).values()) == row["revenue_micros"] == row["change_micros"]
    rows = rows_of(days).values()
    for moved in statement.moved.values():
        assert sum(gained + lost for gained, lost in moved.values()) == 0
    for name, (gained, lost) in statement.moved["music"].items():
        if name == BALANCE:
            continue
        own = [row[f"{name}_micros"] for row in rows if row["category"] == "music"]
        assert (gained, lost) == (sum(m for m in own if m > 0), sum(m for m in own if m < 0))


@pytest.mark.once
def test_explain_day_with_the_wrong_weights_stops_before_anything_is_written(spark: SparkSession, days: Path) -> None:
    other = configured(
        "signals.component_weights={watch_completion: 0.4, engagement_rate: 0.2, "
        "engagement_diversity: 0.15, rewatch: 0.1, safety: 0.15}"
    )
    with pytest.raises(ConfigurationError, match="scores of 2026-11-20 do not follow from the weights"):
        publish_explanation(night(spark, days), EARLIER, other)
    assert not Warehouse(None, days).exists(TABLE)


@pytest.mark.once
def test_explain_day_under_other_settings_with_the_same_weights_is_no_error(spark: SparkSession, days: Path) -> None:
    publish_explanation(night(spark, days, configured("signals.max_daily_views_per_viewer=3")), EARLIER, configured())
    require_closed(days, rows_of(days))


@pytest.mark.once
def test_explain_day_again_writes_nothing_and_another_day_keeps_the_first(spark: SparkSession, days: Path) -> None:
    third = date(2026, 11, 19)
    publish_day(days, third, {"music": (pool(900_000, [5, 6], 8), ["v1-a", "v9-a"])}, configured())
    first = publish_explanation(night(spark, days), EARLIER, configured()).changes.count()
    stored = Warehouse(None, days).version(TABLE)

    publish_explanation(night(spark, days), EARLIER, configured())
    assert Warehouse(None, days).version(TABLE) == stored

    publish_explanation(night(spark, days), third, configured())
    against = Warehouse(None, days).read_arrow(TABLE).column("against_date").to_pylist()
    assert against.count(EARLIER) == first
    assert against.count(third) == 10
    assert published_run(Warehouse(None, days), EXPLAIN, LATER).inputs["against"] == third.isoformat()


@pytest.mark.once
def test_changed_platform_share_is_told_apart_from_what_advertisers_paid(spark: SparkSession, tmp_path: Path) -> None:
    later = configured("pools.platform_share=0.6")
    publish_two_days(tmp_path, configured(), later)

    explanation = publish_explanation(night(spark, tmp_path, later), EARLIER, configured())

    rows = rows_of(tmp_path)
    require_closed(tmp_path, rows)
    kept = [row for row in rows.values() if row["category"] == "news" and row["platform_share_micros"]]
    assert kept
    assert all(row["platform_share_micros"] < 0 for row in kept)
    assert "  the platform's share" in statement_text(statement_of(explanation))


@pytest.mark.once
def test_days_that_an_earlier_version_explained_stay_readable(
    spark: SparkSession, days: Path, copied_contracts: Path
) -> None:
    first = publish_explanation(night(spark, days), EARLIER, configured())
    told_before = statement_text(statement_of(first, creator="creator-v1"))
    whole_day = statement_text(statement_of(first))
    _as_of_an_earlier_version(days, copied_contracts)

    again = publish_explanation(night(spark, days), EARLIER, configured())

    text = statement_text(statement_of(again, creator="creator-v1"))
    assert statement_text(statement_of(again)) == whole_day  # the pools' own money tells it
    assert "the size of the pool" in text
    assert "what advertisers paid" in told_before
    assert "what advertisers paid" not in text
    third = date(2026, 11, 19)
    publish_day(days, third, {"music": (pool(900_000, [5, 6], 8), ["v1-a", "v9-a"])}, configured())
    publish_explanation(night(spark, days), third, configured())
    both = Warehouse(None, days).read_arrow(TABLE).to_pylist()
    assert {(row["against_date"], row["revenue_micros"] is None) for row in both} == {(EARLIER, True), (third, False)}


def _as_of_an_earlier_version(root: Path, contracts: Path) -> None:
    """Give the table the columns that it had before the causes of a pool's size, and the ledger its version."""
    names = [f"{name}_micros" for name in POOL_CAUSES]
    kept = [
        {k: v for k, v in row.items() if k not in names} for row in Warehouse(None, root).read_arrow(TABLE).to_pylist()
    ]
    path = contracts / f"{TABLE}.yaml"
    contract = yaml.safe_load(path.read_text("utf-8"))
    schema = contract["schema"][0]
    schema["properties"] = [column for column in schema["properties"] if column["name"] not in names]
    schema["quality"] = [rule for rule in schema["quality"] if rule["name"] != "causes_add_up"]
    path.write_text(yaml.safe_dump(contract, sort_keys=False), "utf-8")
    shutil.rmtree(root / TABLE)
    earlier = Warehouse(None, root, contracts)
    earlier.ensure(TABLE)
    version = earlier.replace_day_records(kept, TABLE, LATER, seen=0)
    run = published_run(earlier, EXPLAIN, LATER)
    publish_run(earlier, replace(run, run_id=f"{run.run_id}-again", outputs={TABLE: version}))


@pytest.mark.once
def test_explain_day_with_swapped_days_negates_every_part(spark: SparkSession, days: Path) -> None:
    publish_explanation(night(spark, days), EARLIER, configured())
    forward = rows_of(days)
    publish_explanation(night(spark, days, day=EARLIER), LATER, configured())
    table = Warehouse(None, days).read_arrow(TABLE, day=EARLIER)
    for row in table.to_pylist():
        for name in ("change", *PARTS):
            assert row[f"{name}_micros"] == -forward[row["category"], row["video_id"]][f"{name}_micros"]


@pytest.mark.once
def test_explain_day_of_unpublished_or_same_day_or_two_currencies_stops(spark: SparkSession, days: Path) -> None:
    with pytest.raises(MissingTableError, match="payouts of 2026-11-01 are not published"):
        publish_explanation(night(spark, days), date(2026, 11, 1), configured())
    with pytest.raises(InputError, match="must be another day"):
        publish_explanation(night(spark, days), LATER, configured())
    publish_day(days, date(2026, 11, 18), {"music": (pool(9_000, [5], 8), ["v1-a"])}, configured(), currency="EUR")
    with pytest.raises(InputError, match=r"in one currency, got \['EUR', 'USD'\]"):
        publish_explanation(night(spark, days), date(2026, 11, 18), configured())


@pytest.mark.once
def test_statement_of_an_unknown_creator_stops(spark: SparkSession, days: Path) -> None:
    explanation = publish_explanation(night(spark, days), EARLIER, configured())
    with pytest.raises(InputError, match="Creator nobody: shared no pool"):
        statement_of(explanation, creator="nobody")
    text = statement_text(statement_of(explanation, video="v1-a"))
    assert text.count("earned now") == 3  # two pools and their sum


@pytest.mark.once
def test_statements_of_a_video_that_changed_its_creator_close_for_both_creators(
    spark: SparkSession, tmp_path: Path
) -> None:
    ids = ["v1-a", "v2-a"]
    publish_day(tmp_path, EARLIER, {"music": (pool(900_000, [5, 6], 8), ids)}, configured())
    later = {"music": (pool(800_000, [7, 6], 9), ids)}
    publish_day(tmp_path, LATER, later, configured(), sold={"v1-a": "creator-v2"})

    explanation = publish_explanation(night(spark, tmp_path), EARLIER, configured())

    for creator in ("creator-v1", "creator-v2"):
        rows = statement_of(explanation, creator=creator).rows
        for day, column in ((EARLIER, "against_payout_micros"), (LATER, "payout_micros")):
            stored = Warehouse(None, tmp_path).read_arrow("pool_payouts", day=day).to_pylist()
            earned = sum(row["payout_micros"] for row in stored if row["creator_id"] == creator)
            assert sum(row[column] for row in rows) == earned
        assert all(row["change_micros"] == sum(row[f"{name}_micros"] for name in PARTS) for row in rows)


@pytest.mark.once
def test_rows_have_the_same_explanation_in_any_batch(spark: SparkSession, days: Path) -> None:
    explanation = publish_explanation(night(spark, days), EARLIER, configured())
    before, after = explanation.before, explanation.after
    pairs = paired_rows(before.rows, after.rows, []).where("category = 'music'").toArrow()
    policy = after.policy("music")
    money = [day.ledger["music"].paid_micros for day in (before, after)]
    pool_days = [pool_day(whole_pool(pairs, d, []), half_of(money[d]), money[d], policy, policy) for d in (0, 1)]
    pair = PoolPair(pool_days[0], pool_days[1])

    whole = pairs.combine_chunks().to_batches()[0]
    apart = [explained_batch(whole.slice(row, 1), pair, []) for row in range(whole.num_rows)]

    assert whole.num_rows == 5
    assert pa.Table.from_batches(apart).to_pylist() == explained_batch(whole, pair, []).to_pylist()
