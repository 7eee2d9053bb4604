"""The stage `incentives` on entrants with known truth."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.cohorts.markets import ingest_run, publish_cohorts
from tests.explanation.pool_days import PoolDay
from tests.explanation.published_days import publish_day

from creatorpool.actions import ACTION_FLAGS
from creatorpool.cohorts.success_value import SuccessValue
from creatorpool.errors import ConfigurationError, MissingTableError
from creatorpool.incentives import pass_probability, pass_slope
from creatorpool.runs.ledger import StageRun, publish_run, published_run
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.incentives import INCENTIVES, STAGE, publish_incentives
from creatorpool.synthetic.cohorts import CohortMarket, CohortSegment, draw_cohorts
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # the job's own test, in tests/integration, runs on both engines

FIRST, DAY = date(2026, 11, 11), date(2026, 11, 20)
HORIZON = 8
MARKET = CohortMarket(
    (
        CohortSegment("comedy", 2000),
        CohortSegment("music", 1200, window_n=12, threshold_k=5, quality=(9, 11), views_after_pass=5.0),
        CohortSegment("tiny", 40),
        CohortSegment("nobody passes", 300, quality=(2, 40), threshold_k=18),
        CohortSegment("everybody passes", 300, quality=(60, 4), threshold_k=2),
        CohortSegment("proxy is noise", 600, quality=(400, 600), proxy_noise=0.2),
    ),
    FIRST,
    entry_days=2,
    days=10,
)
SETTINGS = (
    "contracts.data_docs=false",
    f"incentives.horizon_days={HORIZON}",
    "incentives.replicates=400",
    "incentives.cash_per_entrant=2.0",
    "incentives.segments={comedy: {current_bounty: 5.0}}",
)


def night(warehouse: Warehouse, *assignments: str) -> RunContext:
    return RunContext(warehouse, load_settings(assignments=[*SETTINGS, *assignments]), DAY)


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("cohorts")
    warehouse = Warehouse(spark, folder / "tables")
    publish_cohorts(warehouse, draw_cohorts(MARKET), folder / "raw")
    return warehouse


@pytest.fixture(scope="module")
def run(tables: Warehouse) -> StageRun:
    return publish_incentives(night(tables))


def rows(warehouse: Warehouse, run: StageRun, table: str) -> list[dict[str, Any]]:
    found = warehouse.read_arrow(table, day=DAY, version=run.outputs[table]).to_pylist()
    return sorted(found, key=lambda row: [row[name] for name in warehouse.contract(table).key])


def by_segment(warehouse: Warehouse, run: StageRun, table: str) -> dict[str, dict[str, Any]]:
    return {row["segment"]: row for row in rows(warehouse, run, table)}


def assert_covers(row: dict[str, Any], name: str, truth: float) -> None:
    assert row[f"{name}_lo"] <= truth <= row[f"{name}_hi"], (name, row[name], truth)


@pytest.mark.parametrize(("segment", "position", "n", "k"), [("comedy", 0, 20, 8), ("music", 1, 12, 5)])
def test_estimates_cover_the_truth(
    tables: Warehouse, run: StageRun, segment: str, position: int, n: int, k: int
) -> None:
    cohorts, row = draw_cohorts(MARKET), by_segment(tables, run, "cohort_incentives")[segment]
    own = cohorts.segment == position
    median = float(np.median(cohorts.quality[own]))

    assert row["entrants"] == own.sum()
    assert row["pass_rate"] == pytest.approx(cohorts.passed[own].mean())
    assert_covers(row, "quality_hat", median)
    assert_covers(row, "pi_hat", float(pass_probability(median, n, k)))
    assert_covers(row, "slope_hat", float(pass_slope(median, n, k)))
    assert_covers(row, "slope_influence", float(pass_slope(median, n, k)))
    assert row["slopes_agree"]
    assert row["discounted_mass"] == pytest.approx(n)
    assert row["leverage"] == pytest.approx(row["slope_hat"] / row["pi_hat"])
    assert row["expected_spend"] == pytest.approx(row["pi_hat"] * row["bounty_hat"])
    assert row["reason"] is None
    curve = json.loads(row["pass_curve"])
    assert sum(part["entrants"] for part in curve) == own.sum()
    assert sum(part["passes"] for part in curve) == cohorts.passed[own].sum()
    assert [bar["k"] for bar in json.loads(row["nearby_bars"])] == list(range(k - 2, k + 3))


def test_bounty_is_the_formula_on_the_estimates(tables: Warehouse, run: StageRun) -> None:
    row = by_segment(tables, run, "cohort_incentives")["comedy"]
    values = next(
        row
        for row in rows(tables, run, "continuation_values")
        if (row["segment"], row["method"]) == ("comedy", "realised")
    )
    level = row["pi_hat"] + row["quality_hat"] * row["slope_hat"]
    marginal = row["discounted_mass"] + values["g0"] + values["spread"] * level
    assert row["bounty_hat"] == pytest.approx(0.5 * marginal / row["slope_hat"])


def test_continuation_values_cover_the_truth_by_every_possible_method(tables: Warehouse, run: StageRun) -> None:
    cohorts = draw_cohorts(MARKET)
    found = {(row["segment"], row["method"]): row for row in rows(tables, run, "continuation_values")}

    for position, segment in enumerate(("comedy", "music")):
        g0, g1 = (cohorts.expected_after(position, passed, 0.9, HORIZON) for passed in (False, True))
        for method in ("realised", "propensity", "self-normalised"):
            row = found[segment, method]
            for name, truth in (("g0", g0), ("g1", g1), ("spread", g1 - g0)):
                assert_covers(row, name, truth)
            assert abs(row["stability"]) < 0.2
            assert row["band_separation"] > 1
        assert found[segment, "doubly-robust"]["spread"] is None
        assert "shown impressions only" in found[segment, "doubly-robust"]["reason"]


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("tiny", "too few entrants: 40"),
        ("nobody passes", "none passed"),
        ("everybody passes", "all passed"),
        ("proxy is noise", "do not rise with the proxy"),
    ],
)
def test_segment_without_an_estimate_has_a_reason_and_no_numbers(
    tables: Warehouse, run: StageRun, segment: str, reason: str
) -> None:
    row, advice = (by_segment(tables, run, table)[segment] for table in ("cohort_incentives", "policy_advice"))

    assert reason in row["reason"]
    assert reason in advice["reason"]
    missing = (
        "slope_hat",
        "slope_influence",
        "slopes_agree",
        "bounty_hat",
        "bounty_hat_lo",
        "expected_spend",
        "certified",
        "induced_quality",
        "target_bounty",
    )
    assert [row[name] for name in missing] == [None] * len(missing)
    assert [advice[name] for name in ("advised_n", "advised_bounty", "mv_n", "lambda_imp")] == [None] * 4
    assert 0 <= row["pass_rate_lo"] <= row["pass_rate"] <= row["pass_rate_hi"] <= 1


def test_advice_keeps_the_budgets_and_gains(tables: Warehouse, run: StageRun) -> None:
    incentive, advice = (by_segment(tables, run, table) for table in ("cohort_incentives", "policy_advice"))
    advised = [row for row in advice.values() if row["advised_n"] is not None]

    assert {row["segment"] for row in advised} == {name for name in incentive if incentive[name]["certified"]}
    entered = {segment.name: segment.entrants for segment in MARKET.segments}
    share = {row["segment"]: entered[row["segment"]] / sum(entered[r["segment"]] for r in advised) for row in advised}
    used = sum(share[row["segment"]] * row["advised_mass"] for row in advised)
    spent = sum(share[row["segment"]] * row["advised_spend"] for row in advised)
    now = sum(share[row["segment"]] * row["current_mass"] for row in advised)
    assert used <= now * (1 + 1e-6)
    assert spent <= 2.0 * (1 + 1e-6)
    gain = sum(share[row["segment"]] * (row["advised_value"] - row["current_value"]) for row in advised)
    assert gain > 0 or {row["segment"] for row in advised if row["current_spend"] > 2.0}
    assert len({(row["lambda_imp"], row["lambda_cash"]) for row in advised}) == 1


def test_run_records_its_inputs_and_a_second_one_does_nothing(tables: Warehouse, run: StageRun) -> None:
    assert run.inputs == {"events": 1, "videos": 1, "entrants": 1, "first_day": FIRST.isoformat()}
    assert set(run.outputs) == set(STAGE.tables)
    assert run.rows == {"cohort_incentives": 6, "continuation_values": 24, "policy_advice": 6}

    assert publish_incentives(night(tables)) == run
    assert {table: tables.version(table) for table in STAGE.tables} == run.outputs


def test_same_inputs_give_identical_tables(tables: Warehouse, run: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creatorpool.stages.runner._is_same", lambda *_: False)

    again = publish_incentives(night(tables))

    assert again.run_id != run.run_id
    for table in STAGE.tables:
        assert rows(tables, again, table) == rows(tables, run, table)


def test_another_configuration_is_estimated_again(tables: Warehouse, run: StageRun) -> None:
    other = publish_incentives(night(tables, "incentives.success=watch_ms < 0"))

    assert other.config_sha256 != run.config_sha256
    assert {row["pass_rate"] for row in rows(tables, other, "cohort_incentives")} == {0.0}
    assert {row["pass_rate"] for row in rows(tables, run, "cohort_incentives")} != {0.0}


def test_missing_propensities_leave_replays_without_numbers(spark: SparkSession, tmp_path: Path) -> None:
    market = CohortMarket((CohortSegment("comedy", 300),), FIRST, 2, 10, propensity_share=0.5)
    warehouse = Warehouse(spark, tmp_path / "tables")
    publish_cohorts(warehouse, draw_cohorts(market), tmp_path / "raw", skip=[FIRST])

    run = publish_incentives(night(warehouse))

    found = {row["method"]: row for row in rows(warehouse, run, "continuation_values")}
    # Entrants of the unpublished day are left out, and with them half of the entrants with known exposure.
    assert run.inputs["first_day"] == (FIRST + timedelta(days=1)).isoformat()
    assert by_segment(warehouse, run, "cohort_incentives")["comedy"]["entrants"] < 200
    for method in ("propensity", "self-normalised"):
        assert found[method]["g0"] is None
        assert "have no propensity" in found[method]["reason"]
    assert found["realised"]["g0"] is not None


def test_day_without_published_logs_or_entrants_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    warehouse = Warehouse(spark, tmp_path / "tables")
    with pytest.raises(MissingTableError, match="events of 2026-11-20 are not published"):
        publish_incentives(night(warehouse))
    publish_run(warehouse, ingest_run(DAY, {"events": 0, "videos": 0}))
    with pytest.raises(MissingTableError, match="no entrants are ingested"):
        publish_incentives(night(warehouse))
    assert published_run(warehouse, INCENTIVES, DAY) is None


@pytest.mark.parametrize("setting", ["incentives.success=no_column > 1", "incentives.replay_target=no_column"])
def test_rule_that_cannot_be_computed_is_refused_before_anything_is_written(
    tables: Warehouse, run: StageRun, setting: str
) -> None:
    before = {table: tables.version(table) for table in STAGE.tables}

    with pytest.raises(ConfigurationError, match=setting.partition("=")[0].replace(".", r"\.")):
        publish_incentives(night(tables, setting))
    assert {table: tables.version(table) for table in STAGE.tables} == before


def test_advice_is_in_money_once_the_days_payouts_are_published(tables: Warehouse, run: StageRun) -> None:
    pool = PoolDay(9_000_000, np.array([5, 9]), np.full((2, 5), 0.5))
    publish_day(Path(str(tables.root)), DAY, {"comedy": (pool, ["v1-a", "v2-b"])}, load_settings())

    priced = publish_incentives(night(tables))

    events = tables.read_arrow("events", day=DAY, version=run.inputs["events"]).to_pylist()
    lengths = {row["video_id"]: row["length_ms"] for row in tables.read_arrow("videos").to_pylist()}
    acted = [
        any(event[flag] for flag in ACTION_FLAGS) or event["watch_ms"] >= lengths[event["video_id"]] for event in events
    ]
    assert SuccessValue.of_facts(priced.rows) == SuccessValue(9_000_000, sum(acted), "USD")
    assert "USD" in by_segment(tables, priced, "policy_advice")["comedy"]["reason"]
    assert "USD" not in by_segment(tables, run, "policy_advice")["comedy"]["reason"]
