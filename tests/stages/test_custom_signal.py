"""A signal from an overlay and one column of a contract is stored, checked, and counts in quality."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError
from creatorpool.settings import QualitySettings, load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.explained_day import explained_day
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.signals import publish_signals
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import require_verified, verify_day

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)
PUBLISHED = {
    "watch_completion": 0.35,
    "engagement_rate": 0.25,
    "engagement_diversity": 0.15,
    "rewatch": 0.10,
    "safety": 0.15,
}
OVERLAY = """
signals:
  custom:
    finish_share:
      expression: "CASE WHEN watch_ms >= 0.9 * length_ms THEN 1.0 ELSE 0.0 END"
      weight: 0.1
      range: [0, 1]
"""
COLUMN = """\
      - name: finish_share
        logicalType: number
        physicalType: DOUBLE
        description: Trust-weighted share of viewers who watched nine tenths of the video
        required: false
        logicalTypeOptions: {minimum: 0, maximum: 1}
        customProperties: [{property: unit, value: share}]
"""


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, copied_contracts: Path) -> RunContext:
    """A night of a small day with the signal's two entries, without code."""
    contract = copied_contracts / "video_signals.yaml"
    contract.write_text(contract.read_text("utf-8").replace("    quality:\n", f"{COLUMN}    quality:\n"), "utf-8")
    overlay = tmp_path / "finish.yaml"
    overlay.write_text(OVERLAY)
    generate_day(tmp_path / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    settings = load_settings([overlay], ["contracts.data_docs=false", TOLERANT])
    run = RunContext(Warehouse(spark, tmp_path / "tables", copied_contracts), settings, DAY)
    publish_ingestion(run, tmp_path / "raw")
    return run


def by_video(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["video_id"]: row for row in table.to_pylist()}


def test_custom_signal_is_stored_checked_and_a_factor_of_quality(night: RunContext) -> None:
    publish_signals(night)

    signals = by_video(night.warehouse.read_arrow("video_signals", day=DAY))
    quality = by_video(night.warehouse.read_arrow("video_quality", day=DAY))
    assert signals.keys() == quality.keys()
    assert len({row["finish_share"] for row in signals.values()}) > 2
    assert any(result.rule.startswith("finish_share") and result.passed for result in night.results)

    n_scored = 0
    for video, row in signals.items():
        without = math.prod(float(row[name]) ** phi for name, phi in PUBLISHED.items())
        expected = without**0.9 * row["finish_share"] ** 0.1
        assert quality[video]["raw_score"] == pytest.approx(expected, rel=1e-12, abs=0)
        if quality[video]["is_compliant"] and expected > 0:
            n_scored += 1
            assert quality[video]["quality_score"] == pytest.approx(expected, rel=1e-12)
            assert abs(quality[video]["quality_score"] - without) > 1e-9
    assert n_scored > 0


def test_custom_signal_is_the_trust_weighted_share_of_the_stored_events(night: RunContext) -> None:
    publish_signals(night)

    warehouse = night.warehouse
    lengths = {row["video_id"]: row["length_ms"] for row in warehouse.read_arrow("videos").to_pylist()}
    tiers = {row["viewer_id"]: row["trust_tier"] for row in warehouse.read_arrow("viewers").to_pylist()}
    watched: dict[str, dict[str, int]] = {}
    for event in warehouse.read_arrow("events", day=DAY).to_pylist():
        viewers = watched.setdefault(event["video_id"], {})
        viewers[event["viewer_id"]] = viewers.get(event["viewer_id"], 0) + event["watch_ms"]
    weights = night.settings.signals.tiers

    for video, row in by_video(warehouse.read_arrow("video_signals", day=DAY)).items():
        total = math.fsum(weights[tiers[viewer]] for viewer in watched[video])
        finished = math.fsum(weights[tiers[v]] for v, ms in watched[video].items() if ms >= 0.9 * lengths[video])
        assert row["finish_share"] == pytest.approx(finished / total, rel=1e-12)


def test_smoothed_signal_pays_videos_without_it_and_explains_and_verifies_to_the_same_score(night: RunContext) -> None:
    night.settings = night.settings.model_copy(update={"quality": QualitySettings(smoothing="empirical_bayes")})
    publish_payouts(night)

    measured = by_video(night.warehouse.read_arrow("video_signals", day=DAY))
    without = {video for video, row in measured.items() if row["finish_share"] == 0}
    assert without
    explained = explained_day(night, DAY, night.settings, ["finish_share"]).rows.toArrow().to_pylist()
    for row in explained:
        raw = math.prod(float(row[name]) ** phi for name, phi in night.settings.signals.exponents().items())
        assert row["effective_impressions"] == pytest.approx(row["views"] * raw, rel=1e-9)
        assert row["finish_share"] > 0
    assert any(row["effective_impressions"] > 0 for row in explained if row["video_id"] in without)
    require_verified(night, verify_day(night))


def test_dry_run_finds_a_signal_without_its_column_and_a_broken_expression(night: RunContext, tmp_path: Path) -> None:
    without_column = Warehouse(night.warehouse.session, night.warehouse.root)
    broken = OVERLAY.replace("watch_ms", "watched")
    overlay = tmp_path / "broken.yaml"
    overlay.write_text(broken)

    with pytest.raises(
        ConfigurationError, match=r"signals \['finish_share'\] have no column in .*video_signals\.yaml: add"
    ):
        publish_signals(replace(night, warehouse=without_column, dry_run=True))
    with pytest.raises(ConfigurationError, match=r"signals\.custom\.finish_share: .*watched"):
        publish_signals(replace(night, settings=load_settings([overlay]), dry_run=True))
