"""What people are shown of a day that is published already: a fault there does not end the run."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from creatorpool.errors import CreatorpoolError

logger = logging.getLogger("creatorpool")


@contextmanager
def display(day: date, what: str, *, is_published: bool = True, state: str = "the day is published") -> Iterator[None]:
    """Show `what` (summary, chart, pages) of `day` within the block, once its tables are published.

    A fault in showing it is a WARNING with its place in the code: the published day stands, and the exit code says so.
    Errors that creatorpool raises on purpose, such as an unknown id to draw, end the run as elsewhere. So does every
    fault where nothing is published (a dry run): there the display is all that was asked for.
    """
    try:
        yield
        sys.stdout.flush()
    except (CreatorpoolError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the chart renderer is no Exception
        if not is_published:
            raise
        _drop_output_that_cannot_be_written()
        logger.warning("%s: %s; the %s could not be shown: %s", day, state, what, _told(error))


def _told(error: BaseException) -> str:
    """The error with the place in the code that it comes from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}"


def _drop_output_that_cannot_be_written() -> None:
    """Send what is left of a broken output nowhere: flushing it at the end of the job would fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
