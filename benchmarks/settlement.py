"""Closes a month of paid days, beside DuckDB computing the same balances and payments from the same tables.

Every payee has one video and is paid on every day. All nights but those of the last `--unposted` days are in the
journal, as where it is posted daily; the close posts the rest. DuckDB does the same from the same files: the lines of
the nights that are left, balances, payments and their lines, to Parquet, without contracts, claims and commits.
Balances and payments must be equal, payee by payee. Each contender has a process of its own; opening a session and
making the tables are not counted.

    python benchmarks/settlement.py                                       # a million payees, 30 days
    python benchmarks/settlement.py --payees 100000 --days 30 --unposted 30
    python benchmarks/settlement.py --payees 100000 --statements    # then writes the statements of all payees
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from processes import measured, watched  # type: ignore[import-not-found]  # a neighbour of this script
from rich.console import Console
from rich.table import Table

from creatorpool.ingest.load import CORRECTED_TABLES
from creatorpool.report.month_statements import closed_month
from creatorpool.report.statement_files import write_statements
from creatorpool.runs.identity import code_version, now
from creatorpool.runs.ledger import POST, StageRun, publish_run
from creatorpool.runs.pools import POOL_LEDGER, PoolRun
from creatorpool.runs.postings import HOLDS, POSTED, POSTINGS, Posting, postings
from creatorpool.session import EMBEDDED, open_session
from creatorpool.settings import load_settings
from creatorpool.settlement.journal import NIGHT, Entry
from creatorpool.stages.books import JOURNAL, PAYMENTS
from creatorpool.stages.closing import BALANCES, close_month
from creatorpool.stages.context import RunContext
from creatorpool.storage.staged import StagedRows, found_files, staging_folder
from creatorpool.tables import Warehouse

LAST = date(2026, 11, 30)
THREADS = 2
CATEGORY = "music"
CENT = 10_000


def main() -> None:
    """Make the tables, close the month by each contender, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payees", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30, help="days of the month that are paid, at most 30")
    parser.add_argument("--unposted", type=int, default=1, help="last days whose nights the close has to post")
    parser.add_argument("--contenders", nargs="+", default=["duckdb", EMBEDDED])
    parser.add_argument("--statements", action="store_true", help="also write all statements of the closed month")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    days = [LAST - timedelta(days=n) for n in reversed(range(arguments.days))]
    unposted = days[len(days) - arguments.unposted :]
    if arguments.root:
        run = duckdb_close if arguments.contenders[0] == "duckdb" else our_close
        found = our_statements(arguments.root) if arguments.statements else run(arguments.root, unposted)
        print(json.dumps(found))
        return
    title = f"A month of {arguments.days} days, {arguments.unposted} of them not posted, {THREADS} threads"
    table = Table(title=title, title_justify="left")
    for name in ("payees", "contender", "seconds", "processor s", "to DuckDB", "peak memory"):
        table.add_column(name, justify="left" if name == "contender" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "tables"
        make_tables(root, arguments.payees, days, unposted)
        for row in compare(root, arguments.contenders, ["--days", str(len(days)), "--unposted", str(len(unposted))]):
            table.add_row(f"{arguments.payees:,}", *row)
        Console(width=110).print(table)
        if arguments.statements:
            found, gigabytes = watched([sys.executable, __file__, "--statements", "--root", str(root)])
            print(
                f"{arguments.payees:,} statements: {found['seconds']:.1f} s, {found['processor']:.1f} processor s, "
                f"{gigabytes:.1f} GB"
            )


def compare(root: Path, contenders: list[str], options: list[str]) -> list[list[str]]:
    """One row of the table for each contender; all must find the same balances."""
    peer: dict[str, Any] = {}
    rows = []
    for name in contenders:
        found, gigabytes = watched([sys.executable, __file__, "--contenders", name, "--root", str(root), *options])
        peer = peer or found
        if found["balances"] != peer["balances"]:
            sys.exit(f"{name} finds {found['balances']}, {contenders[0]} {peer['balances']}")
        ratio = f"{found['processor'] / peer['processor']:.2f} ×"
        rows.append([name, f"{found['seconds']:.1f}", f"{found['processor']:.1f}", ratio, f"{gigabytes:.1f} GB"])
    return rows


def make_tables(root: Path, payees: int, days: list[date], unposted: list[date]) -> None:
    """Paid days with their ledger, and the journal of those that are posted, as the stages write them."""
    warehouse = Warehouse(None, root)
    for table in ("events", "videos", "video_quality"):
        warehouse.ensure(table)
    db = duckdb.connect(config={"threads": THREADS})
    most = 3_000 * CENT // len(days)  # most payees come to the least amount that is paid
    for day in days:
        videos = f"""
            SELECT format('v{{:08d}}', n) AS video_id, format('c{{:08d}}', n) AS creator_id,
                   CAST(hash(n, '{day}') % {most} AS BIGINT) AS payout_micros, CAST(0 AS BIGINT) AS pulse_micros,
                   payout_micros AS total_micros, 'USD' AS currency
            FROM range({payees}) AS t(n)
        """
        pools = f"""
            SELECT '{CATEGORY}' AS category, video_id, creator_id, CAST(1 AS DOUBLE) AS effective_impressions,
                   CAST(0 AS DOUBLE) AS share, CAST(1 AS DOUBLE) AS weight, CAST(0 AS BIGINT) AS floor_micros,
                   CAST(NULL AS BIGINT) AS cap_micros, payout_micros, 'interior' AS bound
            FROM ({videos})
        """
        versions = {
            table: commit(db, warehouse, table, day, query)
            for table, query in (("video_payouts", videos), ("pool_payouts", pools))
        }
        paid = total(db, f"SELECT total_micros AS micros FROM ({videos})")
        publish_day(warehouse, day, paid, versions)
        if day not in unposted:
            stored = [f"{path}" for path in warehouse.files("video_payouts", day=day)]
            post = commit(db, warehouse, JOURNAL, day, night_lines(stored, day, paid))
            made = {kind: [day.isoformat()] if kind == "nights" else [] for kind in (*POSTED, HOLDS)}
            facts = {**made, POSTINGS: [Posting(day, len(postings(warehouse).made), made, {}).record()]}
            publish_run(warehouse, stage_run(day, {JOURNAL: post}, facts))


def total(db: duckdb.DuckDBPyConnection, query: str) -> int:
    """The sum of column `micros` of a query."""
    (found,) = db.execute(f"SELECT CAST(sum(micros) AS BIGINT) FROM ({query})").fetchone() or (0,)
    return int(found)


def commit(db: duckdb.DuckDBPyConnection, warehouse: Warehouse, table: str, day: date, query: str) -> int:
    """Store the rows of `query` as the rows of `day`."""
    warehouse.ensure(table)
    folder = staging_folder(day)
    (warehouse.root / table / folder).mkdir(parents=True)
    target = f"{warehouse.path(table)}/{folder}/part-0.parquet"
    db.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    found = list(found_files(warehouse.root / table, folder, day))
    staged = StagedRows(table, "replace_day", day, folder, tuple(add for add, _ in found), sum(n for _, n in found))
    return warehouse.commit(staged)


def publish_day(warehouse: Warehouse, day: date, paid: int, payouts: Mapping[str, int]) -> None:
    """Write the day's revenue and publish its one pool, whose payouts are in these versions of the tables."""
    money = {"category": CATEGORY, "currency": "USD", "date": day}
    unconverted = dict.fromkeys(("original_amount_micros", "original_currency", "fx_rate"))
    revenue = [money | unconverted | {"placement": "video", "video_id": None, "revenue_micros": 2 * paid}]
    nothing = dict.fromkeys(("refunds_micros", "carried_in_micros", "carried_micros", "carried_from"))
    pool = [money | nothing | {"gross_micros": 2 * paid, "platform_share": 0.5, "pool_micros": paid}]
    versions = {
        table: warehouse.commit(warehouse.stage_records(rows, table, day))
        for table, rows in (("ad_revenue", revenue), ("pool_revenue", pool))
    }
    unchanged = dict.fromkeys(("events", *CORRECTED_TABLES), 0)
    row = pool_run(day, paid, {**unchanged, "ad_revenue": versions["ad_revenue"]})
    outputs = {"pool_revenue": versions["pool_revenue"], **payouts}
    warehouse.ensure(POOL_LEDGER)
    record = row.as_record() | {"output_versions": json.dumps(outputs)}
    warehouse.replace_day_records([record], POOL_LEDGER, day, seen=warehouse.version(POOL_LEDGER))


def pool_run(day: date, paid: int, inputs: Mapping[str, int]) -> PoolRun:
    """The ledger row of a pool that pays `paid` micros."""
    unknown = ("coverage", "nu", "iterations", "max_kkt_residual", "gini", "top1pct_share", "efficiency_moved_micros")
    absent: dict[str, Any] = dict.fromkeys(
        (*unknown, "warning", "seconds", "config_json", "carried_micros", "carried_from")
    )
    return PoolRun(
        day=day,
        category=CATEGORY,
        run_id="benchmark",
        pool_micros=paid,
        paid_micros=paid,
        unallocated_micros=0,
        videos_eligible=0,
        videos_paid=0,
        alpha=0.5,
        lambda_fair=0.7,
        lambda_eff=0.3,
        objective="linear",
        config_sha256="",
        code_version=code_version(),
        inputs=inputs,
        outputs={},
        currency="USD",
        started_at=now(),
        finished_at=now(),
        **absent,
    )


def stage_run(day: date, outputs: Mapping[str, int], facts: Mapping[str, Any]) -> StageRun:
    """The ledger row of a posting."""
    return StageRun(
        day=day,
        stage=POST,
        run_id="benchmark",
        config_sha256="",
        code_version=code_version(),
        inputs={},
        outputs=outputs,
        rows=facts,
        started_at=now(),
        finished_at=now(),
    )


def night_lines(files: list[str], day: date, paid: int) -> str:
    """The lines of a night's entry, in DuckDB's SQL."""
    others = f"('Advertisers', {-2 * paid}), ('Platform:Share', {paid})"
    return f"""
        SELECT row_number() OVER (ORDER BY account, payee_id) AS line, DATE '{day}' AS booked_on,
               '{Entry(NIGHT, day).entry_id}' AS entry_id, account, payee_id, amount_micros, 'USD' AS currency,
               'night' AS kind, DATE '{day}' AS service_date, reference
        FROM (
            SELECT 'Payable' AS account, creator_id AS payee_id, CAST(sum(total_micros) AS BIGINT) AS amount_micros,
                   CAST(NULL AS VARCHAR) AS reference
            FROM read_parquet({files}) GROUP BY creator_id
            UNION ALL
            SELECT account, NULL, CAST(micros AS BIGINT), '{CATEGORY}' FROM (VALUES {others}) AS t(account, micros)
        ) WHERE amount_micros <> 0
    """


def our_close(root: Path, _: list[date]) -> dict[str, Any]:
    """Seconds and processor seconds of our close, and its balances."""
    settings = load_settings(assignments=["contracts.data_docs=false"])
    with open_session(EMBEDDED, settings.engine) as session:
        warehouse = Warehouse(session, root)
        context = RunContext(warehouse, settings, LAST)
        found = measured(lambda: close_month(context))
        balances, payments = (warehouse.files(table, day=LAST) for table in (BALANCES, PAYMENTS))
    return {**found, "balances": digest(f"read_parquet({balances})", f"read_parquet({payments})")}


def our_statements(root: Path) -> dict[str, Any]:
    """Seconds and processor seconds to write a page for each payee."""
    with open_session(EMBEDDED, load_settings().engine) as session:
        books = closed_month(Warehouse(session, root), LAST)
        found: dict[str, Any] = measured(lambda: write_statements(books, root.parent / "statements", books.payees))
        return found


def duckdb_close(root: Path, unposted: list[date]) -> dict[str, Any]:
    """The same by DuckDB, which writes what a close writes."""
    warehouse = Warehouse(None, root)
    out = root.parent / "duckdb"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    db = duckdb.connect(config={"threads": THREADS})
    minimum = load_settings().settlement.minimum_payment_micros

    def close() -> None:
        stored = warehouse.files(JOURNAL) if warehouse.exists(JOURNAL) else []
        for day in unposted:
            files = warehouse.files("video_payouts", day=day)
            paid = total(db, f"SELECT total_micros AS micros FROM read_parquet({files})")
            db.execute(f"COPY ({night_lines(files, day, paid)}) TO '{out}/{day}.parquet' (COMPRESSION zstd)")
            stored.append(f"{out}/{day}.parquet")
        for name, query in closing_queries(stored, out, minimum).items():
            db.execute(f"COPY ({query}) TO '{out}/{name}.parquet' (COMPRESSION zstd)")

    found = measured(close)
    return {**found, "balances": digest(f"'{out}/balances.parquet'", f"'{out}/payments.parquet'")}


def closing_queries(stored: list[str], out: Path, minimum: int) -> dict[str, str]:
    """Balances, payments and their lines, in DuckDB's SQL; no payee has a hold, and no month was before."""
    whole = f"earned_micros // {CENT} * {CENT}"
    return {
        "balances": f"""
            SELECT payee_id, currency, earned_micros,
                   CASE WHEN earned_micros >= {minimum} THEN {whole} ELSE 0 END AS paid_micros,
                   earned_micros - paid_micros AS closing_micros
            FROM (
                SELECT payee_id, currency, CAST(sum(amount_micros) AS BIGINT) AS earned_micros
                FROM read_parquet({stored}) WHERE account IN ('Payable', 'Held') AND kind = 'night'
                GROUP BY payee_id, currency
            )
        """,
        "payments": f"""
            SELECT payee_id, currency, substr(sha256('2026-11|' || payee_id || '|' || currency), 1, 32) AS payment_id,
                   paid_micros // {CENT} AS amount_minor, paid_micros AS amount_micros
            FROM '{out}/balances.parquet' WHERE paid_micros > 0
        """,
        "lines": f"""
            SELECT row_number() OVER (ORDER BY account, payee_id) AS line, *
            FROM (
                SELECT 'Payable' AS account, payee_id, -amount_micros AS micros, payment_id
                FROM '{out}/payments.parquet'
                UNION ALL SELECT 'Cash', payee_id, amount_micros, payment_id FROM '{out}/payments.parquet'
            )
        """,
    }


def digest(balances: str, payments: str) -> list[Any]:
    """Numbers, sums and a checksum of all balances and payments."""
    db = duckdb.connect()
    rows = db.execute(f"""
        SELECT count(*), sum(earned_micros)::VARCHAR, sum(closing_micros)::VARCHAR,
               bit_xor(hash(payee_id, currency, earned_micros, paid_micros, closing_micros))::VARCHAR
        FROM {balances}
    """).fetchone()
    sent = db.execute(f"""
        SELECT count(*), sum(amount_minor)::VARCHAR, bit_xor(hash(payee_id, payment_id, amount_minor))::VARCHAR
        FROM {payments}
    """).fetchone()
    return [*(rows or ()), *(sent or ())]


if __name__ == "__main__":
    main()
