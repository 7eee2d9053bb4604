"""Verbs that only read: they show published days, query tables, and check contracts and the configuration."""

from __future__ import annotations

import logging
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from creatorpool.cli.options import ConfigurationOptions, EngineOptions, TablesOptions, day_option
from creatorpool.cli.progress import logged
from creatorpool.errors import ContractError, MissingTableError

logger = logging.getLogger("creatorpool")


class SqlCommand(TyperCommand):
    """A command whose SQL may begin with a comment (``-- ...``), which is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move arguments that cannot be options behind the options."""
        if "--" not in args:
            sql = [word for word in args if re.match(r"--\S*\s", word.partition("=")[0])]
            args = [word for word in args if word not in sql] + (["--", *sql] if sql else [])
        return super().parse_args(ctx, args)


def status(
    options: TablesOptions, day: Annotated[date | None, day_option("--date", help="only this day")] = None
) -> None:
    """Which days and stages are published, by which run, with what totals. Starts no engine."""
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.status_summary import print_status
    from creatorpool.runs.ledger import published_runs, unfinished_runs
    from creatorpool.runs.pools import every_published_pool
    from creatorpool.tables import Warehouse

    warehouse = Warehouse(None, options.tables_root())
    pools = [row for row in every_published_pool(warehouse) if day in (None, row.day)]
    runs = [run for run in published_runs(warehouse) if day in (None, run.day)]
    unfinished = [run for run in unfinished_runs(warehouse) if day in (None, run.day)]
    if not pools and not runs and not unfinished:
        raise MissingTableError(f"nothing {'' if day is None else f'of {day} '}is published under {options.root}")
    print_status(PlainConsole(width=120), runs, pools, unfinished)


def query(
    options: EngineOptions,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Spark SQL")],
    rows: Annotated[int, typer.Option(metavar="N", help="rows to print at the most")] = 50,
) -> None:
    """Query the tables in SQL: each table has its name, and contains only published days.

    For example: "SELECT * FROM creator_payouts LIMIT 5"
    """
    import io
    from contextlib import redirect_stdout

    from creatorpool.cli.context import open_warehouse
    from creatorpool.contracts import load_contracts
    from creatorpool.quoting import lines
    from creatorpool.runs.published_rows import published_rows

    with open_warehouse(options, options.settings()) as (session, warehouse):
        for table in load_contracts():
            if warehouse.exists(table):
                published_rows(warehouse, table).createOrReplaceTempView(table)
        shown = io.StringIO()
        with redirect_stdout(shown):
            session.sql(sql).show(rows, truncate=False)
        # The engines escape line breaks and tabs in a cell, but no other control character.
        print(lines(shown.getvalue()), end="")


def lint(
    options: ConfigurationOptions,
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="folder of contracts; default: the project's")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="ENGINE", help="also read every expression on this engine")
    ] = None,
) -> None:
    """Check contracts and the configuration's signals without data; with --engine, all their SQL expressions, too."""
    from contextlib import nullcontext

    from creatorpool.contracts.lint import lint_contracts
    from creatorpool.session import open_session, resolve_engine
    from creatorpool.stages.configured_expressions import configuration_faults

    settings = options.settings()
    own = settings.engine
    opened = nullcontext() if engine is None else open_session(resolve_engine(engine, own), own)
    with logged("contracts"), opened as session:
        complaints = lint_contracts(folder, session)
        if folder is None:
            complaints += configuration_faults(settings, session)
    if complaints:
        *others, last = complaints
        for complaint in others:
            logger.error("%s", complaint)
        raise ContractError(last)
    print("every contract reads and builds" + (", and all expressions are sound" if engine else ""))


def show(options: ConfigurationOptions) -> None:
    """Print the configuration with its overlays and --set, as YAML, and its fingerprint."""
    import yaml

    from creatorpool.project import conf_directory, contracts_directory

    settings = options.settings()
    print(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True), end="")
    print(f"# sha256 without engine: {settings.sha256()}")
    print(f"# from {conf_directory()}; contracts are those of {contracts_directory()}")
