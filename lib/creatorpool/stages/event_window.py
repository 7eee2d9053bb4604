"""The ingested days that a study of several days may use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import INGEST, StageRun, latest_run, published_runs
from creatorpool.stages.context import RunContext


@dataclass(frozen=True)
class IngestedDays:
    """Every published ingestion, and the days of the window."""

    runs: Collection[StageRun]
    latest: StageRun
    """the ingestion that finished last: what it wrote holds all dimensions so far"""
    first: date
    """the window has no gap from here to the night's day"""

    def version(self, table: str) -> int:
        """The version of `table`, which every ingestion adds to, that holds all published days."""
        return max(run.outputs[table] for run in self.runs if table in run.outputs)


def ingested_days(context: RunContext, days: int) -> IngestedDays:
    """The `days` days up to the night's own, or those of them that are published without a gap.

    Raises
    ------
    MissingTableError
        If the night's own day is not published.
    """
    runs = published_runs(context.warehouse, INGEST)
    latest, published = latest_run(runs), {run.day for run in runs}
    if latest is None or context.day not in published:
        raise MissingTableError(
            f"events of {context.day} are not published under {context.warehouse.root}: run jobs/ingest_events.py "
            f"--date {context.day} --source DIR"
        )
    first = context.day
    while first - timedelta(days=1) in published and (context.day - first).days + 1 < days:
        first -= timedelta(days=1)
    return IngestedDays(runs, latest, first)


def warn_of_gap(context: RunContext, subject: str, first: date, days: int, rest: str) -> None:
    """Log what a window that is shorter than `days` leaves out."""
    if (context.day - first).days + 1 < days:
        context.warn(subject, f"{first - timedelta(days=1)} is not published, so only {rest} since {first} count")
