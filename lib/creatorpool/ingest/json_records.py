"""Reads JSON lines as batches of text columns with Python's JSON parser, so that all engines see the same records.

A line has one object, or several objects with only blanks between them; each object is one record. If a line has
anything else, every part of the line is refused as one record each. Numbers keep their digits, nested values become
JSON text, and a bare NaN, which is not JSON, becomes text so that a rule can name its column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import ByteStream, line_blocks
from creatorpool.ingest.records import RAW_CHARACTERS, Records, record_schema, unreadable

Pairs = list[tuple[str, Any]]

PLAIN_TEXTS: dict[str, Any] = {"parse_int": str, "parse_float": str, "parse_constant": str}
"""How numbers are read: each keeps its digits"""

_SPACED_COLONS = (" :", "\t:", "\r:")
_SURROGATES = ("\\ud", "\\uD")
_BLANK = "\ufeff \t\r\n"
_BLANKS = re.compile(f"[{_BLANK}]*")
_MAX_NOTED_KEYS = 10_000


@dataclass
class JsonFile:
    """A file of JSON lines; `keys` collects the keys of the records that have been read so far."""

    stream: ByteStream
    names: Sequence[str]
    max_line_bytes: int
    max_keys: int
    keys: set[str] = field(default_factory=set)

    def records(self) -> Iterator[Records]:
        """All records of the file, in batches.

        Raises
        ------
        InputError
            If the file is damaged, or is one JSON array; the message names the file.
        """
        is_first = True
        for block in line_blocks(self.stream, self.max_line_bytes):
            if is_first and block.strip():
                self._refuse_array(block)
                is_first = False
            found = _read_block(block, self.max_line_bytes, self.max_keys)
            self._note_keys(found.objects)
            if found.objects:
                yield Records(_batch(found, self.names))
            if found.refused:
                yield unreadable(found.refused, self.names)

    def _refuse_array(self, block: bytes) -> None:
        if block.lstrip().startswith(b"["):
            raise InputError(
                f"{self.stream.place} is a JSON array. It must have JSON lines: one object per line, without brackets "
                f"around them or commas between them; `jq -c '.[]'` converts an array"
            )

    def _note_keys(self, objects: Iterable[dict[str, Any]]) -> None:
        for found in objects:
            if not found.keys() <= self.keys and len(self.keys) < _MAX_NOTED_KEYS:
                self.keys |= found.keys()


@dataclass
class _Block:
    """The records of some lines: objects, the text of each object, and the text of refused records."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def _read_block(block: bytes, max_line_bytes: int, max_keys: int) -> _Block:
    lines = block.split(b"\n")
    try:
        text = block.decode()
        is_plain = max(map(len, lines)) <= max_line_bytes
    except UnicodeDecodeError:
        is_plain = False
    if is_plain:
        found = _read_lines(text.split("\n"), _PLAIN, max_keys)
        # Read carefully if a key may occur twice, which would lose its first value, or if half a surrogate pair may
        # occur, which is not valid text.
        has_each_key = text.count('":') == sum(map(len, found.objects))
        if has_each_key and not any(sign in text for sign in (*_SPACED_COLONS, *_SURROGATES)):
            return found
    return _read_carefully(lines, max_line_bytes, max_keys)


def _read_carefully(lines: Sequence[bytes], max_line_bytes: int, max_keys: int) -> _Block:
    texts = [line.decode(errors="backslashreplace") for line in lines]
    good = [len(line) <= max_line_bytes and _is_utf8(line) for line in lines]
    found = _read_lines([text for text, is_good in zip(texts, good, strict=True) if is_good], _CAREFUL, max_keys)
    found.refused += [text[: RAW_CHARACTERS + 1] for text, is_good in zip(texts, good, strict=True) if not is_good]
    return found


def _read_lines(lines: Sequence[str], decoder: json.JSONDecoder, max_keys: int) -> _Block:
    block = _Block()
    for line in lines:
        text = line.strip(_BLANK)
        if not text:
            continue
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            end = -1
        if end == len(text) and type(value) is dict and len(value) <= max_keys:
            block.texts.append(text)
            block.objects.append(value)
            continue
        pieces = _pieces(text, decoder)
        if all(type(value) is dict and len(value) <= max_keys for _, value in pieces):
            block.texts += [piece for piece, _ in pieces]
            block.objects += [value for _, value in pieces]
        else:
            block.refused += [piece[: RAW_CHARACTERS + 1] for piece, _ in pieces]
    return block


def _pieces(text: str, decoder: json.JSONDecoder) -> list[tuple[str, Any]]:
    """The JSON values that follow each other in `text`, each with its text; None for a rest that is not JSON."""
    found: list[tuple[str, Any]] = []
    start = 0
    while start < len(text):
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return [*found, (text[start:], None)]
        found.append((text[start:end], value))
        start = end if end == len(text) else _BLANKS.match(text, end).end()  # type: ignore[union-attr]
    return found


def _batch(found: _Block, names: Sequence[str]) -> pa.RecordBatch:
    columns = [_column(found.objects, name) for name in names]
    return pa.RecordBatch.from_arrays([*columns, pa.array(found.texts, pa.string())], schema=record_schema(names))


def _column(objects: Sequence[dict[str, Any]], name: str) -> pa.Array:
    values = [found.get(name) for found in objects]
    for kind in (pa.string(), pa.bool_()):
        try:
            return pa.array(values, kind).cast(pa.string())
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            continue  # values of another type, or of several
    return pa.array([value_text(value) for value in values], pa.string())


def value_text(value: Any) -> str | None:
    """A JSON value as the text that the engines see; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _without_faults(pairs: Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    for key, value in pairs:
        (key + (value_text(value) or "")).encode()  # UnicodeEncodeError is a ValueError
    return found


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


_PLAIN = json.JSONDecoder(**PLAIN_TEXTS)
_CAREFUL = json.JSONDecoder(**PLAIN_TEXTS, object_pairs_hook=_without_faults)
