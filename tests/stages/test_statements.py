"""The stage `statements`: a row and a text for each creator of a published day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.explanation.pool_days import PoolDay
from tests.explanation.published_days import publish_day

from creatorpool.errors import ConfigurationError, MissingTableError
from creatorpool.report.statement import statement_of
from creatorpool.runs.ledger import published_run
from creatorpool.runs.published_rows import last_paid_before, published_rows
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.explanation import publish_explanation
from creatorpool.stages.statements import STATEMENTS, TABLE, publish_statements
from creatorpool.statements.text import change_lines
from creatorpool.tables import Warehouse

EARLIER, LATER = date(2026, 11, 20), date(2026, 11, 21)
MUSIC = ["v1-a", "v1-b", "v2-a", "v3-a"]


def configured(*assignments: str) -> Settings:
    return load_settings(assignments=["contracts.data_docs=false", *assignments])


def pool(money: int, views: list[int], seed: int) -> PoolDay:
    return PoolDay(money, np.array(views), np.random.default_rng(seed).uniform(0.1, 1.0, (len(views), 5)))


def publish_days(root: Path, sold: dict[str, str]) -> None:
    first = {"music": (pool(1_000_003, [50, 7, 90, 10], 1), MUSIC), "news": (pool(800_001, [10, 20], 3), MUSIC[:2])}
    second = {"music": (pool(1_500_001, [55, 70, 9, 4], 2), ["v1-a", "v1-b", "v4-a", "v3-a"])}
    publish_day(root, EARLIER, first, configured())
    publish_day(root, LATER, second, configured(), sold=sold)


def night(spark: SparkSession, root: Path, day: date = LATER, *assignments: str) -> RunContext:
    return RunContext(Warehouse(spark, root), configured(*assignments), day)


def rows_of(root: Path, day: date) -> dict[str, dict[str, Any]]:
    return {row["creator_id"]: row for row in Warehouse(None, root).read_arrow(TABLE, day=day).to_pylist()}


def test_every_creator_of_either_day_has_a_statement_that_adds_up(spark: SparkSession, tmp_path: Path) -> None:
    publish_days(tmp_path, {"v3-a": "creator-v9"})
    run = night(spark, tmp_path)

    explanation = publish_explanation(run, EARLIER, configured())
    publish_statements(run, explanation)

    rows = rows_of(tmp_path, LATER)
    payouts = {
        row["creator_id"]: row for row in Warehouse(None, tmp_path).read_arrow("creator_payouts", day=LATER).to_pylist()
    }
    # v2 left the pool and v3's video was sold: both creators' statements have the lost earnings.
    assert set(rows) == {*payouts, "creator-v2", "creator-v3"} == {f"creator-v{n}" for n in (1, 2, 3, 4, 9)}
    for creator, row in rows.items():
        own = payouts.get(creator, dict.fromkeys(("payout_micros", "pulse_micros", "total_micros"), 0))
        assert {name: row[name] for name in ("payout_micros", "pulse_micros", "total_micros")} == {
            name: own[name] for name in ("payout_micros", "pulse_micros", "total_micros")
        }
        assert row["against_date"] == EARLIER
        assert f"Creator {creator}: statement of {LATER}, in USD" in row["statement"]
        # The statement of `explain` for one creator has the same text.
        for line in change_lines(statement_of(explanation, creator=creator)):
            if not line.startswith("Note: Pulse"):
                assert f"  {line}".rstrip() in row["statement"], line
    assert sum(row["change_micros"] for row in rows.values()) == 1_500_001 - 1_800_004
    assert (rows["creator-v3"]["largest_reason"], rows["creator-v9"]["largest_reason"]) == ("membership", "membership")

    version = Warehouse(None, tmp_path).version(TABLE)
    publish_statements(night(spark, tmp_path), explanation)
    assert Warehouse(None, tmp_path).version(TABLE) == version
    published = published_rows(Warehouse(spark, tmp_path), TABLE)
    assert published.count() == len(rows)


@pytest.mark.once
def test_statement_of_the_first_day_has_no_changes(spark: SparkSession, tmp_path: Path) -> None:
    publish_days(tmp_path, {})
    run = night(spark, tmp_path, EARLIER)

    assert last_paid_before(run.warehouse, EARLIER) is None
    publish_statements(run, None)

    rows = rows_of(tmp_path, EARLIER)
    assert set(rows) == {"creator-v1", "creator-v2", "creator-v3"}
    assert all(row["against_date"] is None and row["change_micros"] is None for row in rows.values())
    assert published_run(run.warehouse, STATEMENTS, EARLIER) is not None


@pytest.mark.once
def test_statements_of_an_unpublished_day_or_with_other_weights_are_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    publish_days(tmp_path, {})
    other = "signals.component_weights={watch_completion: 0.2, engagement_rate: 0.2, engagement_diversity: 0.2, "
    other += "rewatch: 0.2, safety: 0.2}"

    with pytest.raises(MissingTableError, match="payouts of 2026-11-25 are not published"):
        publish_statements(night(spark, tmp_path, date(2026, 11, 25)), None)
    with pytest.raises(ConfigurationError, match="do not follow from the weights configured"):
        publish_statements(night(spark, tmp_path, EARLIER, other), None)
    assert not Warehouse(None, tmp_path).exists(TABLE)
