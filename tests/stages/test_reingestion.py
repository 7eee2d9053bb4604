"""A corrected delivery of a day takes the place of the one before, with all that follows from it, or of nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.contracts import stage_tables
from creatorpool.errors import InputError
from creatorpool.ingest.row_changes import RowChanges
from creatorpool.runs.ledger import INGEST, published_run, unfinished_runs
from creatorpool.runs.pools import published_pools
from creatorpool.runs.published import shared_version
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settings import load_settings
from creatorpool.stages import allocation, ingestion, reingestion
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.loading import load_table
from creatorpool.stages.recovery import recover
from creatorpool.stages.reingestion import reingest_day
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day

pytestmark = pytest.mark.once  # whole nights through one session, which tests/integration runs on Spark

DAY = date(2026, 11, 20)
NEXT = DAY + timedelta(days=1)
MARKET = SyntheticMarket(
    seed=3, n_events=300, n_videos=20, revenue_micros_per_event={"comedy": 900, "music": 1_600}, dirty_share=0.0
)
DELIVERED = ("events", "viewers", "videos", "creators", "ad_revenue", "events_quarantine", "viewers_quarantine")
PAID = ("video_signals", "video_quality", *stage_tables("allocate"))
NightMaker = Callable[..., RunContext]


def night(spark: SparkSession, root: Path, day: date, *assignments: str, dry_run: bool = False) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, day, dry_run=dry_run)


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The day's first delivery, its correction, and the next day's delivery with late events of the day."""
    folder = tmp_path_factory.mktemp("raw")
    for name, day in (("first", DAY), ("corrected", DAY), ("next", NEXT)):
        generate_day(folder / name, day, MARKET)
    _correct(folder / "corrected")
    _change_next_day(folder / "next")
    return {path.name: path for path in folder.iterdir()}


def _rewrite(folder: Path, table: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    (path,) = [*folder.glob(f"{table}/*.parquet"), *folder.glob(f"{table}.parquet")]
    rows = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(change(rows.to_pylist()), schema=rows.schema), path)


def _correct(folder: Path) -> None:
    """Other watch times, events that are gone, new or refused, revenue doubled, one viewer's tier, one viewer less."""
    _rewrite(folder, "events", _corrected_events)
    _rewrite(folder, "ad_revenue", lambda rows: [row | {"revenue_micros": 2 * row["revenue_micros"]} for row in rows])
    _rewrite(folder, "viewers", lambda rows: [rows[0] | {"trust_tier": "unverified"}, *rows[1:-1]])
    since = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    creators = pa.table({"creator_id": ["creator-000000"], "verification_level": ["verified"], "valid_from": since})
    pq.write_table(creators, folder / "creators.parquet")


def _corrected_events(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    longer = [row | {"watch_ms": row["watch_ms"] + 1} for row in rows[:50]]
    new = [row | {"event_id": f"{row['event_id']}-new"} for row in rows[50:60]]
    late = [
        row | {"event_id": f"{row['event_id']}-late", "event_ts": row["event_ts"] - timedelta(days=1)} for row in new
    ]
    return [*longer, *rows[50:-20], *new, *late]


def _change_next_day(folder: Path) -> None:
    """The next day brings late events of the day, changes the viewer whom the correction leaves out, and omits one."""

    def with_late(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        late = [(f"{row['event_id']}-of-{DAY}", row) for row in rows[:5]]
        return rows + [row | {"event_id": name, "event_ts": row["event_ts"] - timedelta(days=1)} for name, row in late]

    _rewrite(folder, "events", with_late)
    _rewrite(folder, "viewers", lambda rows: [*rows[1:-1], rows[-1] | {"region": "moved"}])


@pytest.fixture(scope="module")
def paid_root(spark: SparkSession, deliveries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both days, paid in their order."""
    root = tmp_path_factory.mktemp("paid") / "tables"
    for name, day in (("first", DAY), ("next", NEXT)):
        run = night(spark, root, day)
        publish_ingestion(run, deliveries[name])
        publish_payouts(run)
    return root


@pytest.fixture
def at(spark: SparkSession, paid_root: Path, tmp_path: Path) -> NightMaker:
    """Make a night over a copy of the paid root."""
    root = Path(shutil.copytree(paid_root, tmp_path / "tables"))
    return lambda *assignments, day=DAY, **options: night(spark, root, day, *assignments, **options)


def content(tables: Warehouse, day: date | None = None) -> dict[str, list[str]]:
    """Rows of all delivered tables as they are now, and published rows of the rest, of `day` only if given."""
    days = None if day is None else [day]
    delivered = {name: tables.read_arrow(name) for name in DELIVERED if tables.exists(name)}
    rows = delivered | {name: published_arrow(tables, name, days) for name in PAID}
    return {
        name: sorted(str({k: v for k, v in row.items() if k != "ingested_at"}) for row in table.to_pylist())
        for name, table in rows.items()
    }


def require_verified(at: NightMaker) -> None:
    for day in (DAY, NEXT):
        assert [check for check in verify_day(at(day=day, dry_run=True)) if not check.passed] == []


def test_corrected_delivery_ends_as_if_it_had_come_first(
    at: NightMaker, spark: SparkSession, deliveries: dict[str, Path], tmp_path: Path
) -> None:
    done = reingest_day(at(), deliveries["corrected"])

    clean = tmp_path / "clean"
    for name, day in (("corrected", DAY), ("next", NEXT)):
        publish_ingestion(night(spark, clean, day), deliveries[name])
    # The late events that the next day brought are there when the day is paid.
    for day in (DAY, NEXT):
        publish_payouts(night(spark, clean, day))
    own, expected = content(at().warehouse, DAY), content(Warehouse(spark, clean), DAY)
    assert own == expected
    require_verified(at)
    assert done.before is not None
    # Two events are of the viewer who is not delivered any more.
    assert done.rows["events"] == RowChanges(before=300, now=298, added=20, removed=22, changed=49)
    assert done.rows["ad_revenue"].changed > 0
    assert done.rows["creators"] == RowChanges(before=0, now=1, added=1, removed=0, changed=0)
    paid = {pool.category: pool.pool_micros for pool in done.payouts.pools}
    assert paid == {name: 2 * pool.pool_micros for name, pool in done.before.pools.items()}


def test_correction_can_be_corrected_again_back_to_the_first(at: NightMaker, deliveries: dict[str, Path]) -> None:
    publish_payouts(at(), republish=True)  # with the late events that the next day brought
    before = content(at().warehouse)

    reingest_day(at(), deliveries["corrected"])
    assert content(at().warehouse) != before
    reingest_day(at(), deliveries["first"])

    after = content(at().warehouse)
    assert after.pop("creators") == [], "the first delivery has none"
    assert after == before
    require_verified(at)
    superseded = at().warehouse.read_arrow("stage_runs", day=DAY).filter(pc.field("stage") == INGEST)
    assert sorted(superseded.column("status").to_pylist()) == ["published", "superseded", "superseded"]


def test_same_delivery_is_not_ingested_again(at: NightMaker, deliveries: dict[str, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(deliveries["first"], tmp_path / "copy"))
    versions = at().warehouse.versions("events", "viewers", "allocation_runs")

    assert reingest_day(at(), copy).before is None
    publish_ingestion(at(), copy)

    assert at().warehouse.versions("events", "viewers", "allocation_runs") == versions


def test_new_tier_is_a_reason_to_ingest_the_same_files_again(at: NightMaker, deliveries: dict[str, Path]) -> None:
    run = at("signals.tiers.partner=1.5")

    done = reingest_day(run, deliveries["first"])

    assert done.before is not None
    assert all(found.is_same for found in done.rows.values())


def test_day_is_paid_again_by_the_policy_that_it_was_published_with(
    at: NightMaker, deliveries: dict[str, Path]
) -> None:
    publish_payouts(at("allocation.alpha=0.8"), republish=True)

    reingest_day(at(), deliveries["corrected"])

    assert {pool.alpha for pool in published_pools(at().warehouse, DAY).values()} == {0.8}


def test_source_that_differs_is_refused_and_names_its_tables(at: NightMaker, deliveries: dict[str, Path]) -> None:
    before = content(at().warehouse)

    with pytest.raises(InputError, match=r"ad_revenue, creators, events, viewers differ in .*--reingest"):
        publish_ingestion(at(), deliveries["corrected"])
    with pytest.raises(InputError, match="ad_revenue, creators, events"):
        publish_ingestion(at(dry_run=True), deliveries["corrected"])

    assert content(at().warehouse) == before


def test_configured_source_is_not_a_given_one(at: NightMaker, deliveries: dict[str, Path]) -> None:
    run = at(f"ingest.source={deliveries['corrected']}")

    assert publish_ingestion(run, None) == published_run(run.warehouse, INGEST, DAY)


def test_reingestion_without_a_source_is_refused(at: NightMaker) -> None:
    with pytest.raises(InputError, match="name its folder with --source"):
        reingest_day(at(), None)


def test_dry_run_shows_the_correction_and_writes_nothing(at: NightMaker, deliveries: dict[str, Path]) -> None:
    before, run = content(at().warehouse), at(dry_run=True)

    done = reingest_day(run, deliveries["corrected"])
    run.close()

    assert done.before is not None
    assert {pool.category for pool in done.payouts.pools} == set(done.before.pools)
    assert content(at().warehouse) == before
    assert unfinished_runs(at().warehouse) == []


def test_corrected_delivery_that_cannot_be_used_changes_nothing(
    at: NightMaker, deliveries: dict[str, Path], tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(deliveries["corrected"], tmp_path / "broken"))
    _rewrite(broken, "ad_revenue", lambda rows: [row | {"placement": "radio"} for row in rows])
    before = content(at().warehouse)

    with pytest.raises(InputError, match="ad_revenue"):
        reingest_day(at(), broken)

    assert content(at().warehouse) == before
    assert unfinished_runs(at().warehouse) == []


def test_corrected_day_that_cannot_be_paid_keeps_its_delivery(at: NightMaker, deliveries: dict[str, Path]) -> None:
    before = content(at().warehouse)

    with pytest.raises(InputError, match="cap"):
        reingest_day(at("allocation.cap_micros=1"), deliveries["corrected"])

    after = content(at().warehouse)
    assert after.pop("creators") == []
    assert after == before
    assert unfinished_runs(at().warehouse) == []
    require_verified(at)


def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "name", "is_paid"),
    [
        (ingestion, "_tell", False),
        (reingestion, "publish_payouts", False),
        (allocation, "publish_pools", False),
        (allocation, "forget_run", True),
        (allocation, "publish_run", True),
    ],
)
def test_killed_reingestion_is_taken_back_or_completed_whole(
    at: NightMaker, deliveries: dict[str, Path], monkeypatch: pytest.MonkeyPatch, module: Any, name: str, is_paid: bool
) -> None:
    before = content(at().warehouse)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed)
        with pytest.raises(KeyboardInterrupt):
            reingest_day(at(), deliveries["corrected"])

    recover(at().warehouse, at().log)

    tables = at().warehouse
    assert unfinished_runs(tables) == []
    after = content(tables)
    assert (after["pool_payouts"] != before["pool_payouts"]) == is_paid
    assert (after["events"] != before["events"]) == is_paid
    assert (after["ad_revenue"] != before["ad_revenue"]) == is_paid
    require_verified(at)
    again = reingest_day(at(), deliveries["corrected"])
    assert (again.before is None) == is_paid
    require_verified(at)


def test_event_id_that_a_later_day_has_is_refused(at: NightMaker, deliveries: dict[str, Path], tmp_path: Path) -> None:
    again = Path(shutil.copytree(deliveries["first"], tmp_path / "again"))
    taken = f"event-{NEXT:%Y%m%d}-000000005"
    _rewrite(again, "events", lambda rows: [rows[0] | {"event_id": taken}, *rows[1:]])

    done = reingest_day(at(), again)

    assert done.ingestion is not None
    assert done.ingestion.rows["events"]["broken"] == {"event_id_conflict": 1}
    require_verified(at)


def test_optional_table_that_is_not_delivered_any_more_is_taken_back(
    at: NightMaker, deliveries: dict[str, Path], tmp_path: Path
) -> None:
    exposed = Path(shutil.copytree(deliveries["first"], tmp_path / "exposed"))
    columns = {"date": pa.array([DAY]), "content_id": ["c1"], "drawer": ["home"], "pv": [5], "click": [1], "view": [1]}
    pq.write_table(
        pa.table(columns | {"position": pa.nulls(1, pa.int32()), "category": ["comedy"]}),
        exposed / "content_exposure.parquet",
    )
    reingest_day(at(), exposed)
    assert at().warehouse.read_arrow("content_exposure", day=DAY).num_rows == 1

    done = reingest_day(at(), deliveries["first"])

    assert at().warehouse.read_arrow("content_exposure", day=DAY).num_rows == 0
    assert done.rows["content_exposure"] == RowChanges(before=1, now=0, added=0, removed=1, changed=0)


def test_rules_of_a_delivery_count_from_its_publication_until_it_is_taken_back(
    at: NightMaker, deliveries: dict[str, Path], tmp_path: Path
) -> None:
    def with_hold(path: Path, name: str) -> Path:
        columns = "hold_id,subject_kind,subject_id,share_ppm,from_date,until_date,reason_code,note"
        path.write_text(f"{columns}\n{name},payee,label,1,{DAY},,dispute,\n")
        return path

    def published_holds() -> set[str]:
        version = shared_version(at().warehouse, "holds")
        return set(at().warehouse.read_arrow("holds", ["hold_id"], version=version).column("hold_id").to_pylist())

    held = Path(shutil.copytree(deliveries["first"], tmp_path / "held"))
    with_hold(held / "holds.csv", "delivered")
    reingest_day(at(), held)
    assert published_holds() == {"delivered"}
    load_table(at(), "holds", with_hold(tmp_path / "loaded.csv", "loaded"))
    assert published_holds() == {"delivered", "loaded"}

    reingest_day(at(), deliveries["first"])

    assert published_holds() == {"loaded"}
