"""The ingested days that a stage over several days may use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from creatorpool.errors import MissingTableError
from creatorpool.runs.ledger import INGEST, StageRun, latest_run, published_runs
from creatorpool.stages.context import RunContext


@dataclass(frozen=True)
class IngestedDays:
    """All published ingestions, and the first day of the window."""

    runs: Collection[StageRun]
    latest: StageRun
    """The ingestion that published last: its versions of the dimensions contain all rows so far"""
    first: date
    """All days from here to the run's day are published"""

    def version(self, table: str) -> int:
        """The version of `table` that contains all published days; every ingestion adds its rows to the table."""
        return max(run.outputs[table] for run in self.runs if table in run.outputs)


def ingested_days(context: RunContext, days: int) -> IngestedDays:
    """The `days` days up to the run's day; fewer if a day before is not published.

    Raises
    ------
    MissingTableError
        If events of the run's day are not published.
    """
    runs = published_runs(context.warehouse, INGEST)
    latest, published = latest_run(runs), {run.day for run in runs}
    if latest is None or context.day not in published:
        raise MissingTableError(
            f"events of {context.day} are not published under {context.warehouse.root}: run `creatorpool ingest --date "
            f"{context.day} --source DIR`, with the folder of the day's logs"
        )
    first = context.day
    while first - timedelta(days=1) in published and (context.day - first).days + 1 < days:
        first -= timedelta(days=1)
    return IngestedDays(runs, latest, first)


def warn_of_gap(context: RunContext, subject: str, first: date, days: int, rest: str) -> None:
    """Warn if the window from `first` is shorter than `days`; `rest` names what is counted."""
    if (context.day - first).days + 1 < days:
        context.warn(subject, f"{first - timedelta(days=1)} is not published, so only {rest} since {first} count")
