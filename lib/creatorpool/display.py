"""Showing results of a day that is already published: an error while showing them does not end the run."""

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
    """Run a block that shows `what` (summary, chart, pages) of `day`, after the tables of the day are published.

    An unexpected error in the block becomes a WARNING with its place in the code, because the day stays published and
    the exit code must say so. Errors that creatorpool raises on purpose, such as an unknown id to draw, are raised.
    Without `is_published` (a dry run) every error is raised: then the display is the only result.
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
        logger.warning("%s: %s; the %s could not be shown: %s", day, state, what, _with_location(error))


def _with_location(error: BaseException) -> str:
    """Type and message of `error`, with the file and line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}"


def _drop_output_that_cannot_be_written() -> None:
    """Discard what is still buffered for a broken standard output: flushing it when the job ends would fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, sys.stdout.fileno())
        os.close(null_device)
