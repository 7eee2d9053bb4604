"""Runs several command lines one after the other in one process, which pays for imports and compiled code once.

    python tools/one_process.py CHECKOUT < commands.json

`commands.json` is a list of command lines, each a list of words, of which the first is the name of a script in jobs/ or
`creatorpool`. Each is run as Python runs a program, and only its exit code counts: the first command that ends with
another one than 0 ends the process with that code.
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import sys
import time
from pathlib import Path
from typing import NoReturn

PROGRAM = "creatorpool"


class _CommandExit(BaseException):
    """A command asked the system to end its process; no handler of errors may catch it on its way."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(checkout: Path, commands: list[list[str]]) -> int:
    """Run `commands` of `checkout`; returns the exit code of the first that fails, or 0."""
    sys.path.insert(0, str(checkout / "lib"))
    for words in commands:
        began = time.monotonic()
        code = _exit_code(checkout, words)
        # What the command set up for its own log.
        logging.getLogger("creatorpool").handlers.clear()
        print(f"{time.monotonic() - began:6.1f} s  {' '.join(words)}", file=sys.stderr)
        if code:
            print(f"exit code {code} of: {' '.join(words)}", file=sys.stderr)
            return code
    return 0


def _exit_code(checkout: Path, words: list[str]) -> int:
    program, *arguments = words
    sys.argv = [program, *arguments]
    leave, os._exit = os._exit, _raise_exit  # type: ignore[assignment]
    try:
        if program == PROGRAM:
            runpy.run_module("creatorpool.cli", run_name="__main__")
        else:
            runpy.run_path(str(checkout / "jobs" / program), run_name="__main__")
    except _CommandExit as left:
        return left.code
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    finally:
        os._exit = leave
    return 0


def _raise_exit(code: int) -> NoReturn:
    raise _CommandExit(code)


if __name__ == "__main__":
    ended = main(Path(sys.argv[1]), json.load(sys.stdin))
    # Native threads of the engines may abort a process that tears down.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended)
