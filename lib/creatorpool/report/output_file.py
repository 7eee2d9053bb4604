"""Files that a command writes for other programs: each appears completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from creatorpool.errors import InputError
from creatorpool.storage.files import whole_text
from creatorpool.storage.places import Place


@contextmanager
def whole_file(output: Place) -> Iterator[TextIO]:
    """A text file to write, which gets the name `output` when the block ends without an error.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with whole_text(output) as out:
            yield out
    except OSError as error:
        raise InputError(f"--output {output} cannot be written: {error.strerror or error}") from error
