"""The table module refuses, on every engine, rows that an engine would accept without an error."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts.schema import require_schema
from creatorpool.errors import MissingTableError, RunInProgressError, TableGuardError
from creatorpool.runs.ledger import StageRun, publish_run
from creatorpool.session import READ_ERRORS
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.tables import Warehouse, sum_exact

DAY, OTHER_DAY = date(2026, 11, 20), date(2026, 11, 21)
SCHEMA = (
    "creator_id string, payout_micros bigint, pulse_micros bigint, total_micros bigint, videos_paid bigint, "
    "currency string"
)


def payouts(spark: SparkSession, *creators: str) -> DataFrame:
    return spark.createDataFrame([(creator, 5, 1, 6, 1, "USD") for creator in creators], SCHEMA)


def payout(creator: str) -> dict[str, object]:
    money = {"payout_micros": 5, "pulse_micros": 1, "total_micros": 6, "videos_paid": 1, "currency": "USD"}
    return {"date": DAY, "creator_id": creator, **money}


def creators(warehouse: Warehouse, day: date | None = None, version: int | None = None) -> list[str]:
    rows = warehouse.read("creator_payouts", day=day, version=version).collect()
    return sorted(row["creator_id"] for row in rows)


def test_replace_day_does_not_change_other_days_and_earlier_versions(spark: SparkSession, warehouse: Warehouse) -> None:
    first = warehouse.replace_day(payouts(spark, "a", "b"), "creator_payouts", DAY)
    warehouse.replace_day(payouts(spark, "c"), "creator_payouts", OTHER_DAY)
    warehouse.replace_day(payouts(spark, "d"), "creator_payouts", DAY)

    assert creators(warehouse, DAY) == ["d"]
    assert creators(warehouse) == ["c", "d"]
    assert creators(warehouse, DAY, first) == ["a", "b"]


def test_every_earlier_version_of_a_long_history_is_readable(spark: SparkSession, warehouse: Warehouse) -> None:
    # Sail reads no version before the checkpoint that `_last_checkpoint` names, as writers of others leave it.
    log = Path(str(warehouse.root)) / "creator_payouts" / "_delta_log"
    versions = [warehouse.replace_day_records([payout(f"c{i}")], "creator_payouts", DAY, seen=i) for i in range(43)]
    assert [path.name for path in sorted(log.glob("*.parquet"))] == [f"{n:020}.checkpoint.parquet" for n in (20, 40)]
    assert not (log / "_last_checkpoint").exists()
    DeltaTable(warehouse.path("creator_payouts")).create_checkpoint()
    assert (log / "_last_checkpoint").exists()

    for position in (0, 18, 19, 20, 38, 42):
        assert creators(warehouse, None, versions[position]) == [f"c{position}"]
        assert creators(warehouse, DAY, versions[position]) == [f"c{position}"]
        rows = warehouse.read_arrow("creator_payouts", ["creator_id"], version=versions[position])
        assert rows.column("creator_id").to_pylist() == [f"c{position}"]
    assert creators(warehouse) == ["c42"]


def test_named_versions_and_shortened_logs_are_readable_after_maintenance(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    root = Path(str(warehouse.root))
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    named = [warehouse.replace_day_records([payout(f"c{i}")], "creator_payouts", DAY, seen=i) for i in range(3)]
    for number in range(25):
        outputs = {"creator_payouts": named[number % len(named)]}
        inputs = {"against": f"{number}"}  # so that each run stays published
        publish_run(warehouse, StageRun(DAY, "study", f"run-{number}", "", "", inputs, outputs, {}, moment, moment))
    for file in root.glob("*/_delta_log/*"):
        os.utime(file, (moment.timestamp(), time.time() - 30 * 86_400))

    list(maintain_tables(Warehouse(None, root), timedelta(days=1)))

    assert not (root / "stage_runs" / "_delta_log" / f"{24:020}.json").exists()
    fresh = Warehouse(spark, root)
    for position, version in enumerate(named):
        assert creators(fresh, DAY, version) == [f"c{position}"]
        (row,) = pl.read_delta(str(root / "creator_payouts"), version=version).to_dicts()
        assert row["creator_id"] == f"c{position}"
    assert fresh.read("stage_runs", version=25).count() == 25
    assert fresh.read("stage_runs").count() == fresh.read_arrow("stage_runs").num_rows == 25
    assert duckdb.from_arrow(DeltaTable(str(root / "stage_runs")).to_pyarrow_dataset()).count("*").fetchall() == [(25,)]


def test_replace_day_ignores_dynamic_partition_overwrite(spark: SparkSession, warehouse: Warehouse) -> None:
    warehouse.replace_day(payouts(spark, "a"), "creator_payouts", DAY)
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        warehouse.replace_day(payouts(spark, "b"), "creator_payouts", OTHER_DAY)
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")

    assert creators(warehouse) == ["a", "b"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.withColumn("date", F.lit(OTHER_DAY)), "does not belong to 2026-11-20"),
        (lambda rows: rows.drop("currency"), "missing columns: currency"),
        (lambda rows: rows.withColumn("tip", F.lit(1)), "columns not in the contract: tip"),
        (lambda rows: rows.withColumn("payout_micros", F.lit(1.5)), r"payout_micros DOUBLE \(contract BIGINT\)"),
        (
            lambda rows: rows.withColumn("currency", F.when(F.col("creator_id") != "b", F.col("currency"))),
            "'currency' is null",
        ),
    ],
    ids=["row of another day", "missing column", "extra column", "other type", "null in a required column"],
)
def test_replace_day_of_wrong_rows_is_refused_and_changes_nothing(
    spark: SparkSession, warehouse: Warehouse, spoil, message: str
) -> None:
    before = warehouse.replace_day(payouts(spark, "a", "b"), "creator_payouts", DAY)

    with pytest.raises(TableGuardError, match=message):
        warehouse.replace_day(spoil(payouts(spark, "a", "b", "c")), "creator_payouts", DAY)

    assert warehouse.version("creator_payouts") == before
    assert creators(warehouse) == ["a", "b"]


def test_append_of_another_schema_is_refused(spark: SparkSession, warehouse: Warehouse) -> None:
    rows = payouts(spark, "a").withColumn("date", F.lit(DAY))
    warehouse.append(rows, "creator_payouts")

    with pytest.raises(TableGuardError, match="missing columns: total_micros"):
        warehouse.append(rows.drop("total_micros"), "creator_payouts")


def test_append_of_another_number_of_rows_is_refused(spark: SparkSession, warehouse: Warehouse) -> None:
    rows = payouts(spark, "a", "b").withColumn("date", F.lit(DAY))
    with pytest.raises(TableGuardError, match="creator_payouts: 2 rows were written, where 3 were counted"):
        warehouse.append(rows, "creator_payouts", 3)
    assert creators(warehouse) == []
    warehouse.append(rows, "creator_payouts", 2)
    assert creators(warehouse) == ["a", "b"]


def test_overwrite_of_a_partitioned_table_is_refused(spark: SparkSession, warehouse: Warehouse) -> None:
    with pytest.raises(TableGuardError, match="never overwritten whole"):
        warehouse.overwrite(payouts(spark, "a").withColumn("date", F.lit(DAY)), "creator_payouts")


def test_replace_day_of_rows_with_lists_replaces_that_day(spark: SparkSession, warehouse: Warehouse) -> None:
    moment = F.lit(datetime(2026, 11, 20, tzinfo=UTC))
    rows = spark.createDataFrame(
        [("e1", "{}", ["late"], "1")],
        "event_id string, raw_row string, failed_rules array<string>, contract_version string",
    ).withColumn("ingested_at", moment)
    for day in (DAY, DAY, OTHER_DAY):
        warehouse.replace_day(rows, "events_quarantine", day)

    stored = warehouse.read("events_quarantine")
    assert [(row["date"], row["failed_rules"]) for row in stored.orderBy("date").collect()] == [
        (DAY, ["late"]),
        (OTHER_DAY, ["late"]),
    ]


def test_sum_exact_adds_money_and_raises_where_bigint_overflows(spark: SparkSession) -> None:
    near = 9_000_000_000_000_000_000
    rows = spark.createDataFrame([("a", near), ("b", near), ("c", 5), ("c", 7)], "k string, micros bigint")

    small = rows.where("k = 'c'").groupBy("k").agg(sum_exact("micros").alias("micros"))
    assert_df_equality(small, spark.createDataFrame([("c", 12)], "k string, micros bigint"), ignore_nullable=True)
    with pytest.raises(Exception, match=r"(?i)overflow|out of range"):
        rows.agg(sum_exact("micros")).collect()


def test_read_of_a_table_that_does_not_exist_names_it(warehouse: Warehouse) -> None:
    with pytest.raises(MissingTableError, match="'video_payouts' does not exist"):
        warehouse.read("video_payouts")


@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize("fault", ["lost", "empty", "no version"])
def test_read_never_takes_a_lost_file_for_one_without_rows(
    spark: SparkSession, warehouse: Warehouse, fault: str, version: int | None
) -> None:
    warehouse.replace_day(payouts(spark, "a"), "creator_payouts", DAY)
    (file,) = map(Path, warehouse.files("creator_payouts", day=DAY))
    if fault == "lost":
        file.unlink()
    elif fault == "empty":
        file.write_bytes(b"")

    with pytest.raises(READ_ERRORS):
        warehouse.read("creator_payouts", day=DAY, version=7 if fault == "no version" else version).collect()


@pytest.mark.parametrize("most", [20_000, 1])
def test_few_rows_are_those_that_the_engine_finds_by_the_log(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("creatorpool.storage.few_rows._MOST_ROWS", most)
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    facts = {"creator_id": "c", "length_ms": 9_000, "categories": ["pets", "art"], "published_at": moment}
    scores = {"is_compliant": True, "s_pos": 0.5, "s_tox": 0.25, "is_pulse": False}
    videos = [{"video_id": f"v{number}", **facts, **scores} for number in range(3)]
    # A day that is replaced, one that loses its rows, and a table without days.
    for number in range(3):
        warehouse.replace_day(payouts(spark, f"a{number}", f"b{number}"), "creator_payouts", DAY)
        warehouse.replace_day(payouts(spark, f"c{number}").where(F.lit(number < 2)), "creator_payouts", OTHER_DAY)
        warehouse.overwrite(warehouse.frame(videos[: number + 1], "videos"), "videos")

    for table, days in (("creator_payouts", (DAY, OTHER_DAY)), ("videos", (None,))):
        for version in range(warehouse.version(table) + 1):
            for day in (*days, None):
                wanted = warehouse.read_by_log(table, days=None if day is None else [day], version=version)
                found = warehouse.read(table, day=day, version=version)
                assert found.dtypes == wanted.dtypes
                assert sorted(found.collect(), key=str) == sorted(wanted.collect(), key=str)


def test_read_shows_a_column_that_another_writer_added(spark: SparkSession, warehouse: Warehouse) -> None:
    warehouse.replace_day(payouts(spark, "a"), "creator_payouts", DAY)
    row = warehouse.read_arrow("creator_payouts").append_column("tip", pa.array([5]))
    write_deltalake(warehouse.path("creator_payouts"), row, mode="append", schema_mode="merge")

    found = Warehouse(spark, warehouse.root).read("creator_payouts", day=DAY)

    assert sorted(row["tip"] or 0 for row in found.collect()) == [0, 5]
    with pytest.raises(TableGuardError, match="columns not in the contract: tip"):
        require_schema(found.schema, warehouse.contract("creator_payouts"))


def test_tables_read_the_same_through_deltalake_and_polars(spark: SparkSession, warehouse: Warehouse) -> None:
    warehouse.replace_day(payouts(spark, "a", "b"), "creator_payouts", DAY)
    warehouse.replace_day(payouts(spark, "c"), "creator_payouts", OTHER_DAY)
    expected = sorted(tuple(row) for row in warehouse.read("creator_payouts").collect())
    path = warehouse.path("creator_payouts")

    without_engine = [tuple(row.values()) for row in warehouse.read_arrow("creator_payouts").to_pylist()]
    assert sorted(without_engine) == expected
    assert sorted(pl.read_delta(path).rows()) == expected
    protocol = DeltaTable(path).protocol()
    assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


def add_column(contracts: Path, *, required: bool) -> None:
    """Give the contract of `creator_payouts` a column `note`."""
    contract = contracts / "creator_payouts.yaml"
    text = contract.read_text()
    first = text.index("      - name: creator_id")
    column = f"""      - name: note
        logicalType: string
        physicalType: STRING
        description: Remark
        required: {str(required).lower()}
"""
    contract.write_text(text[:first] + column + text[first:])


def test_ensure_adds_a_nullable_column_that_the_contract_gained(
    spark: SparkSession, tmp_path: Path, copied_contracts: Path
) -> None:
    old = Warehouse(spark, tmp_path / "warehouse", copied_contracts)
    old.replace_day(payouts(spark, "a"), "creator_payouts", DAY)
    add_column(copied_contracts, required=False)

    new = Warehouse(spark, tmp_path / "warehouse", copied_contracts)
    new.replace_day(payouts(spark, "b").withColumn("note", F.lit("hello")), "creator_payouts", OTHER_DAY)

    rows = new.read("creator_payouts").orderBy("creator_id").collect()
    assert [(row["creator_id"], row["note"]) for row in rows] == [("a", None), ("b", "hello")]
    (row,) = new.read("creator_payouts", day=DAY).collect()
    assert (row["creator_id"], row["note"], row["date"]) == ("a", None, DAY)


def test_ensure_refuses_a_required_column_that_the_contract_gained(tmp_path: Path, copied_contracts: Path) -> None:
    tables = Warehouse(None, tmp_path / "warehouse", copied_contracts)
    tables.ensure("creator_payouts")
    before = tables.version("creator_payouts")
    add_column(copied_contracts, required=True)

    with pytest.raises(TableGuardError, match=r"requires the new columns \['note'\], but stored rows have no value"):
        Warehouse(None, tmp_path / "warehouse", copied_contracts).ensure("creator_payouts")

    assert tables.version("creator_payouts") == before


def test_replace_day_records_after_another_commit_is_refused(warehouse: Warehouse) -> None:
    def claim(run_id: str) -> dict[str, object]:
        moment = datetime(2026, 11, 20, tzinfo=UTC)
        until = datetime(2026, 11, 21, tzinfo=UTC)
        times = {"claimed_at": moment, "expires_at": until}
        return {"date": DAY, "stage": "s", "run_id": run_id, "owner": "o", "token": 1, "released": None, **times}

    warehouse.ensure("run_claims")
    seen = warehouse.version("run_claims")
    warehouse.replace_day_records([claim("first")], "run_claims", DAY, seen=seen)

    with pytest.raises(RunInProgressError):
        warehouse.replace_day_records([claim("second")], "run_claims", DAY, seen=seen)

    assert [row["run_id"] for row in warehouse.read_arrow("run_claims", day=DAY).to_pylist()] == ["first"]


def test_trial_copy_shares_earlier_files_and_keeps_new_rows_separate(spark: SparkSession, warehouse: Warehouse) -> None:
    warehouse.replace_day(payouts(spark, "a"), "creator_payouts", DAY)
    before = warehouse.version("creator_payouts")

    with warehouse.trial_copy() as copy:
        copy.replace_day(payouts(spark, "b"), "creator_payouts", OTHER_DAY)
        assert creators(copy) == ["a", "b"]

    assert warehouse.version("creator_payouts") == before
    assert creators(warehouse) == ["a"]
    assert not copy.root.exists()
