"""Caps by identity in a whole day: delivery, payment, publication and explanation."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.errors import ConfigurationError, InfeasiblePoolError, InputError
from creatorpool.explanation.parts import PARTS
from creatorpool.runs.pools import published_pools
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.explanation import publish_explanation
from creatorpool.stages.frontier import publish_frontier
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.integrity import publish_audit
from creatorpool.stages.published_day import published_day
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # whole nights through one session

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
CAP = 21_000
CAPS = f"allocation.creator_caps={{unverified: {CAP}}}"


def night(spark: SparkSession, root: Path, *assignments: str, day: date = DAY) -> RunContext:
    # With shrunk scores every eligible video is paid, so that creators have several paid videos in a pool.
    lean = ("contracts.data_docs=false", TOLERANT, "quality.smoothing=empirical_bayes")
    return RunContext(Warehouse(spark, root), load_settings(assignments=[*lean, *assignments]), day)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day's logs with verification levels: every third creator is verified, the last two have no row."""
    folder = tmp_path_factory.mktemp("raw")
    generate_day(folder, DAY, SyntheticMarket(seed=3, n_events=1_500))
    creators = sorted(set(pq.read_table(folder / "videos.parquet").column("creator_id").to_pylist()) - {None})
    rows = [
        {
            "creator_id": creator,
            "verification_level": "verified" if number % 3 == 0 else "unverified",
            "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for number, creator in enumerate(creators[:-2])
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "creators.parquet")
    return folder


@pytest.fixture(scope="module")
def capped(spark: SparkSession, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day paid with a cap on creators who are not verified."""
    root = tmp_path_factory.mktemp("capped")
    run = night(spark, root, CAPS)
    publish_ingestion(run, raw)
    publish_payouts(run)
    return root


def test_no_unverified_creator_gets_more_than_the_cap_from_any_pool(capped: Path) -> None:
    tables = Warehouse(None, capped)
    level = {row["creator_id"]: row["verification_level"] for row in tables.read_arrow("creators").to_pylist()}
    earned: dict[tuple[str, str], int] = defaultdict(int)
    rows = tables.read_arrow("pool_payouts", day=DAY).to_pylist()
    for row in rows:
        earned[row["category"], row["creator_id"]] += row["payout_micros"]

    unknown = {creator for _, creator in earned if creator not in level}
    unverified = {key: micros for key, micros in earned.items() if level.get(key[1], "unverified") == "unverified"}
    assert unknown
    assert max(unverified.values()) <= CAP
    assert max(micros for key, micros in earned.items() if key not in unverified) > CAP
    held = {(row["category"], row["creator_id"]) for row in rows if row["bound"] == "creator_cap"}
    assert held
    assert all(earned[key] == CAP for key in held)


def test_capped_pools_close_to_the_micro_and_name_the_levels_that_they_came_from(capped: Path) -> None:
    tables = Warehouse(None, capped)
    paid: dict[str, int] = defaultdict(int)
    for row in tables.read_arrow("pool_payouts", day=DAY).to_pylist():
        paid[row["category"]] += row["payout_micros"]
    for category, row in published_pools(tables, DAY).items():
        assert row.paid_micros + row.unallocated_micros == row.pool_micros
        assert paid[category] == row.paid_micros == row.pool_micros
        assert row.inputs["creators"] == tables.version("creators")


def test_studies_split_pools_under_the_caps_of_the_payment(spark: SparkSession, capped: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(capped, tmp_path / "tables"))
    policy = ("frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0, 0.9]")
    run = night(spark, root, CAPS, *policy)
    day = published_day(run)
    binding = 0
    for published in day.pools.values():
        pool, creators = published.pool, published.pool.creators
        assert creators is not None
        assert np.abs(pool.split(published.policy).payout - published.payout).max() < 1
        for other in (SplitPolicy("linear", 0.5, 0.9), SplitPolicy("log", 1.0, 1.0)):
            earned = np.bincount(creators.code, pool.split(other).payout)
            assert np.all(earned <= creators.cap * (1 + 1e-12))
            binding += int(np.count_nonzero(earned >= creators.cap * (1 - 1e-9)))
    assert binding > 0

    ledger = published_pools(run.warehouse, DAY)
    publish_frontier(run)
    own = [row for row in run.warehouse.read_arrow("allocation_frontier", day=DAY).to_pylist() if row["is_published"]]
    assert len(own) == len(ledger)
    for row in own:
        assert row["gini"] == pytest.approx(ledger[row["category"]].gini, rel=1e-12)
        assert abs(row["moved_micros"] - ledger[row["category"]].efficiency_moved_micros) <= 1


def test_audit_of_capped_creators_finds_that_none_earns_more_than_the_cap(
    spark: SparkSession, capped: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(capped, tmp_path / "tables"))
    few = ("integrity.fake_viewers=[50]", "integrity.unverified_weights=[]", "integrity.most_exploitable=2")
    run = night(spark, root, CAPS, *few)
    creators = {name: published.pool.creators for name, published in published_day(run).pools.items()}
    audit = publish_audit(run)
    tried = 0
    for finding in audit.findings:
        if finding.rule == "creatorpool":
            creator = audit.creator[finding.attack.video]
            caps = [of.cap[of.label == creator] for of in creators.values() if of is not None]
            most = np.concatenate(caps).sum()
            assert finding.earned + finding.gain <= most * (1 + 1e-12)
            tried += bool(np.isfinite(most))
    assert tried > 0


def test_studies_of_capped_pools_under_another_configuration_stop(spark: SparkSession, capped: Path) -> None:
    with pytest.raises(ConfigurationError, match="are published with another configuration"):
        published_day(night(spark, capped))


def test_caps_below_the_pool_stop_the_night_or_are_carried(spark: SparkSession, capped: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(capped, tmp_path / "tables"))
    low = "allocation.creator_caps={unverified: 10, verified: 10}"
    with pytest.raises(InfeasiblePoolError, match="sum to"):
        publish_payouts(night(spark, root, low), republish=True)

    carried = publish_payouts(night(spark, root, low, "allocation.on_caps_below_pool=carry"), republish=True)
    for pool in carried.pools:
        assert pool.paid_micros + pool.unallocated_micros == pool.pool_micros
        assert pool.unallocated_micros > 0


def test_nights_of_caps_with_floors_are_explained_within_the_contract(
    spark: SparkSession, raw: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    generate_day(later, NEXT, SyntheticMarket(seed=3, n_events=1_700))
    (later / "creators.parquet").symlink_to(raw / "creators.parquet")
    bounds = ("allocation.creator_caps={unverified: 20000, verified: 50000}", "allocation.floor_micros=9000")
    feasible = ("allocation.on_caps_below_pool=carry", "allocation.on_floors_exceed_pool=scale")
    runs = [night(spark, tmp_path / "tables", *bounds, *feasible, day=day) for day in (DAY, NEXT)]
    for run, source in zip(runs, (raw, later), strict=True):
        publish_ingestion(run, source)
        publish_payouts(run)

    publish_explanation(runs[1], DAY, runs[0].settings)

    tables = Warehouse(None, tmp_path / "tables")
    at_floor = {
        (day, row["category"], row["video_id"])
        for day in (DAY, NEXT)
        for row in tables.read_arrow("pool_payouts", day=day).to_pylist()
        if row["bound"] == "creator_cap" and row["payout_micros"] == row["floor_micros"]
    }
    assert at_floor  # because of the creators' prices only
    rows = tables.read_arrow("payout_changes").to_pylist()
    assert rows
    for row in rows:
        assert row["change_micros"] == sum(row[f"{name}_micros"] for name in PARTS)
        assert abs(row["rounding_micros"]) <= 16
        if {(day, row["category"], row["video_id"]) for day in (DAY, NEXT)} <= at_floor and not row["change_micros"]:
            assert {name: row[f"{name}_micros"] for name in PARTS if row[f"{name}_micros"]} == {}


def test_caps_without_a_table_of_creators_name_the_missing_delivery(
    spark: SparkSession, raw: Path, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    for path in raw.iterdir():
        if path.name != "creators.parquet":
            (tmp_path / "raw" / path.name).symlink_to(path)
    run = night(spark, tmp_path / "tables", "allocation.creator_caps={unverified: 5}")
    publish_ingestion(run, tmp_path / "raw")

    with pytest.raises(InputError, match=r"allocation.creator_caps needs table creators, .* deliver creators"):
        publish_payouts(run)
    assert published_pools(run.warehouse, DAY) == {}
