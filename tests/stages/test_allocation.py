"""Faults that stop the payment of a day; nothing is published then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.tolerant import TOLERANT

from creatorpool.allocation.frames.payouts import fill_payouts
from creatorpool.errors import (
    ConfigurationError,
    CreatorpoolError,
    InfeasiblePoolError,
    InputError,
    MissingTableError,
    SettlementError,
)
from creatorpool.runs.pools import published_pools
from creatorpool.settings import load_settings
from creatorpool.stages import allocation
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.signals import publish_signals
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)
NightMaker = Callable[..., RunContext]


def night(spark: SparkSession, root: Path, *assignments: str, dry_run: bool = False) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, DAY, dry_run=dry_run)


@pytest.fixture(scope="module")
def rated_day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a day that is ingested and scored, but not paid."""
    folder = tmp_path_factory.mktemp("rated")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    run = night(spark, folder / "tables")
    publish_ingestion(run, folder / "raw")
    publish_signals(run)
    return folder / "tables"


@pytest.fixture
def at(spark: SparkSession, rated_day: Path, tmp_path: Path) -> NightMaker:
    """Make a night over a copy of the scored day."""
    root = Path(shutil.copytree(rated_day, tmp_path / "tables"))
    return lambda *assignments, **options: night(spark, root, *assignments, **options)


@pytest.fixture
def pay_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[RunContext, str, DataFrame], None]:
    """Make a night pay from other rows of an input table than the published ones."""

    def use(run: RunContext, table: str, rows: DataFrame) -> None:
        frames = publish_signals(run)
        write = run.warehouse.overwrite if table == "videos" else partial(run.warehouse.replace_day, day=DAY)
        changed = replace(frames, inputs={**frames.inputs, table: write(rows, table)})
        monkeypatch.setattr(allocation, "publish_signals", lambda _: changed)

    return use


PayFrom = Callable[[RunContext, str, DataFrame], None]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            ["allocation.floor_micros=10000000"],
            InfeasiblePoolError,
            r"floors of 10\.00 USD for 18 videos .* allocation.on_floors_exceed_pool",
        ),
        (
            ["allocation.cap_micros=1"],
            InfeasiblePoolError,
            r"caps of 0\.000001 USD for .* allocation.on_caps_below_pool",
        ),
    ],
)
def test_allocate_day_that_cannot_meet_its_bounds_stops_and_publishes_nothing(
    at: NightMaker, settings: list[str], error: type[CreatorpoolError], message: str
) -> None:
    run = at(*settings)

    with pytest.raises(error, match=message) as caught:
        publish_payouts(run)

    assert caught.value.exit_code == 2
    assert published_pools(run.warehouse, DAY) == {}
    assert not run.warehouse.exists("pool_payouts")


def test_category_with_videos_and_without_revenue_is_a_warning(
    at: NightMaker, pay_from: PayFrom, caplog: pytest.LogCaptureFixture
) -> None:
    run = at()
    revenue = run.warehouse.read("ad_revenue", day=DAY)
    category = min(row["category"] for row in revenue.where("placement = 'non_pulse'").collect())
    members = publish_signals(run).coverage
    pay_from(run, "ad_revenue", revenue.where(F.col("category") != category).drop("date"))

    with caplog.at_level("WARNING", "creatorpool"):
        done = publish_payouts(run)

    (warning,) = done.unfunded
    assert warning.startswith(f"category {category}: {members.eligible[category]} eligible videos and no revenue: ")
    assert f"although {members.payable[category]} have a quality above 0" in warning
    assert warning in caplog.text
    # Members of the other pools are those that the pools were split over.
    assert {row.category: row.videos_eligible for row in done.pools} == {
        name: number for name, number in members.eligible.items() if name != category
    }
    assert publish_payouts(at()).unfunded == done.unfunded


def test_allocate_day_with_caps_below_the_pool_leaves_the_rest_unallocated(at: NightMaker) -> None:
    payouts = publish_payouts(at("allocation.cap_micros=1000", "allocation.on_caps_below_pool=carry"))

    for pool in payouts.pools:
        assert pool.paid_micros + pool.unallocated_micros == pool.pool_micros
        assert pool.paid_micros == 1000 * pool.videos_paid > 0
        assert "unallocated" in pool.warning


def test_allocate_day_in_two_currencies_stops(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    revenue = run.warehouse.read("ad_revenue", day=DAY)
    other = F.when(F.col("category") == "music", F.lit("EUR")).otherwise(F.col("currency"))
    pay_from(run, "ad_revenue", revenue.withColumn("currency", other))

    with pytest.raises(InputError, match=r"got EUR and USD: load each .* or set settlement.currency, deliver fx"):
        publish_payouts(run)


def test_allocate_day_without_revenue_stops(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    pay_from(run, "ad_revenue", run.warehouse.read("ad_revenue", day=DAY).where("false"))

    with pytest.raises(
        InputError, match="no row of 2026-11-20: there is nothing to pay out; deliver the day's revenue"
    ):
        publish_payouts(run)


def test_allocate_day_without_an_eligible_video_stops(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    pay_from(run, "videos", run.warehouse.read("videos").withColumn("is_compliant", F.lit(False)))

    with pytest.raises(InputError, match="no video of 2026-11-20 can be paid"):
        publish_payouts(run)
    assert published_pools(run.warehouse, DAY) == {}


def test_allocate_day_with_pulse_revenue_beside_an_unknown_video_stops(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    revenue = run.warehouse.read("ad_revenue", day=DAY)
    stray = F.when(F.col("placement") == "pulse", F.lit("video-gone"))
    pay_from(run, "ad_revenue", revenue.withColumn("video_id", stray))

    with pytest.raises(InputError, match=r"1 Pulse videos, for example 'video-gone', are not in videos"):
        publish_payouts(run)


def test_allocate_day_with_nothing_but_pulse_revenue_pays_it(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    revenue = run.warehouse.read("ad_revenue", day=DAY).where("placement = 'pulse'")
    beside = sum(row["revenue_micros"] for row in revenue.collect())
    pay_from(run, "ad_revenue", revenue)

    payouts = publish_payouts(run)

    assert {pool.pool_micros for pool in payouts.pools} == {0}
    totals = payouts.creator_payouts.agg(F.sum("payout_micros"), F.sum("pulse_micros")).collect()[0]
    assert totals[0] == 0
    assert 0 <= beside / 2 - totals[1] < payouts.video_payouts.count()


def test_allocate_day_pays_pulse_money_whatever_the_compliance_gate_says(at: NightMaker, pay_from: PayFrom) -> None:
    run = at()
    video = (
        run.warehouse.read("ad_revenue", day=DAY).where("placement = 'pulse'").orderBy("video_id").first()["video_id"]
    )
    videos = run.warehouse.read("videos")
    gated = F.when(F.col("video_id") == video, F.lit(False)).otherwise(F.col("is_compliant"))
    pay_from(run, "videos", videos.withColumn("is_compliant", gated))

    row = publish_payouts(run).video_payouts.where(F.col("video_id") == video).collect()[0]

    assert row["payout_micros"] == 0
    assert row["pulse_micros"] > 0


def test_allocate_day_under_another_configuration_than_its_signals_stops(at: NightMaker) -> None:
    with pytest.raises(ConfigurationError, match="signals of 2026-11-20 are published with another configuration"):
        publish_payouts(at("quality.smoothing=empirical_bayes"))


def test_allocate_day_of_the_other_pools_under_another_configuration_stops(at: NightMaker) -> None:
    publish_payouts(at(), ["music"])

    with pytest.raises(ConfigurationError, match=r"pools \['music'\] of 2026-11-20 are published with another"):
        publish_payouts(at("pools.platform_share=0.3"))


def test_republish_scores_the_day_again_under_the_given_configuration(at: NightMaker) -> None:
    publish_payouts(at())

    again = publish_payouts(at("quality.smoothing=empirical_bayes"), republish=True)

    assert {row["smoothing"] for row in again.signals.quality.select("smoothing").distinct().collect()} == {
        "empirical_bayes"
    }


def test_allocate_day_of_an_unknown_category_names_the_pools(at: NightMaker) -> None:
    with pytest.raises(InputError, match=r"the day has no pool \['cooking'\]; its pools are \['comedy'"):
        publish_payouts(at(), ["cooking"])


def test_allocate_day_before_ingestion_says_what_to_run(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match=r"events of 2026-11-20 are not published .* `creatorpool run --date"):
        publish_payouts(night(spark, tmp_path))


def test_allocate_day_whose_rows_do_not_close_is_never_published(
    at: NightMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at()
    honest = fill_payouts

    def short_by_a_micro(members, splits):
        rows = honest(members, splits)
        first = rows.agg(F.max("video_id")).collect()[0][0]
        return rows.withColumn(
            "payout_micros", F.col("payout_micros") - F.when(F.col("video_id") == first, 1).otherwise(0).cast("bigint")
        )

    monkeypatch.setattr(allocation, "fill_payouts", short_by_a_micro)
    with pytest.raises((SettlementError, InputError)):
        publish_payouts(run)
    assert published_pools(run.warehouse, DAY) == {}


def test_dry_run_computes_the_same_pools_and_writes_nothing(at: NightMaker) -> None:
    dry = at(dry_run=True)
    before = dry.warehouse.versions("video_quality", "stage_runs", "run_claims")

    computed = publish_payouts(dry)
    assert not dry.warehouse.exists("allocation_runs")
    assert dry.warehouse.versions("video_quality", "stage_runs", "run_claims") == before
    published = publish_payouts(at())

    figures = ("category", "pool_micros", "paid_micros", "videos_paid", "nu", "gini")
    assert [[getattr(pool, name) for name in figures] for pool in computed.pools] == [
        [getattr(pool, name) for name in figures] for pool in published.pools
    ]


def test_one_category_alone_then_the_rest_pays_what_all_at_once_pays(at: NightMaker, tmp_path: Path) -> None:
    apart = Path(str(at().warehouse.root))
    together = Path(shutil.copytree(apart, tmp_path / "together"))
    session = at().warehouse.session

    first = publish_payouts(at(), ["music", "news"])
    assert [pool.category for pool in first.pools] == ["music", "news"]
    assert sorted(published_pools(at().warehouse, DAY)) == ["music", "news"]
    publish_payouts(at())
    publish_payouts(night(session, together))

    for table in ("pool_payouts", "video_payouts", "creator_payouts", "pool_revenue"):
        rows = [
            sorted(map(str, Warehouse(None, root).read_arrow(table, day=DAY).to_pylist())) for root in (apart, together)
        ]
        assert rows[0] == rows[1], table
