"""Progress of long verbs on a terminal. Without a terminal, log lines show the progress."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import date
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from creatorpool.report.console import PlainConsole

logger = logging.getLogger("creatorpool")

Step = TypeVar("Step")


def shows_progress(name: str, verb: Callable[..., None]) -> Callable[..., None]:
    """`verb` with a line on the terminal that shows its running time, until it prints something."""

    @wraps(verb)
    def command(**given: Any) -> None:
        if not _is_shown():
            verb(**given)
            return
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        with _progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as shown:
            shown.add_task(name, total=None)
            with redirect_stdout(_Output(sys.stdout, shown.stop)) if sys.stdout.isatty() else nullcontext():
                verb(**given)

    return command


class _Output:
    """A terminal's standard output; `before` is called once, before anything is written to it."""

    def __init__(self, stream: TextIO, before: Callable[[], None]) -> None:
        self._stream, self._before = stream, before

    def write(self, text: str) -> int:
        before, self._before = self._before, _nothing
        before()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _nothing() -> None:
    pass


def counted(steps: Sequence[Step], what: str) -> Iterator[Step]:
    """The steps, one after the other, with a progress bar on a terminal."""
    if not _is_shown():
        yield from steps
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _progress(*columns) as shown:
        yield from shown.track(steps, description=what)


@contextmanager
def logged(subject: str, day: date | None = None) -> Iterator[None]:
    """Log the start of `subject` and, at the end of the block, its duration."""
    about = subject if day is None else f"{day} {subject}"
    facts = {"subject": subject} | ({} if day is None else {"day": day.isoformat()})
    logger.info("%s: begins", about, extra={"facts": facts})
    began = time.monotonic()
    yield
    seconds = round(time.monotonic() - began, 3)
    logger.info("%s: done in %.1f s", about, seconds, extra={"facts": facts | {"seconds": seconds}})


def _progress(*columns: ProgressColumn) -> Progress:
    from rich.progress import Progress

    return Progress(*columns, console=_terminal(), transient=True, redirect_stdout=False)


def _is_shown() -> bool:
    return logger.level <= logging.INFO and sys.stderr.isatty() and _terminal().is_interactive


@cache
def _terminal() -> PlainConsole:
    """Standard error: all displays share one console, so that they appear above one another."""
    from creatorpool.report.console import PlainConsole

    # The terminal wraps lines that are longer than its width.
    return PlainConsole(stderr=True, soft_wrap=True)
