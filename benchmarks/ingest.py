"""Compares the ingestion of a day on both engines with DuckDB and Polars doing the same, in one run.

Every contender reads the same files, applies every rule of the contracts of events and viewers, the rules of videos
that SQL of both dialects has, looks for repeated and conflicting event ids and for unknown viewers and videos, and
writes good and refused events, viewers and videos as Parquet. The counts must be equal: accepted events by day, refused
events by rule, repetitions. Each contender has a process of its own. Ours also checks the stored tables against their
contracts, and commits to Delta tables. Starting sessions and making events are not counted.

    python benchmarks/ingest.py                             # 5 M events in Parquet
    python benchmarks/ingest.py --millions 5 20 60 --formats parquet csv --contenders duckdb polars embedded spark
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from processes import measured, watched  # type: ignore[import-not-found]  # a neighbour of this script
from rich.console import Console
from rich.table import Table

from creatorpool.contracts import Contract, RowRule, load_contract
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.rules import known_rule, tier_rule, window_rule
from creatorpool.runs.identity import now
from creatorpool.session import open_session
from creatorpool.settings import load_settings
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)
THREADS = 2
CONTENDERS = ("duckdb", "polars", "embedded", "spark")
DIMENSIONS = {"viewers": "viewer_id", "videos": "video_id"}


def main() -> None:
    """Measure each size and format, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[5.0], help="events, in millions")
    parser.add_argument("--formats", nargs="+", default=["parquet"], choices=["parquet", "csv"])
    parser.add_argument("--contenders", nargs="+", default=["duckdb", "polars", "embedded"], choices=CONTENDERS)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        print(json.dumps(run(arguments.contender, arguments.folder, arguments.formats[0])))
        return
    table = Table(title=f"Ingestion, {THREADS} threads; the ratio is to DuckDB", title_justify="left")
    for name in ("events", "format", "contender", "seconds", "ratio", "processor s", "ratio", "peak memory"):
        table.add_column(name, justify="left" if name in ("format", "contender") else "right")
    with tempfile.TemporaryDirectory() as scratch:
        for millions in arguments.millions:
            for form in arguments.formats:
                folder = Path(scratch) / f"{millions:g}M-{form}"
                prepare(folder, round(millions * 1e6), form)
                for row in compare(folder, form, ["duckdb", *(n for n in arguments.contenders if n != "duckdb")]):
                    table.add_row(f"{millions:g} M", form, *row)
                shutil.rmtree(folder)
    Console(width=110).print(table)


def prepare(folder: Path, events: int, form: str) -> None:
    """Make the day's files, as Parquet or CSV."""
    raw = folder / "raw"
    generate_day(raw, DAY, SyntheticMarket(seed=11, n_events=events))
    if form == "parquet":
        return
    for table in ("events", *DIMENSIONS):
        source = raw / (table if table == "events" else f"{table}.parquet")
        rows = pl.scan_parquet(source / "*.parquet" if table == "events" else source)
        texts = [as_text(pl.col(name), kind) for name, kind in rows.collect_schema().items()]
        rows.select(texts).sink_csv(raw / f"{table}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
        shutil.rmtree(source) if table == "events" else source.unlink()


def as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A column as CSV takes it. 2.0 stands for NaN, which is no number in our CSV and one in the peers'."""
    if isinstance(kind, pl.List):
        return column.list.join("|")
    if kind == pl.Float64:
        return pl.when(column.is_null() | column.is_finite()).then(column).otherwise(2.0)
    return column


def compare(folder: Path, form: str, contenders: list[str]) -> list[list[str]]:
    """One row of the table for each contender; all must count the same."""
    peer: dict[str, Any] = {}
    rows = []
    for name in contenders:
        command = [sys.executable, __file__, "--contender", name, "--folder", str(folder), "--formats", form]
        found, gigabytes = watched(command)
        peer = peer or found
        if found["counts"] != peer["counts"]:
            sys.exit(f"{name} counts {found['counts']}, {contenders[0]} {peer['counts']}")
        cells = [f"{found[kind]:.1f}" for kind in ("seconds", "processor")]
        ratios = [f"{found[kind] / peer[kind]:.2f} ×" for kind in ("seconds", "processor")]
        rows.append([name, cells[0], ratios[0], cells[1], ratios[1], f"{gigabytes:.1f} GB"])
    return rows


def run(contender: str, folder: Path, form: str) -> dict[str, Any]:
    """Seconds, processor seconds and counts of one contender."""
    out = folder / contender
    out.mkdir()
    found: dict[str, Any] = {}
    if contender == "duckdb":
        seconds = measured(lambda: found.update(duckdb_ingestion(folder / "raw", out, form)))
    elif contender == "polars":
        seconds = measured(lambda: found.update(polars_ingestion(folder / "raw", out, form)))
    else:
        settings = load_settings(assignments=["engine.driver_memory=8g"])
        with open_session(contender, settings.engine) as session:
            seconds = measured(lambda: found.update(ingestion(Warehouse(session, out), folder / "raw")))
    return {**seconds, "counts": found}


def ingestion(warehouse: Warehouse, raw: Path) -> dict[str, Any]:
    """Our ingestion of the day."""
    settings = load_settings()
    tiers = settings.signals.tiers
    report = ingest_day(
        warehouse, raw, DAY, settings=settings.ingest, tiers=tiers, run_id="benchmark", ingested_at=now()
    )
    counts = report.tables["events"]
    return counted(counts.accepted, counts.late, counts.duplicates, counts.quarantined, dict(counts.broken))


def counted(accepted: int, late: int, duplicates: int, refused: int, broken: dict[str, int]) -> dict[str, Any]:
    """What all contenders must agree on."""
    return {
        "accepted": accepted,
        "late": late,
        "duplicates": duplicates,
        "refused": refused,
        "broken": {name: broken[name] for name in sorted(broken) if broken[name]},
    }


def rules_of(contract: Contract) -> dict[str, str]:
    """Conditions by name in SQL that DuckDB and Polars read: the contract's rules on rows, and the run's."""
    settings = load_settings()
    extra: dict[str, list[RowRule]] = {
        "events": [
            window_rule(DAY, settings.ingest.late_window_days),
            known_rule("viewer_id"),
            known_rule("video_id"),
        ],
        "viewers": [tier_rule(settings.signals.tiers)],
    }
    rules = (*contract.row_rules, *extra.get(contract.name, []))
    # The day is computed from the time, so a run leaves out the rule that it is there.
    kept = (rule for rule in rules if "->" not in rule.expression and rule.name != "date_not_null")
    return {rule.name: rule.expression for rule in kept}


def in_duckdb(expression: str) -> str:
    """A condition of a contract in DuckDB's SQL."""
    text = expression.replace("`", '"').replace("double('infinity')", "'infinity'::DOUBLE")
    text = re.sub(r"(NOT )?((?:\"\w+\")|(?:array_join\([^)]*\))) RLIKE r?'([^']*)'", _matches, text)
    for ours, theirs in (
        (r"\bsize\(", "len("),
        (r"\barray_distinct\(", "list_distinct("),
        (r"\barray_join\(", "array_to_string("),
        (r"\bchar_length\(", "length("),
    ):
        text = re.sub(ours, theirs, text)
    return text


def _matches(found: re.Match[str]) -> str:
    return f"{found[1] or ''}regexp_matches({found[2]}, '{found[3]}')"


def duckdb_ingestion(raw: Path, out: Path, form: str) -> dict[str, Any]:
    """The ingestion by DuckDB: repeated ids, one pass for refused events, one for good ones."""
    db = duckdb.connect(config={"threads": THREADS})
    db.execute("SET TimeZone = 'UTC'")
    for table in ("events", *DIMENSIONS):
        db.execute(f"CREATE VIEW raw_{table} AS {_source(raw, table, form)}")
    for table, key in DIMENSIONS.items():
        conditions = [f"coalesce({in_duckdb(rule)}, false)" for rule in rules_of(load_contract(table)).values()]
        good = " AND ".join(conditions)
        db.execute(f"CREATE TABLE {table} AS SELECT DISTINCT * FROM raw_{table} WHERE {good}")
        db.execute(f"COPY {table} TO '{out / table}.parquet'")
        db.execute(f"COPY (SELECT * FROM raw_{table} WHERE NOT ({good})) TO '{out / table}_refused.parquet'")
        db.execute(f"CREATE VIEW known_{table} AS SELECT {key}, true AS {key[:-3]}_is_known FROM {table}")
    db.execute("""
        CREATE TABLE repeated AS
        SELECT hash(event_id) AS h FROM raw_events WHERE trim(event_id) <> '' GROUP BY h HAVING count(*) > 1
    """)
    db.execute("""
        CREATE VIEW events AS
        SELECT *, false AS in_conflict FROM raw_events WHERE hash(event_id) NOT IN (SELECT h FROM repeated)
        UNION ALL
        SELECT *, count(*) OVER (PARTITION BY event_id) > 1 AS in_conflict
        FROM (SELECT DISTINCT * FROM raw_events WHERE hash(event_id) IN (SELECT h FROM repeated))
    """)
    rules = {name: in_duckdb(text) for name, text in rules_of(load_contract("events")).items()}
    rules = {"event_id_conflict": "NOT in_conflict", **rules}
    good = " AND ".join(f"({rule})" for rule in rules.values())
    db.execute("""
        CREATE VIEW joined AS
        SELECT events.*, event_ts::DATE AS date, viewer_is_known, video_is_known
        FROM events LEFT JOIN known_viewers USING (viewer_id) LEFT JOIN known_videos USING (video_id)
    """)
    names = ", ".join(f"CASE WHEN coalesce({rule}, false) THEN NULL ELSE '{name}' END" for name, rule in rules.items())
    db.execute(f"""
        CREATE TABLE refused AS
        SELECT *, to_json(joined) AS raw_row, concat_ws(',', {names}) AS failed_rules
        FROM joined WHERE NOT coalesce({good}, false)
    """)
    db.execute(f"COPY refused TO '{out / 'events_refused.parquet'}'")
    columns = "event_id, viewer_id, video_id, event_ts, watch_ms, loop_count, liked, commented, shared, followed"
    db.execute(f"""
        COPY (SELECT {columns}, surface, test_slot, propensity, date FROM joined WHERE coalesce({good}, false))
        TO '{out / "events"}' (FORMAT parquet, PARTITION_BY (date), COMPRESSION zstd)
    """)
    return _peer_counts(db, out)


def _peer_counts(db: duckdb.DuckDBPyConnection, out: Path) -> dict[str, Any]:
    days = Counter(dict(_rows(db, f"SELECT date, count(*) FROM '{out}/events/*/*.parquet' GROUP BY date")))
    by_rule = "SELECT unnest(split(failed_rules, ',')) AS name, count(*) FROM refused GROUP BY name"
    broken = Counter(dict(_rows(db, by_rule)))
    read, refused = (_rows(db, f"SELECT count(*) FROM {name}")[0][0] for name in ("raw_events", "refused"))
    accepted = sum(days.values())
    late = sum(number for day, number in days.items() if DAY - timedelta(days=30) < day < DAY)
    return counted(accepted, late, read - accepted - refused, refused, dict(broken))


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return db.execute(query).fetchall()


def _source(raw: Path, table: str, form: str) -> str:
    if form == "parquet":
        return f"SELECT * FROM '{raw}/{table}{'/*' if table == 'events' else ''}.parquet'"
    columns = load_contract(table).columns
    kinds = {"STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMPTZ", "ARRAY<STRING>": "VARCHAR"}
    types = {column.name: kinds.get(column.type, column.type) for column in columns}
    lists = ", ".join(f"string_split({c.name}, '|') AS {c.name}" for c in columns if "ARRAY" in c.type)
    replaced = f" REPLACE ({lists})" if lists else ""
    header = (raw / f"{table}.csv").open(encoding="utf-8").readline().strip().split(",")
    given = {name: types[name] for name in header}
    return f"SELECT *{replaced} FROM read_csv('{raw}/{table}.csv', header = true, types = {given!r})"


def polars_ingestion(raw: Path, out: Path, form: str) -> dict[str, Any]:
    """The same by Polars' streaming engine, in the same passes."""
    events = _frame(raw, "events", form)
    joined = events
    for table, key in DIMENSIONS.items():
        rows = _frame(raw, table, form)
        good = pl.all_horizontal(in_polars(rule).fill_null(False) for rule in rules_of(load_contract(table)).values())
        kept = rows.filter(good).unique().collect(engine="streaming")
        kept.write_parquet(out / f"{table}.parquet")
        rows.filter(~good).sink_parquet(out / f"{table}_refused.parquet")
        known = kept.lazy().select(key, pl.lit(True).alias(f"{key[:-3]}_is_known"))
        joined = joined.join(known, on=key, how="left")
    ids = pl.col("event_id")
    hashes = events.filter(ids.str.strip_chars() != "").select(h=ids.hash())
    repeated = hashes.group_by("h").len().filter(pl.col("len") > 1).select("h").collect(engine="streaming").lazy()
    hashed = joined.with_columns(h=ids.hash(), date=pl.col("event_ts").dt.date())
    few = hashed.join(repeated, on="h", how="semi").unique()
    few = few.with_columns(in_conflict=pl.len().over("event_id") > 1).collect(engine="streaming").lazy()
    unique = hashed.join(repeated, on="h", how="anti").with_columns(in_conflict=pl.lit(False))
    judged = pl.concat([unique, few])
    conditions = {name: in_polars(rule) for name, rule in rules_of(load_contract("events")).items()}
    conditions["event_id_conflict"] = ~pl.col("in_conflict")
    good = pl.all_horizontal(rule.fill_null(False) for rule in conditions.values())
    names = [pl.when(~rule.fill_null(False)).then(pl.lit(name)) for name, rule in conditions.items()]
    delivered = events.collect_schema().names()
    refused = judged.filter(~good).with_columns(
        raw_row=pl.struct(delivered).struct.json_encode(),
        failed_rules=pl.concat_str(names, separator=",", ignore_nulls=True),
    )
    found = refused.collect(engine="streaming")
    found.write_parquet(out / "events_refused.parquet")
    columns = [*delivered, "date"]
    judged.filter(good).select(columns).sink_parquet(
        pl.PartitionBy(out / "events", key="date", include_key=False), compression="zstd", mkdir=True
    )
    stored = pl.scan_parquet(out / "events", hive_partitioning=True).group_by("date").len().collect()
    days = dict(zip(stored["date"].to_list(), stored["len"].to_list(), strict=True))
    broken = found.select(pl.col("failed_rules").str.split(",").explode()).to_series().value_counts()
    read = events.select(pl.len()).collect().item()
    accepted = sum(days.values())
    late = sum(number for day, number in days.items() if day < DAY)
    by_rule = dict(zip(broken["failed_rules"].to_list(), broken["count"].to_list(), strict=True))
    return counted(accepted, late, read - accepted - found.height, found.height, by_rule)


def in_polars(expression: str) -> pl.Expr:
    """A condition of a contract as an expression of Polars."""
    if "hex(trust_tier)" in expression:
        return pl.col("trust_tier").is_null() | pl.col("trust_tier").is_in(list(load_settings().signals.tiers))
    text = expression.replace("`", '"').replace("double('infinity')", "1e308").replace("RLIKE r'", "RLIKE '")
    for ours, theirs in (
        (r"\bsize\(", "array_length("),
        (r"\barray_distinct\(", "array_unique("),
        (r"\barray_join\(", "array_to_string("),
        (r"DATE'([^']*)'", r"'\1'::DATE"),
    ):
        text = re.sub(ours, theirs, text)
    return pl.sql_expr(text)


def _frame(raw: Path, table: str, form: str) -> pl.LazyFrame:
    if form == "parquet":
        return pl.scan_parquet(raw / table / "*.parquet" if table == "events" else raw / f"{table}.parquet")
    kinds: dict[str, Any] = {
        "STRING": pl.String,
        "BIGINT": pl.Int64,
        "INT": pl.Int32,
        "DOUBLE": pl.Float64,
        "BOOLEAN": pl.Boolean,
        "TIMESTAMP": pl.String,
        "ARRAY<STRING>": pl.String,
    }
    columns = [column for column in load_contract(table).columns if column.type in kinds]
    rows = pl.scan_csv(raw / f"{table}.csv", schema_overrides={c.name: kinds[c.type] for c in columns})
    texts = [pl.col(c.name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ") for c in columns if c.type == "TIMESTAMP"]
    lists = [pl.col(c.name).str.split("|") for c in columns if c.type == "ARRAY<STRING>"]
    return rows.with_columns(*texts, *lists)


if __name__ == "__main__":
    main()
