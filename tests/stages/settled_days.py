"""The books over paid days: runs of the stages, and what the tables say, as plain Python."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.runs.ledger import StageRun
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.loading import load_table
from creatorpool.stages.restatement import Reason, Restatement, restate_day
from creatorpool.synthetic import SyntheticMarket
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 29)
NEXT = DAY + timedelta(days=1)
"""The last day of the month"""
SERVICE_DAYS = (DAY, NEXT)

MARKET = SyntheticMarket(
    seed=5,
    n_events=300,
    n_videos=20,
    n_creators=6,
    pulse_share=0.1,
    revenue_micros_per_event={"comedy": 90_000, "music": 160_000},
    dirty_share=0.0,
)

Settled = dict[tuple[str, str], int]
"""Micros by category, `pulse` among them, and video; without zeros"""


@dataclass(frozen=True)
class Books:
    """The tables under `root`; files to load are written to `folder`."""

    spark: SparkSession
    root: Path
    folder: Path

    @property
    def tables(self) -> Warehouse:
        return Warehouse(self.spark, self.root)

    @cached_property
    def reader(self) -> Warehouse:
        """The tables to look at between commands; each command opens them anew."""
        return self.tables

    def at(self, day: date, *assignments: str, dry_run: bool = False) -> RunContext:
        return RunContext(self.tables, _settings(*assignments), day, dry_run=dry_run)

    def night(self, day: date, raw: Path) -> None:
        """Ingest and pay a day's delivery."""
        run = self.at(day)
        publish_ingestion(run, raw)
        publish_payouts(run)

    def load(self, table: str, *rows: Mapping[str, Any], day: date = NEXT) -> StageRun:
        """Load `rows`, which have the same columns, from a CSV file."""
        path = self.folder / f"{table}.csv"
        with path.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return load_table(self.at(day), table, path)

    def invalid(self, viewer: str, until: str = "") -> StageRun:
        """Load a row that makes a viewer invalid from the first day to `until`."""
        return self.load("invalid_viewers", invalid_viewer(viewer, until))

    def late_event(self, day: date, name: str = "late") -> StageRun:
        """Load an event of `day` that repeats another one under a new id."""
        one = self.tables.read_arrow("events", day=day).slice(0, 1).to_pylist()[0]
        facts = {key: "" if value is None else value for key, value in one.items() if key not in ("date", "event_ts")}
        flags = {key: str(value).lower() for key, value in one.items() if isinstance(value, bool)}
        row = facts | flags | {"event_id": name, "event_ts": f"{day}T10:00:00Z"}
        return self.load("events", row, day=day)

    def halve_revenue(self) -> int:
        """Load the first day's revenue again with half of each amount; return the sum of the halves."""
        revenue = self.tables.read_arrow("ad_revenue", day=DAY)
        at = revenue.column_names.index("revenue_micros")
        halved = pc.divide(revenue.column("revenue_micros"), 2)
        path = self.folder / "ad_revenue.parquet"
        pq.write_table(revenue.set_column(at, "revenue_micros", halved), path)
        load_table(self.at(DAY), "ad_revenue", path)
        return int(pc.sum(halved).as_py())

    def restate(self, day: date = DAY, policy: str = "full", *assignments: str) -> Restatement:
        return restate_day(self.at(day, f"restate.policy={policy}", *assignments), Reason())

    def rows(self, table: str, day: date | None = None) -> list[dict[str, Any]]:
        """Published rows, of `day` only if given; none if the table does not exist."""
        if not self.reader.exists(table):
            return []
        return published_arrow(self.reader, table, None if day is None else [day]).to_pylist()

    def earned(self, day: date = DAY) -> Settled:
        """The published payouts."""
        found = Counter(
            {(row["category"], row["video_id"]): row["payout_micros"] for row in self.rows("pool_payouts", day)}
        )
        found.update({("pulse", row["video_id"]): row["pulse_micros"] for row in self.rows("video_payouts", day)})
        return without_zeros(found)

    def adjusted(self, day: date = DAY) -> Settled:
        """The sums of the booked changes."""
        found: Counter[tuple[str, str]] = Counter()
        for row in self.rows("payout_adjustments", day):
            found[row["category"], row["video_id"]] += row["change_micros"]
        return without_zeros(found)

    def settled(self, day: date = DAY) -> Settled:
        """Published payouts and booked changes together."""
        found = Counter(self.earned(day))
        for key, micros in self.adjusted(day).items():
            found[key] += micros
        return without_zeros(found)

    def balances(self, *accounts: str) -> dict[tuple[str, str], int]:
        """Micros by account and payee, from all lines of the journal on `accounts`."""
        found: Counter[tuple[str, str]] = Counter()
        for row in self.rows("journal"):
            if row["account"] in accounts:
                found[row["account"], row["payee_id"]] += row["amount_micros"]
        return {key: micros for key, micros in found.items() if micros}

    def busiest_viewer(self, day: date = DAY) -> str:
        events = self.tables.read_arrow("events", ["viewer_id"], day=day).column("viewer_id").to_pylist()
        return max(sorted(set(events)), key=events.count)

    def versions(self, tables: Sequence[str]) -> dict[str, int]:
        return {table: self.tables.version(table) for table in tables if self.tables.exists(table)}


@cache
def _settings(*assignments: str) -> Settings:
    return load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])


def invalid_viewer(viewer: str, until: str = "") -> dict[str, str]:
    facts = {"from_date": DAY.isoformat(), "until_date": until, "reason_code": "bot", "note": ""}
    return {"viewer_id": viewer, **facts}


def without_zeros(found: Mapping[tuple[str, str], int]) -> Settled:
    return {key: micros for key, micros in found.items() if micros}
