"""Verbs that run nights, or one stage of a night."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from creatorpool.cli.options import Category, DayOptions, EngineOptions, day_option, parsed_place, source_formats
from creatorpool.cli.progress import counted
from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.storage.places import Place, place_of

if TYPE_CHECKING:
    from creatorpool.settings import Settings
    from creatorpool.stages.context import RunContext
    from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

DATE_FIELD = "{date}"


def run(
    options: DayOptions,
    source: Annotated[
        Place | None,
        typer.Option(metavar="DIR", parser=parsed_place, help="folder of the day's logs, if they are not ingested yet"),
    ] = None,
    category: Category = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="compute with these settings and write nothing; shows what would change")
    ] = False,
    republish: Annotated[bool, typer.Option("--republish", help="replace payouts that are published already")] = False,
    reingest: Annotated[
        bool, typer.Option("--reingest", help="replace the day's delivery by --source, and all that follows from it")
    ] = False,
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="end with the page of the night, as `creatorpool report` does")
    ] = True,
) -> None:
    """Run the stages of a day that are not published yet, and publish its payouts."""
    from creatorpool.cli.context import open_run
    from creatorpool.report.summary import print_summary
    from creatorpool.runs.pools import published_pools
    from creatorpool.stages.order import run_night

    if reingest and category:
        raise InputError("--reingest pays every pool of the day again: leave out --category")
    with open_run(options, dry_run=dry_run) as context:
        if reingest:
            _reingest(context, source)
        elif dry_run and published_pools(context.warehouse, context.day):
            _try(context, source, category or (), renewed=republish)
        else:
            print_summary(context, run_night(context, source, category or (), republish=republish))
        if with_report and not dry_run:
            _write_report(context.warehouse, context.day, context.settings)


def _try(context: RunContext, source: Place | None, categories: Collection[str], *, renewed: bool) -> None:
    """Compute a published day with the run's settings, and show it beside what is published."""
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.whatif_summary import print_study
    from creatorpool.stages.ingestion import ingestion_changes, publish_ingestion
    from creatorpool.stages.whatif import Scenario, what_if

    ingestion = publish_ingestion(context, source)
    beside = [] if ingestion is None else ingestion_changes(ingestion, context.settings)
    scenario = Scenario("these settings", context.settings, beside)
    study = what_if(context, [scenario], categories, renewed=renewed)
    print_study(PlainConsole(width=120), context.day, study, "computed, nothing written (dry run)")


def _write_report(warehouse: Warehouse, day: date, settings: Settings) -> None:
    """Write the page of a published day. No payout waits for it."""
    from creatorpool.report.nightly.page import write_night

    write_night(warehouse.root, day, settings)


def _reingest(context: RunContext, source: Place | None) -> None:
    from creatorpool.display import display
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.ingest_summary import print_reingestion
    from creatorpool.report.summary import print_summary
    from creatorpool.stages.reingestion import reingest_day

    done = reingest_day(context, source)
    with display(context.day, "comparison", is_published=not context.dry_run):
        print_reingestion(PlainConsole(width=110), done)
    print_summary(context, done.payouts)


def ingest(
    options: DayOptions,
    source: Annotated[Place, typer.Option(metavar="DIR", parser=parsed_place, help="folder of the day's logs")],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="layout of the logs: native, or a mapping in conf/sources/; default: ingest.format",
            autocompletion=source_formats,
        ),
    ] = None,
) -> None:
    """Load one day's raw logs into checked tables; rows that break a rule go to quarantine."""
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.ingest_summary import print_delivered
    from creatorpool.stages.ingestion import publish_ingestion

    if format is not None:
        options = replace(options, assignments=[*(options.assignments or ()), f"ingest.format={format}"])
    with open_run(options) as context:
        run = publish_ingestion(context, source)
        with display(context.day, "summary"):
            print_delivered(PlainConsole(width=110), run, context.warehouse)


def signals(options: DayOptions) -> None:
    """Compute a day's trust-weighted signals and quality scores."""
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.stages.signals import publish_signals

    with open_run(options) as context:
        rated = publish_signals(context)
        with display(context.day, "summary"):
            print(rated.coverage.line)


def backfill(
    options: EngineOptions,
    first: Annotated[date, day_option("--from", help="the first day")],
    last: Annotated[date, day_option("--to", help="the last day, included")],
    source: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="folder of each day's logs, with {date} where its name has the day"),
    ] = None,
) -> None:
    """Run the days of a range in order. Published days are not changed, so a backfill that stopped can be run again."""
    if last < first:
        raise InputError(f"--from must not be after --to, got {first} and {last}")
    settings = options.settings()
    if source is not None and DATE_FIELD not in source and settings.ingest.format == "native":
        raise InputError(
            f"--source of a backfill must have {DATE_FIELD} where the day goes, got '{source}'. Only a source mapping "
            f"(ingest.format) picks the records of each day from one folder"
        )
    from creatorpool.cli.context import open_warehouse

    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with open_warehouse(options, settings) as (_, warehouse):
        paid: list[date] = []
        try:
            for number, day in enumerate(counted(days, "days"), 1):
                facts = {"day": day.isoformat(), "number": number, "days": len(days)}
                logger.info("%s backfill: day %d of %d", day, number, len(days), extra={"facts": facts})
                _run_day(warehouse, settings, day, source)
                paid.append(day)
        except CreatorpoolError:
            _write_reports(warehouse, settings, paid)
            raise
        _write_reports(warehouse, settings, paid)
    print(f"{len(days)} days from {first} to {last} are published.")


def _write_reports(warehouse: Warehouse, settings: Settings, days: Collection[date]) -> None:
    for day in counted(list(days), "pages"):
        _write_report(warehouse, day, settings)


def _run_day(warehouse: Warehouse, settings: Settings, day: date, source: str | None) -> None:
    from creatorpool.stages.context import RunContext
    from creatorpool.stages.order import run_night

    context = RunContext(warehouse, settings, day)
    try:
        run_night(context, None if source is None else place_of(source.replace(DATE_FIELD, day.isoformat())))
    except CreatorpoolError:
        logger.error("%s backfill: stops here; earlier days are published, run it again once this day is mended", day)
        raise
    finally:
        context.close()
