"""Files that a command writes for other programs: each appears completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from creatorpool.errors import InputError


@contextmanager
def whole_file(output: Path) -> Iterator[TextIO]:
    """A text file to write, which gets the name `output` when the block ends without an error.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    partial = output.with_name(f".{output.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as out:
            yield out
        partial.replace(output)
    except OSError as error:
        raise InputError(f"--output {output} cannot be written: {error.strerror}") from error
