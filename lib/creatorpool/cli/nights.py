"""Commands that run nights, and the one that checks them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from creatorpool.cli.options import Assignments, Category, Conf, Day, Engine, Root, day_of, job_arguments
from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.job import job_night, job_settings, job_warehouse
from creatorpool.pipeline.allocation import publish_payouts
from creatorpool.pipeline.checks import Check
from creatorpool.pipeline.context import RunContext
from creatorpool.pipeline.ingestion import publish_ingestion
from creatorpool.pipeline.reproduction import reproduce_day
from creatorpool.pipeline.verification import require_verified, verify_day
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.report.summary import print_summary
from creatorpool.settings import Settings
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

DATE_FIELD = "{date}"


def run(
    day: Day,
    root: Root,
    source: Annotated[Path | None, typer.Option(help="folder of the day's logs, if they are not ingested yet")] = None,
    category: Category = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the same summary and write nothing")] = False,
    republish: Annotated[bool, typer.Option("--republish", help="replace payouts that are published already")] = False,
    engine: Engine = None,
    conf: Conf = None,
    assignments: Assignments = None,
) -> None:
    """Run whatever stage of a day is not published yet, and publish its payouts."""
    arguments = job_arguments(root, engine, conf, assignments, day_of(day))
    with job_night(arguments, job_settings(arguments), dry_run=dry_run) as context:
        publish_ingestion(context, source)
        print_summary(context, publish_payouts(context, category or (), republish=republish))


def backfill(
    first: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="the first day")],
    last: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="the last day, included")],
    root: Root,
    source: Annotated[
        str | None, typer.Option(help="folder of each day's logs, with {date} where its name has the day")
    ] = None,
    engine: Engine = None,
    conf: Conf = None,
    assignments: Assignments = None,
) -> None:
    """Run the days of a range in order; days that are published stand, so a backfill that broke off is run again."""
    days = list(_days(day_of(first, "--from"), day_of(last, "--to")))
    if source is not None and DATE_FIELD not in source:
        raise InputError(f"--source of a backfill must have {DATE_FIELD} where the day goes, got '{source}'")
    arguments = job_arguments(root, engine, conf, assignments)
    settings = job_settings(arguments)
    with job_warehouse(arguments, settings) as warehouse, _progress() as progress:
        task = progress.add_task("days", total=len(days))
        for number, day in enumerate(days, 1):
            logger.info("%s backfill: day %d of %d", day, number, len(days))
            _run_day(warehouse, settings, day, source)
            progress.advance(task)
    PlainConsole().print(f"{len(days)} days from {days[0]} to {days[-1]} are published.")


def _run_day(warehouse: Warehouse, settings: Settings, day: date, source: str | None) -> None:
    context = RunContext(warehouse, settings, day)
    try:
        publish_ingestion(context, None if source is None else Path(source.replace(DATE_FIELD, day.isoformat())))
        publish_payouts(context)
    except CreatorpoolError:
        logger.error("%s backfill: stops here; earlier days are published, run it again once this day is mended", day)
        raise
    finally:
        context.close()


def _days(first: date, last: date) -> Iterator[date]:
    if last < first:
        raise InputError(f"--from must not be after --to, got {first} and {last}")
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _progress() -> Progress:
    """A bar on a terminal's standard error; elsewhere the log lines are the progress."""
    console = PlainConsole(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    )


def verify(day: Day, root: Root, engine: Engine = None, conf: Conf = None, assignments: Assignments = None) -> None:
    """Recompute a published day from its tables; exit code 2 on any difference."""
    arguments = job_arguments(root, engine, conf, assignments, day_of(day))
    # Nothing is written: not even the pages of the contracts' checks.
    with job_night(arguments, job_settings(arguments), dry_run=True) as context:
        checks = verify_day(context)
        PlainConsole(width=130).print(_checks_table(context, checks))
        require_verified(context, checks)


def reproduce(
    day: Day,
    root: Root,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="RUN", help="a run of the ledger; default: the published ones")
    ] = None,
    engine: Engine = None,
    conf: Conf = None,
    assignments: Assignments = None,
) -> None:
    """Rate and pay a day anew from the versions that its run read; exit code 2 unless the payouts are the same."""
    arguments = job_arguments(root, engine, conf, assignments, day_of(day))
    with job_night(arguments, job_settings(arguments), dry_run=True) as context:
        checks = reproduce_day(context, as_of)
        PlainConsole(width=130).print(_checks_table(context, checks))
        require_verified(context, checks)


def _checks_table(context: RunContext, checks: list[Check]) -> Table:
    table = Table(title=f"Published day {context.day}, recomputed", title_justify="left")
    for name in ("check", "compared", "differences", "for example"):
        table.add_column(name, justify="right" if name in ("compared", "differences") else "left")
    for check in checks:
        table.add_row(check.name, f"{check.compared:,}", f"{check.differences:,}", quoted(check.example or ""))
    return table
