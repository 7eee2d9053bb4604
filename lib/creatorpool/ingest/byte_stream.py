"""Reads the decompressed bytes of a text file in blocks, so that memory does not grow with the file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from typing import Protocol

from creatorpool.errors import InputError
from creatorpool.storage.places import Place

BLOCK_BYTES = 8 << 20
_MARK = b"\xef\xbb\xbf"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ByteStream:
    """The bytes of a text file without its byte order mark. A file that cannot be read raises InputError."""

    closed = False

    def __init__(self, file: _Readable, place: str, max_bytes: int) -> None:
        """`place` names the table and the path, for messages; a file of more than `max_bytes` is refused."""
        self.place = place
        self._file = file
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._at_start = True

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """The next `size` bytes; fewer only at the end of the file, and none after it.

        Raises
        ------
        InputError
            If the file cannot be read or decompressed, or is longer than `max_bytes`.
        """
        block = self._read(size)
        if self._at_start:
            block, self._at_start = block.removeprefix(_MARK), False
        self._left -= len(block)
        if self._left < 0:
            raise InputError(
                f"{self.place} has more than ingest.max_file_bytes, {self._max_bytes} bytes, after decompression"
            )
        return block

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{self.place} cannot be read: {error}") from error


@contextmanager
def opened(path: Place, table: str, max_bytes: int) -> Iterator[ByteStream]:
    """Open `path` as a ByteStream. A .gz file is decompressed, and its length and checksum are checked at its end.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    place = f"{table}: {path}"
    try:
        raw = path.open("rb")
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror or error}") from error
    with raw:
        yield ByteStream(GzipFile(fileobj=raw) if path.suffix == ".gz" else raw, place, max_bytes)


def line_blocks(stream: ByteStream, max_line_bytes: int) -> Iterator[bytes]:
    """Blocks of whole lines, each without the line break at its end.

    A line longer than `max_line_bytes` is cut to ``max_line_bytes + 1`` bytes, so that the caller can see its excess.
    """
    line = b""
    while block := stream.read():
        head, newline, rest = block.partition(b"\n")
        line = (line + head)[: max_line_bytes + 1]
        if not newline:
            continue
        whole, newline, tail = rest.rpartition(b"\n")
        yield line + b"\n" + whole if newline else line
        line = tail[: max_line_bytes + 1]
    if line:
        yield line
