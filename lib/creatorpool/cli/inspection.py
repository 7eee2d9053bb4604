"""Verbs that only read: they show published days, query tables, and check contracts and the configuration."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from creatorpool.cli.options import ConfigurationOptions, EngineOptions, TablesOptions, day_option, parsed_place
from creatorpool.cli.progress import logged
from creatorpool.errors import ContractError, InputError, MissingTableError
from creatorpool.storage.places import Place

if TYPE_CHECKING:
    import pyarrow as pa

RowFormat = Literal["table", "records", "csv", "json", "parquet"]
"""How the rows of a query are written"""

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
    options: TablesOptions,
    day: Annotated[date | None, day_option("--date", help="only this day")] = None,
    days: Annotated[int, typer.Option(min=1, metavar="N", help="list the latest N days with anything published")] = 10,
) -> None:
    """What is published, by which runs, with what totals; what runs, what stopped, which days are missing.

    Starts no engine.
    """
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.status_summary import print_status
    from creatorpool.runs.state import state_of_days
    from creatorpool.tables import Warehouse

    state = state_of_days(Warehouse(None, options.existing_root()), day, days)
    if state.is_empty:
        raise MissingTableError(f"nothing {'' if day is None else f'of {day} '}is published under {options.root}")
    print_status(PlainConsole(width=120), state)


def query(
    options: EngineOptions,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Spark SQL")],
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="rows to print at the most; default: 50 for people, all in a file format"
        ),
    ] = None,
    format: Annotated[
        RowFormat, typer.Option(help="table and records are for people; records is chosen where a table is too wide")
    ] = "table",
    output: Annotated[
        Place | None, typer.Option(metavar="FILE", parser=parsed_place, help="write the rows to this file")
    ] = None,
) -> None:
    """Query the tables in SQL: each table has its name, and contains only published days.

    For example: "SELECT * FROM creator_payouts LIMIT 5"
    """
    if format == "parquet" and output is None and sys.stdout.isatty():
        raise InputError("--format parquet is no text for a terminal: name a file with --output, or redirect it")
    from creatorpool.cli.context import open_warehouse
    from creatorpool.report.query import query_rows

    most = 50 if rows is None and format in ("table", "records") else rows
    options.existing_root()
    with open_warehouse(options, options.settings()) as (_, warehouse):
        found = query_rows(warehouse, sql, most)
    _write_rows(found.rows, format, output)
    if found.is_cut:
        logger.warning("only the first %d rows are shown: --rows N shows more", most)


def _write_rows(rows: pa.Table, form: RowFormat, output: Place | None) -> None:
    from creatorpool.quoting import lines
    from creatorpool.report.output_file import write_output
    from creatorpool.report.query_output import as_parquet, as_text

    width = shutil.get_terminal_size().columns if output is None and sys.stdout.isatty() else None
    if form == "parquet" and output is None:
        sys.stdout.buffer.write(as_parquet(rows))
    elif output is not None:
        write_output(output, as_parquet(rows) if form == "parquet" else as_text(rows, form).encode())
    else:
        text = as_text(rows, form, width)
        sys.stdout.write(lines(text) if sys.stdout.isatty() else text)


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
