"""What every job script shares: its arguments, its log, its session, and the exit code that its errors end in."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from creatorpool.errors import CreatorpoolError, InputError
from creatorpool.pipeline.night import Night
from creatorpool.session import open_session, resolve_engine
from creatorpool.settings import Settings, load_settings
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

ROOT_VARIABLE = "CREATORPOOL_ROOT"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        # A wrong argument ends like any other wrong input, with its message and its exit code.
        raise InputError(f"{self.prog}: {message}\n{self.format_usage()}")


def job_parser(description: str) -> argparse.ArgumentParser:
    """The arguments that every job takes."""
    parser = _Parser(description=description)
    parser.add_argument("--date", required=True, type=_day, help="the day, as YYYY-MM-DD")
    parser.add_argument(
        "--root", default=os.environ.get(ROOT_VARIABLE, "warehouse"), help="folder or URI of all tables"
    )
    parser.add_argument("--engine", help="embedded, spark or sc://host:port")
    parser.add_argument("--conf", action="append", default=[], type=Path, metavar="FILE", help="overlay, in order")
    parser.add_argument(
        "--set", action="append", default=[], dest="assignments", metavar="dotted.key=value", help="one setting"
    )
    return parser


def job_settings(arguments: argparse.Namespace) -> Settings:
    """The configuration that the arguments ask for."""
    return load_settings(arguments.conf, arguments.assignments)


@contextmanager
def job_night(arguments: argparse.Namespace, settings: Settings, *, dry_run: bool = False) -> Iterator[Night]:
    """The run that the arguments ask for, with its session open."""
    engine = resolve_engine(arguments.engine, settings.engine)
    root = arguments.root if "://" in arguments.root else Path(arguments.root).resolve()
    logger.info("%s engine, tables under %s", engine, root)
    with open_session(engine, settings.engine) as session:
        yield Night(Warehouse(session, root), settings, arguments.date, dry_run=dry_run)


def run_job(main: Callable[[list[str]], None]) -> None:
    """Run a job's `main` on the command line's arguments and leave with its exit code."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logger.setLevel(logging.INFO)
    try:
        main(sys.argv[1:])
    except CreatorpoolError as error:
        logger.error("%s", error)
        _leave(error.exit_code)
    except Exception:
        logger.exception("the job failed")
        _leave(1)
    _leave(0)


def _leave(code: int) -> None:
    # Native threads of the engines may abort the process while it tears down, and change the exit code that a scheduler
    # acts on. All work is done and flushed here.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date; write YYYY-MM-DD") from None
