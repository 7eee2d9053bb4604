"""A published day that follows from its inputs passes; every later change is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.allocation.revenue import CARRY_COLUMNS
from creatorpool.errors import ConfigurationError, MissingTableError, VerificationError
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse
from creatorpool.verification.checks import Check
from creatorpool.verification.day import require_verified, verify_day

DAY = date(2026, 11, 20)
SETTINGS = (
    "contracts.data_docs=false",
    TOLERANT,
    "allocation.cap_micros=120000",
    "allocation.on_caps_below_pool=carry",
)
Row = dict[str, Any]


def night_at(spark: SparkSession, root: Path, *assignments: str) -> RunContext:
    return RunContext(Warehouse(spark, root), load_settings(assignments=[*SETTINGS, *assignments]), DAY, dry_run=True)


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a published day."""
    folder = tmp_path_factory.mktemp("published")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    night = RunContext(Warehouse(spark, folder / "tables"), load_settings(assignments=SETTINGS), DAY)
    publish_ingestion(night, folder / "raw")
    publish_payouts(night)
    return folder / "tables"


@pytest.fixture
def tables(published: Path, tmp_path: Path) -> Path:
    """A copy of them, for tests that change them."""
    return Path(shutil.copytree(published, tmp_path / "tables"))


def change(root: Path, table: str, edit: Callable[[list[Row]], list[Row]]) -> int:
    """Rewrite the day's rows of a table without a run."""
    warehouse = Warehouse(None, root)
    seen = warehouse.version(table)
    rows = warehouse.read_arrow(table, day=DAY).to_pylist()
    rows.sort(key=lambda row: (-(row.get("payout_micros") or row.get("views") or 0), str(row)))
    return warehouse.replace_day_records(edit(rows), table, DAY, seen=seen)


def forge(root: Path, table: str, edit: Callable[[list[Row]], list[Row]]) -> None:
    """Rewrite the rows, and make the ledger name them as published or scored."""
    name_version(root, table, change(root, table, edit))


def name_version(root: Path, table: str, version: int) -> None:
    """Make the ledger name `version` as published or scored."""

    def renamed(rows: list[Row]) -> list[Row]:
        for row in rows:
            for column in ("input_versions", "output_versions"):
                versions = json.loads(row[column])
                row[column] = json.dumps(versions | ({table: version} if table in versions else {}))
        return rows

    change(root, "allocation_runs", renamed)


def without_columns(root: Path, table: str, columns: Sequence[str]) -> int:
    """Write the table without these columns, like an earlier version of the program."""
    warehouse = Warehouse(None, root)
    rows = warehouse.read_arrow(table).drop_columns(list(columns))
    write_deltalake(warehouse.path(table), rows, mode="overwrite", schema_mode="overwrite", partition_by=["date"])
    return warehouse.version(table)


def first(**changed: Callable[[Any], Any]) -> Callable[[list[Row]], list[Row]]:
    """Change columns of the first row."""

    def edit(rows: list[Row]) -> list[Row]:
        return [rows[0] | {name: make(rows[0][name]) for name, make in changed.items()}, *rows[1:]]

    return edit


def move_a_micro(rows: list[Row]) -> list[Row]:
    """Move a micro from one video to another of the same pool: all sums stay the same."""
    inside = [row for row in rows if row["bound"] == "interior"]
    one = next(row for row in inside if sum(other["category"] == row["category"] for other in inside) > 1)
    other = next(row for row in inside if row["category"] == one["category"] and row is not one)
    rest = [row for row in rows if row is not one and row is not other]
    return [
        one | {"payout_micros": one["payout_micros"] - 1},
        other | {"payout_micros": other["payout_micros"] + 1},
        *rest,
    ]


def failed(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.passed}


def test_published_day_follows_from_its_inputs(spark: SparkSession, published: Path) -> None:
    night = night_at(spark, published)

    checks = verify_day(night)

    assert failed(checks) == set()
    require_verified(night, checks)
    assert all(check.compared > 0 for check in checks)
    assert {"payouts optimal (KKT)", "video_signals from events", "ledger versions readable"} <= {
        check.name for check in checks
    }


@pytest.mark.once
def test_moved_micro_is_found_although_all_sums_agree(spark: SparkSession, tables: Path) -> None:
    forge(tables, "pool_payouts", move_a_micro)
    night = night_at(spark, tables)

    checks = verify_day(night)

    assert "pool_payouts from the pools' split" in failed(checks)
    assert "payouts and unallocated sum to the pool" not in failed(checks)
    assert any("payout_micros is" in str(check.example) for check in checks)
    with pytest.raises(VerificationError, match=r"found \d+ differences? in \d+ \w+, for example") as caught:
        require_verified(night, checks)
    assert caught.value.exit_code == 2


FORGERIES = [
    ("pool_payouts", first(payout_micros=lambda p: p + 1), "payouts and unallocated sum to the pool"),
    ("pool_payouts", first(creator_id=lambda _: "mallory"), "pool members from quality"),
    ("pool_payouts", first(share=lambda s: s / 2), "pool_payouts from the pools' split"),
    ("pool_payouts", lambda rows: [*rows, rows[0]], "pool_payouts keeps its contract"),
    ("pool_payouts", lambda rows: rows[1:], "pool members from quality"),
    ("pool_payouts", first(payout_micros=lambda p: p + 130_000), "payouts optimal (KKT)"),
    (
        "video_payouts",
        first(payout_micros=lambda p: p - 1, pulse_micros=lambda p: p + 1),
        "video_payouts from pools and Pulse",
    ),
    ("creator_payouts", first(videos_paid=lambda n: n + 1), "creator_payouts from video_payouts"),
    ("pool_revenue", first(gross_micros=lambda g: g + 2), "pool_revenue from ad_revenue"),
    ("video_quality", first(quality_score=lambda q: 0.9 * q), "video_quality from video_signals"),
    ("video_signals", first(views=lambda n: n + 1), "video_signals from events"),
]


@pytest.mark.once
@pytest.mark.parametrize(("table", "edit", "check"), FORGERIES)
def test_forged_table_is_found(
    spark: SparkSession, tables: Path, table: str, edit: Callable[[list[Row]], list[Row]], check: str
) -> None:
    forge(tables, table, edit)

    assert check in failed(verify_day(night_at(spark, tables)))


@pytest.mark.once
@pytest.mark.parametrize(
    ("column", "make"),
    [
        ("nu", lambda nu: nu * 1.01),
        ("unallocated_micros", lambda micros: micros + 5),
        ("gini", lambda g: g / 2),
    ],
)
def test_forged_ledger_is_found(spark: SparkSession, tables: Path, column: str, make: Callable[[Any], Any]) -> None:
    change(tables, "allocation_runs", first(**{column: make}))

    assert failed(verify_day(night_at(spark, tables))) & {
        "allocation_runs from the pools' members",
        "payouts optimal (KKT)",
    }


@pytest.mark.once
def test_rows_changed_after_publication_are_found(spark: SparkSession, tables: Path) -> None:
    change(tables, "creator_payouts", first(total_micros=lambda t: t + 1))

    assert failed(verify_day(night_at(spark, tables))) == {"creator_payouts as published"}


def test_damaged_file_is_a_failed_check(spark: SparkSession, tables: Path) -> None:
    path = Path(Warehouse(None, tables).files("video_quality", day=DAY)[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) // 2) + whole[len(whole) // 2 + 4 :])  # its footer is intact

    checks = verify_day(night_at(spark, tables))

    assert not all(check.passed for check in checks)
    path.write_bytes(b"no Parquet file at all")
    assert failed(verify_day(night_at(spark, tables))) == {"ledger versions readable"}


@pytest.mark.once
def test_event_that_is_stored_twice_is_found(spark: SparkSession, tables: Path) -> None:
    warehouse = Warehouse(None, tables)
    event = warehouse.read_arrow("events", day=DAY).to_pylist()[0]
    day_before = DAY - timedelta(days=1)
    moment = event["event_ts"] - timedelta(days=1)
    version = warehouse.append_records([event | {"date": day_before, "event_ts": moment}], "events")
    name_version(tables, "events", version)

    checks = {check.name: check for check in verify_day(night_at(spark, tables))}

    assert checks["event ids unique"].differences == 1
    assert event["event_id"] in str(checks["event ids unique"].example)
    assert checks["video_signals from events"].passed, "the day's own events are as they were"


@pytest.mark.once
def test_day_published_by_a_version_without_refunds_still_verifies(spark: SparkSession, tables: Path) -> None:
    name_version(tables, "pool_revenue", without_columns(tables, "pool_revenue", CARRY_COLUMNS))
    without_columns(tables, "allocation_runs", ("carried_micros", "carried_from"))
    night = night_at(spark, tables)

    assert "carried_micros" not in night.warehouse.read("allocation_runs").columns
    require_verified(night, verify_day(night))


@pytest.mark.once
def test_lost_file_is_found(spark: SparkSession, tables: Path) -> None:
    Path(Warehouse(None, tables).files("video_quality", day=DAY)[0]).unlink()

    checks = verify_day(night_at(spark, tables))

    assert failed(checks) == {"ledger versions readable"}
    assert "video_quality cannot be read" in str(checks[0].example)


@pytest.mark.once
def test_day_is_verified_by_the_configuration_that_paid_it(spark: SparkSession, published: Path) -> None:
    with pytest.raises(ConfigurationError, match="another configuration"):
        verify_day(night_at(spark, published, "allocation.alpha=0.7"))


def test_unpublished_day_cannot_be_verified(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match=f"payouts of {DAY} are not published"):
        verify_day(night_at(spark, tmp_path))
