"""The verb that makes a project: an editable conf/ and data_contracts/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the project's folder; default: this one")] = Path(),
) -> None:
    """Write an editable conf/ and data_contracts/ into DIR; existing files are kept. Starts no engine."""
    from creatorpool.project import HOME_VARIABLE, initialise
    from creatorpool.report.console import PlainConsole

    done, console = initialise(folder), PlainConsole()
    console.print(f"{len(done.written)} files written to conf/ and data_contracts/ of {folder.resolve()}.")
    if done.kept:
        console.print(f"Kept, although this version has others: {', '.join(done.kept)}.")
    console.print(f"Verbs read them when they start there, or anywhere with {HOME_VARIABLE}={folder.resolve()}.")
