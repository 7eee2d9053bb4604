"""Reads small CSV files of payers and banks, whose wrong lines are named all at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from creatorpool.errors import InputError
from creatorpool.storage.places import Place


@dataclass(frozen=True)
class CsvLines:
    """A file's bytes, and its rows, each with the number of the line on which it ends."""

    content: bytes
    rows: tuple[tuple[int, Mapping[str, str | None]], ...]


def read_lines(path: Place, columns: Sequence[str]) -> CsvLines:
    """Read a CSV file in UTF-8 that has `columns`, and maybe others.

    Raises
    ------
    InputError
        If the file cannot be read, is no UTF-8 text, has a NUL or a field of more than 131,072 characters, or lacks a
        column or has it twice.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from error
    before, nul, _ = text.partition("\0")
    if nul:
        number = 1 + before.count("\n")
        raise InputError(f"{path}: line {number} has a NUL, which no text has: write the file as CSV in UTF-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
            raise InputError(f"{path}: missing columns {missing}; expected {list(columns)}")
        if twice := [name for name in columns if list(rows.fieldnames or ()).count(name) > 1]:
            raise InputError(f"{path}: columns {twice} are there more than once: leave each once")
        return CsvLines(content, tuple((rows.line_num, row) for row in rows))
    except csv.Error as error:
        where = f"{path}: line {rows.reader.line_num}"
        raise InputError(f"{where} cannot be read: {error}; correct it, or close the quotes before it") from error
