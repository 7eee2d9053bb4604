"""What every job script shares: its arguments, its log, its session, and the exit code that its errors end in."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.logs import formatter
from creatorpool.pipeline.night import Night
from creatorpool.pipeline.recovery import recover
from creatorpool.project import project, unread_folder
from creatorpool.session import open_session, resolve_engine
from creatorpool.settings import Settings, load_settings
from creatorpool.storage.places import tables_root
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

ROOT_VARIABLE = "CREATORPOOL_ROOT"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        # A wrong argument ends like any other wrong input, with its message and its exit code.
        raise InputError(f"{self.prog}: {message}")


def job_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every job over a day takes."""
    # A misspelt option must not pass for another one's abbreviation.
    parser = _Parser(description=description, allow_abbrev=False)
    parser.add_argument("--date", required=True, type=parsed_day, help="the day, as YYYY-MM-DD")
    add_common_arguments(parser)
    return parser


def study_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments of every job that studies a published day and draws what it finds."""
    parser = job_parser(description)
    add_category_argument(parser)
    parser.add_argument("--chart", metavar="FILE", help="an .svg or .html file; default <root>/_reports")
    return parser


def add_category_argument(parser: argparse.ArgumentParser) -> None:
    """The argument that narrows a job to some pools."""
    parser.add_argument("--category", action="append", default=[], metavar="C", help="only this pool; may be repeated")


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every job takes, whether it is about a day or not."""
    parser.add_argument("--root", default=os.environ.get(ROOT_VARIABLE, "warehouse"), help="where all tables are")
    parser.add_argument("--engine", help="embedded, spark or sc://host:port")
    parser.add_argument("--conf", action="append", default=[], type=Path, metavar="FILE", help="overlay, in order")
    parser.add_argument(
        "--set", action="append", default=[], dest="assignments", metavar="dotted.key=value", help="one setting"
    )


def add_against_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The arguments that name the day compared with, and what it was configured by."""
    parser.add_argument("--against", required=required, type=parsed_day, help="the other published day")
    parser.add_argument(
        "--against-conf", action="append", type=Path, metavar="FILE", help="overlay of that day; default: as --conf"
    )
    parser.add_argument(
        "--against-set", action="append", metavar="dotted.key=value", help="one setting of that day; default: as --set"
    )


def against_settings(arguments: argparse.Namespace) -> Settings:
    """The configuration of the day compared with: that of the run's own day where nothing else is said."""
    overlays = arguments.conf if arguments.against_conf is None else arguments.against_conf
    assignments = arguments.assignments if arguments.against_set is None else arguments.against_set
    return load_settings(overlays, assignments)


def job_settings(arguments: argparse.Namespace) -> Settings:
    """The configuration that the arguments ask for."""
    return load_settings(arguments.conf, arguments.assignments)


def job_root(arguments: argparse.Namespace) -> Path | str:
    """Where the tables are that the arguments name."""
    return tables_root(arguments.root)


@contextmanager
def job_warehouse(arguments: argparse.Namespace, settings: Settings) -> Iterator[Warehouse]:
    """The tables that the arguments name, with a session open on the engine that they ask for."""
    engine = resolve_engine(arguments.engine, settings.engine)
    root = job_root(arguments)
    logger.info("%s engine, tables under %s, conf/ and data_contracts/ of %s", engine, root, project())
    if warning := unread_folder():
        logger.warning("%s", warning)
    with open_session(engine, settings.engine) as session:
        yield Warehouse(session, root)


@contextmanager
def job_night(arguments: argparse.Namespace, settings: Settings, *, dry_run: bool = False) -> Iterator[Night]:
    """The run over a day that the arguments ask for, with its session open."""
    with job_warehouse(arguments, settings) as warehouse:
        night = Night(warehouse, settings, arguments.date, dry_run=dry_run)
        if not dry_run:
            recover(warehouse, night.log)
        try:
            yield night
        finally:
            night.close()


def run_job(main: Callable[[list[str]], None]) -> None:
    """Run a job's `main` on the command line's arguments and leave with its exit code."""
    # A handler of our own: under spark-submit the root logger is somebody else's.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A name that the terminal's encoding lacks is shown as its escape, and ends nothing.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        main(sys.argv[1:])
    except CreatorpoolError as error:
        logger.error("%s", error)
        _leave(error.exit_code)
    except Exception as error:
        if _is_full_disk(error):
            logger.error("the disk is full: %s. Free some space and run again: what is published stands", error)
        else:
            logger.exception("the job failed")
        _leave(1)
    _leave(0)


def _is_full_disk(error: Exception) -> bool:
    """Whether `error` comes from a full disk or quota; engines hand on only the system's words."""
    is_named = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_named or any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT))


def _leave(code: int) -> None:
    # Native threads of the engines may abort the process while it tears down, and change the exit code that a scheduler
    # acts on. All work is done and flushed here.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def parsed_day(text: str) -> date:
    """An argument that names a day."""
    try:
        # Python also reads 20261120 and 2026-W47-5.
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date; write YYYY-MM-DD") from None
