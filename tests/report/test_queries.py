"""Every query of docs/queries.md gives the same rows on Spark SQL, Polars and DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.checkout import project_root
from tests.tolerant import TOLERANT

from creatorpool.errors import InputError
from creatorpool.report import query
from creatorpool.report.query import query_rows
from creatorpool.report.query_output import as_text
from creatorpool.runs.published_rows import published_arrow, published_rows
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
TABLES = ("creator_payouts", "allocation_runs", "pool_payouts", "video_signals", "video_quality", "stage_runs")
PAGE = (project_root() / "docs" / "queries.md").read_text()
QUERIES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
EMPTY = {"Does every pool close to the micro?"}


@pytest.fixture(scope="module")
def warehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A published night whose tables Spark knows by their names."""
    folder = tmp_path_factory.mktemp("queries")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=600))
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT])
    night = RunContext(Warehouse(spark, folder / "tables"), settings, DAY)
    publish_ingestion(night, folder / "raw")
    publish_payouts(night)
    for table in TABLES:
        published_rows(night.warehouse, table).createOrReplaceTempView(table)
    return night.warehouse


def plain(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows to compare: floats to nine digits, times in UTC without zone, integers unchanged."""
    return [tuple(_plain(value) for value in row) for row in rows]


def _plain(value: Any) -> Any:
    if hasattr(value, "tzinfo"):
        return value.replace(tzinfo=None)
    if isinstance(value, str | date | bool) or value is None:
        return value
    return f"{float(value):.9g}"


def test_every_stage_has_its_duration(warehouse: Warehouse) -> None:
    seconds = plain(warehouse.session.sql(QUERIES["How long each stage took"]).toArrow().to_pandas().values.tolist())

    assert {row[1] for row in seconds} == {"ingest", "signals", "allocate"}
    assert all(0.0 < float(row[3]) < 600.0 for row in seconds)


def test_page_has_queries() -> None:
    assert len(QUERIES) >= 8
    assert set(QUERIES) >= EMPTY


@pytest.mark.parametrize("title", QUERIES)
def test_query_gives_the_same_rows_everywhere(warehouse: Warehouse, title: str) -> None:
    sql = QUERIES[title]
    tables = {name: published_arrow(warehouse, name) for name in TABLES}

    on_spark = plain(warehouse.session.sql(sql).toArrow().to_pandas(timestamp_as_object=True).values.tolist())
    polars = pl.SQLContext({name: pl.from_arrow(table) for name, table in tables.items()})
    on_polars = plain(polars.execute(sql, eager=True).rows())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        on_duckdb = plain(connection.sql(sql).to_arrow_table().to_pandas(timestamp_as_object=True).values.tolist())

    assert bool(on_spark) != (title in EMPTY), "a query shows something, unless it looks for faults"
    assert on_polars == on_spark
    assert on_duckdb == on_spark


def test_query_says_when_it_leaves_rows_out(warehouse: Warehouse) -> None:
    every = query_rows(warehouse, "SELECT creator_id FROM creator_payouts ORDER BY creator_id")
    some = query_rows(warehouse, "SELECT creator_id FROM creator_payouts ORDER BY creator_id", 2)

    assert (every.is_cut, some.is_cut) == (False, True)
    assert every.rows.num_rows > 2
    assert some.rows.equals(every.rows.slice(0, 2))


def test_query_gives_typed_rows_in_every_format(warehouse: Warehouse) -> None:
    found = query_rows(warehouse, "SELECT date, total_micros, array(1, 2) AS parts FROM creator_payouts LIMIT 1")

    (record,) = (json.loads(line) for line in as_text(found.rows, "json").splitlines())
    assert record["date"] == DAY.isoformat()
    assert isinstance(record["total_micros"], int)
    assert record["parts"] == [1, 2]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "SELEC"),
        ("SELECT nosuch FROM creator_payouts", "nosuch"),
        ("SELECT * FROM nosuch", "nosuch"),
        ("SELECT total_micros / (total_micros - total_micros) FROM creator_payouts", "(zero|ZERO)"),
    ],
)
def test_query_with_a_fault_is_one_line_with_the_engines_reason(warehouse: Warehouse, sql: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"the query cannot be run: .*{reason}.*SHOW TABLES") as caught:
        query_rows(warehouse, sql)

    assert "\n" not in str(caught.value)


def test_query_reads_one_generation_while_a_day_is_republished(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is republished when the view of the scores is made and that of the payouts is not."""
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, "quality.smoothing=empirical_bayes"])

    def republishing(tables: Warehouse, table: str) -> DataFrame:
        rows = published_rows(tables, table)
        if table == "video_quality":
            monkeypatch.undo()
            publish_payouts(RunContext(tables, settings, DAY), republish=True)
        return rows

    monkeypatch.setattr(query, "load_contracts", lambda: ("video_quality", "video_signals", "pool_payouts"))
    monkeypatch.setattr(query, "published_rows", republishing)
    sql = """
        SELECT count(*) AS videos, max(abs(p.effective_impressions - s.views * q.quality_score)) AS difference
        FROM pool_payouts p JOIN video_quality q ON p.date = q.date AND p.video_id = q.video_id
        JOIN video_signals s ON p.date = s.date AND p.video_id = s.video_id
    """
    (found,) = query_rows(warehouse, sql).rows.to_pylist()

    assert found["videos"] > 0
    assert found["difference"] < 1e-9
