"""The stage `delivery` on exposures with known truth."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.delivery.markets import write_delivery

from creatorpool.delivery import FitRules, daily_series, fit_p2c, fit_rate_prior
from creatorpool.delivery.evaluation import rate_errors
from creatorpool.delivery.fitting import COLD
from creatorpool.delivery.p2c import curve_clicks
from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import StageRun, published_run
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.delivery import DELIVERY, publish_delivery
from creatorpool.synthetic.delivery import DeliveryMarket, DeliveryTruth, draw_delivery, guarantee_rows
from creatorpool.tables import Warehouse

FIRST, DAYS = date(2026, 10, 22), 30
DAY = FIRST + timedelta(days=DAYS - 1)
HELD_OUT = 7
MARKET = DeliveryMarket(120, FIRST, DAYS, new_contents=12, guarantee_share=0.04)
PLANNED = 6
SETTINGS = ("contracts.data_docs=false", f"delivery.plan_contents={PLANNED}")


def night(warehouse: Warehouse, *assignments: str, day: date = DAY) -> RunContext:
    return RunContext(warehouse, load_settings(assignments=[*SETTINGS, *assignments]), day)


@pytest.fixture(scope="module")
def truth() -> DeliveryTruth:
    return draw_delivery(MARKET)


@pytest.fixture(scope="module")
def tables(spark: SparkSession, truth: DeliveryTruth, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("delivery")
    warehouse = Warehouse(spark, folder / "tables")
    write_delivery(warehouse, truth, folder / "raw")
    return warehouse


@pytest.fixture(scope="module")
def run(tables: Warehouse) -> StageRun:
    return publish_delivery(night(tables))


def rows(warehouse: Warehouse, run: StageRun) -> dict[tuple[str, str], dict[str, Any]]:
    found = warehouse.read_arrow("p2c_parameters", day=run.day, version=run.outputs["p2c_parameters"]).to_pylist()
    return {(row["content_id"], row["drawer"]): row for row in found}


def test_every_shown_content_has_a_row_and_long_series_the_curve_of_the_pure_function(
    tables: Warehouse, run: StageRun, truth: DeliveryTruth
) -> None:
    found = rows(tables, run)
    assert set(found) == {(content, drawer) for content in truth.content_id for drawer in truth.drawers}
    assert run.rows["p2c_parameters"] == len(found)
    for content, drawer in ((0, 0), (40, 1), (107, 0)):
        row = found[truth.content_id[content], truth.drawers[drawer]]
        alone = fit_p2c(truth.pv[content, drawer], truth.click[content, drawer])
        assert row["converged"] == bool(alone.converged)
        for name in ("r", "y_max", "x0", "y0", "r_lo", "r_hi", "y_max_lo", "n_points"):
            assert row[name] == pytest.approx(float(getattr(alone, name)), rel=1e-12), name
        assert row["n_days"] == DAYS
        assert row["n_held_out"] == HELD_OUT


def test_curves_are_near_the_truth(tables: Warehouse, run: StageRun, truth: DeliveryTruth) -> None:
    found = rows(tables, run)
    off = []
    for content in range(MARKET.contents - MARKET.new_contents):
        row = found[truth.content_id[content], truth.drawers[0]]
        if row["converged"]:
            off.append((row["y_max"] / truth.y_max[content, 0] - 1, row["r"] / truth.r[content, 0] - 1))
    assert len(off) > 100
    assert np.median(np.abs(off), axis=0).max() < 0.15


def test_errors_are_measured_on_days_that_their_fit_did_not_use(
    tables: Warehouse, run: StageRun, truth: DeliveryTruth
) -> None:
    found = rows(tables, run)
    past, future = slice(None, DAYS - HELD_OUT), slice(DAYS - HELD_OUT, None)
    category = int(truth.category[3])
    own = truth.category == category
    clicks, impressions = (part[own][:, :, past].sum(axis=2).ravel() for part in (truth.click, truth.pv))
    prior = fit_rate_prior(clicks, impressions)
    pv, click = truth.pv[3, 1].astype(float), truth.click[3, 1].astype(float)
    ctr = prior.smoothed(click[past].sum(), pv[past].sum())
    row = found[truth.content_id[3], truth.drawers[1]]

    expected = rate_errors(daily_series([0, HELD_OUT], pv[future], click[future]), np.array([ctr]))
    assert [row["baseline_rmse"], row["baseline_ape"]] == pytest.approx([expected[0][0], expected[1][0]], rel=1e-6)
    fit = fit_p2c(pv[past], click[past])
    decay = (fit.y_max / fit.y0 - 1) * np.exp(-fit.r * (pv[future] - fit.x0))
    curve = np.where(pv[future] >= fit.x0, fit.y_max / (1 + decay), fit.y0 * pv[future] / fit.x0)
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean((curve - click[future]) ** 2)))
    assert row["ape"] == pytest.approx(np.mean(np.abs(curve - click[future]) / click[future]))
    judged = [row for row in found.values() if row["rmse"] is not None]
    assert np.mean([row["rmse"] for row in judged]) < 0.8 * np.mean([row["baseline_rmse"] for row in judged])


def test_new_contents_start_from_their_category(tables: Warehouse, run: StageRun, truth: DeliveryTruth) -> None:
    found = rows(tables, run)
    new = [found[content, truth.drawers[0]] for content in truth.content_id[-MARKET.new_contents :]]
    assert all(row["reason"].startswith(COLD) and row["converged"] for row in new)
    assert [row["rmse"] for row in new] == [None] * len(new)  # all their days are held out
    off = np.log10([row["y_max"] for row in new]) - np.log10(truth.y_max[-MARKET.new_contents :, 0])
    assert np.sqrt(np.mean(off**2)) < 0.5


def test_views_per_click_are_near_the_truth(tables: Warehouse, run: StageRun, truth: DeliveryTruth) -> None:
    found = [row["views_per_click"] for row in rows(tables, run).values()]
    np.testing.assert_allclose(np.mean(found), truth.views_per_click, rtol=0.02)


def test_plan_keeps_positions_and_guarantees_and_predicts_by_the_curves(
    tables: Warehouse, run: StageRun, truth: DeliveryTruth
) -> None:
    plan = tables.read_arrow("delivery_plan", day=DAY, version=run.outputs["delivery_plan"]).to_pylist()
    curves, capacity = rows(tables, run), tables.read_arrow("drawer_positions").to_pylist()
    promised = {row["content_id"]: row["min_impressions"] for row in guarantee_rows(truth, DAY).to_pylist()}
    facts = run.rows["plan"]
    assert promised
    assert set(promised) <= {row["content_id"] for row in plan}
    assert len({row["content_id"] for row in plan}) == facts["contents"] == PLANNED
    assert run.rows["delivery_plan"] == len(plan) == PLANNED * MARKET.drawers

    for drawer in truth.drawers:
        given = np.sort([row["impressions"] for row in plan if row["drawer"] == drawer])[::-1]
        room = np.sort([row["capacity"] for row in capacity if row["drawer"] == drawer])[::-1]
        # At most k contents reach the capacity of position k: the next one stays below it.
        assert given[0] <= room[0] * (1 + 1e-6)
        assert (given[1 : room.size + 1] <= room[: given.size - 1] * (1 + 1e-6)).all()
        assert given.sum() <= room.sum() * (1 + 1e-6)
    for content, impressions in promised.items():
        shown = sum(row["impressions"] for row in plan if row["content_id"] == content)
        missing = facts["missing"].get(content, {"impressions": 0.0})["impressions"]
        assert shown + missing >= impressions * (1 - 1e-6)
    for row in plan:
        curve, x = curves[row["content_id"], row["drawer"]], np.array(row["impressions"])
        parts = (np.array(np.nan if curve[name] is None else curve[name]) for name in ("r", "y_max", "x0", "y0", "ctr"))
        assert row["expected_clicks"] == pytest.approx(float(curve_clicks(x, *parts)), rel=1e-9, abs=1e-9)
        assert row["expected_views"] == pytest.approx(curve["views_per_click"] * row["expected_clicks"])
        assert row["guarantee"] == promised.get(row["content_id"])
    assert facts["views"] == pytest.approx(sum(row["expected_views"] for row in plan))
    assert facts["views"] <= facts["bound"] * (1 + 1e-9)


@pytest.mark.once
def test_second_run_does_nothing_and_a_republication_gives_the_same_rows(
    tables: Warehouse, run: StageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish_delivery(night(tables)) == run
    monkeypatch.setattr("creatorpool.stages.runner._is_same", lambda *_: False)
    assert rows(tables, publish_delivery(night(tables))) == rows(tables, run)


@pytest.mark.once
def test_fit_uses_the_settings(tables: Warehouse, run: StageRun, truth: DeliveryTruth) -> None:
    settings = (
        *("delivery.anchor=observed", "delivery.fitted_days=all", "delivery.history_days=20"),
        *("delivery.plan_contents=0", "delivery.variance_weight=1000.0"),
    )
    found = rows(tables, publish_delivery(night(tables, *settings)))
    row = found[truth.content_id[0], truth.drawers[0]]
    pv, click = truth.pv[0, 0, -20:], truth.click[0, 0, -20:]
    alone = fit_p2c(pv, click, rules=FitRules(frees_anchor=False, only_increasing=False))
    assert (row["n_days"], row["y_max"], row["y0"]) == (
        20,
        pytest.approx(float(alone.y_max)),
        pytest.approx(click[np.argmin(pv)]),
    )


@pytest.mark.once
def test_day_without_exposures_is_refused_and_unpublished_days_are_left_out(
    spark: SparkSession, truth: DeliveryTruth, tmp_path: Path
) -> None:
    warehouse = Warehouse(spark, tmp_path / "tables")
    with pytest.raises(
        MissingTableError, match="content_exposure is not published for any day from 2026-09-26 to 2026-11-20"
    ):
        publish_delivery(night(warehouse))
    assert published_run(warehouse, DELIVERY, DAY) is None

    write_delivery(warehouse, truth, tmp_path / "raw", skip=[FIRST, DAY])
    later = publish_delivery(night(warehouse, day=DAY))
    assert DAY.isoformat() not in later.inputs["days"]
    assert {row["n_days"] for row in rows(warehouse, later).values()} == {DAYS - 2, 2}
    # Guarantees are delivered with the logs of their day: without them, the plan only maximises clicks.
    assert "delivery_guarantees" not in later.inputs
    plan = warehouse.read_arrow("delivery_plan", day=DAY, version=later.outputs["delivery_plan"])
    assert plan["guarantee"].null_count == plan.num_rows > 0
