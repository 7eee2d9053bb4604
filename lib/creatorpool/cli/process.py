"""Logging and exit codes of creatorpool's processes, for the command line and the job scripts."""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from creatorpool.errors import CreatorpoolError
from creatorpool.logs import formatter
from creatorpool.storage.faults import storage_fault

logger = logging.getLogger("creatorpool")

INTERRUPTED = 130
"""Exit code after Ctrl-C, the same as of a process that SIGINT ends."""
READER_LEFT = 141
"""Exit code if the reader of standard output left, as `head` does: the same as of a process that SIGPIPE ends."""
GRACE_SECONDS = 5
"""Seconds that an interrupted run has to give back its claims."""


class StandardError(logging.Handler):
    """Writes to the current `sys.stderr`, so that lines appear above a progress display."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line at once."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def run_and_exit(main: Callable[[list[str]], None]) -> NoReturn:
    """Run `main` on the command line's arguments and leave with its exit code.

    0: done. An error that creatorpool raises on purpose is one line and has its own code (`errors`); a full disk is one
    line and 1; Ctrl-C is one line and 130; a reader that closes the pipe, no line and 141; anything else is 1 with a
    traceback.
    """
    # Use an own handler: under spark-submit, Spark configures the root logger.
    handler = StandardError()
    handler.setFormatter(formatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # Show characters that the terminal's encoding lacks as escapes; otherwise printing them would be an error.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    os.environ.setdefault("RUST_LOG", "error")  # warnings of clients' own attempts are no lines of this log
    signal.signal(signal.SIGINT, _interrupt)
    try:
        main(sys.argv[1:])
    except CreatorpoolError as error:
        _leave_with(storage_fault(error) or error)
    except KeyboardInterrupt:
        _leave_interrupted()
    except SystemExit as error:
        _leave(error.code if isinstance(error.code, int) else int(error.code is not None))
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            _leave(READER_LEFT)
        if fault := storage_fault(error):
            _leave_with(fault)
        if _is_full_disk(error):
            logger.error("the disk is full: %s. Free some space and run again: what is published stands", error)
        else:
            logger.exception("the job failed")
        _leave(1)
    _leave(0)


def _interrupt(*_: object) -> NoReturn:
    """End the run as Ctrl-C ends any, but soon: a Connect client asks an engine that has ended already for minutes."""
    ending = threading.Timer(GRACE_SECONDS, _leave_interrupted)
    ending.daemon = True
    ending.start()
    raise KeyboardInterrupt


def _leave_with(error: CreatorpoolError) -> NoReturn:
    facts = {"error": type(error).__name__, "exit_code": error.exit_code}
    logger.error("%s", error, extra={"facts": facts})
    _leave(error.exit_code)


def _leave_interrupted() -> NoReturn:
    logger.error("interrupted: what is published stands; run the same command again to go on")
    _leave(INTERRUPTED)


def _reader_left() -> bool:
    """Whether nobody reads standard output any more; a broken connection to an engine is a broken pipe, too."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _is_full_disk(error: Exception) -> bool:
    """Whether `error` comes from a full disk or quota; engines pass on only the system's message."""
    is_named = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_named or any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT))


def _leave(code: int) -> NoReturn:
    # Native threads of the engines may abort the process while it tears down, and change the exit code that a scheduler
    # acts on. All work is done and flushed here.
    logging.shutdown()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or READER_LEFT
    sys.stderr.flush()
    os._exit(code)
