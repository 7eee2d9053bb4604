"""Options that commands share: those of the jobs, with the same names and meaning."""

from __future__ import annotations

import argparse
import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from creatorpool.errors import InputError
from creatorpool.job import ROOT_VARIABLE, parsed_day


def default_root() -> str:
    """Where the tables are if nothing else is said."""
    return os.environ.get(ROOT_VARIABLE, "warehouse")


Day = Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="the day")]
Root = Annotated[str, typer.Option("--root", metavar="DIR", help="where all tables are", default_factory=default_root)]
Engine = Annotated[str | None, typer.Option("--engine", help="embedded, spark or sc://host:port")]
Conf = Annotated[list[Path] | None, typer.Option("--conf", metavar="FILE", help="overlay, in order; may be repeated")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="dotted.key=value", help="one setting; may be repeated")
]
Category = Annotated[list[str] | None, typer.Option("--category", metavar="C", help="only this pool; may be repeated")]


def day_of(text: str, option: str = "--date") -> date:
    """The day that an option names; InputError if it names none."""
    try:
        return parsed_day(text)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"{option}: {error}") from error


def job_arguments(
    root: str, engine: str | None, conf: list[Path] | None, assignments: list[str] | None, day: date | None = None
) -> argparse.Namespace:
    """The shared options as the jobs have them."""
    return argparse.Namespace(root=root, engine=engine, conf=conf or [], assignments=assignments or [], date=day)
