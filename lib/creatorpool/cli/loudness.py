"""How much a verb says on standard error: `--quiet` and `--verbose`, which every verb takes."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import typer

from creatorpool.errors import CreatorpoolError, InputError

logger = logging.getLogger("creatorpool")

_PANEL = "Messages"
_OPTIONS = {
    "quiet": Annotated[
        bool,
        typer.Option(
            "--quiet", help="only warnings and errors on standard error; results are printed", rich_help_panel=_PANEL
        ),
    ],
    "verbose": Annotated[
        bool,
        typer.Option(
            "--verbose", help="also table versions, and where in the code an error came from", rich_help_panel=_PANEL
        ),
    ],
}


def with_loudness(verb: Callable[..., None]) -> Callable[..., None]:
    """`verb`, as Typer reads it, with the options `--quiet` and `--verbose`."""

    @wraps(verb)
    def command(*, quiet: bool, verbose: bool, **given: Any) -> None:
        with _loudness(quiet=quiet, verbose=verbose):
            verb(**given)

    own = inspect.signature(verb)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in _OPTIONS.items()
    ]
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), *added])  # type: ignore[attr-defined]
    command.__annotations__ = {**verb.__annotations__, **_OPTIONS}
    return command


def own_words() -> list[str]:
    """The option that makes another process of this program as loud as this one."""
    return {logging.DEBUG: ["--verbose"], logging.WARNING: ["--quiet"]}.get(logger.level, [])


@contextmanager
def _loudness(*, quiet: bool, verbose: bool) -> Iterator[None]:
    if quiet and verbose:
        raise InputError("--quiet and --verbose are opposites: give one of them")
    before = logger.level
    if quiet or verbose:
        logger.setLevel(logging.WARNING if quiet else logging.DEBUG)
    try:
        yield
    except CreatorpoolError:
        logger.debug("the error that follows came from here", exc_info=True)
        raise
    finally:
        logger.setLevel(before)
