"""Files that a command writes for other programs: each appears completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from creatorpool.errors import InputError
from creatorpool.storage.files import whole_text, write_whole
from creatorpool.storage.places import Place


@contextmanager
def whole_file(output: Place) -> Iterator[TextIO]:
    """A text file to write, which gets the name `output` when the block ends without an error.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with _naming(output), whole_text(output) as out:
        yield out


def write_output(output: Place, content: bytes) -> None:
    """Write a file whose content is known; raises as `whole_file`."""
    with _naming(output):
        write_whole(output, content)


@contextmanager
def _naming(output: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"--output {output} cannot be written: {error.strerror or error}") from error
