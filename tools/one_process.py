"""Runs several command lines one after the other in one process, so that imports and compiled code cost time only once.

    python tools/one_process.py CHECKOUT < commands.json

`commands.json` is a list of command lines. Each is a list of words; the first word is the name of a script in jobs/, or
`creatorpool`. Each command runs as a main program. The first command that ends with another exit code than 0 ends the
process with that code.
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
    """A command called `os._exit`. It derives from BaseException so that no error handler of the command catches it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(checkout: Path, commands: list[list[str]]) -> int:
    """Run `commands` of `checkout`; return the exit code of the first one that fails, or 0."""
    sys.path.insert(0, str(checkout / "lib"))
    for words in commands:
        began = time.monotonic()
        code = _exit_code(checkout, words)
        # Remove the log handlers that the command installed.
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
    # Skip the interpreter's shutdown: native threads of the engines may abort the process during it.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended)
