"""Checks the bytes of a CSV file against RFC 4180's rules on quotes.

Parsers treat a misplaced quote in different ways, so they would guess where a record ends. A wrong guess turns text
into records, or records into text. So such a file is refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creatorpool.errors import InputError
from creatorpool.quoting import quoted

_QUOTE = ord('"')
_LINE_ENDS = b"\r\n"


class QuoteCheck:
    """Checks a file block by block, from the start of a record, and raises at the first misplaced quote.

    Quotes open and close a field in turn. An opening quote must follow a separator, a line end, or a quote, with which
    it forms an escaped quote. A closing quote must precede one of these.
    """

    def __init__(self, place: str, separator: str, *, lines_before: int, quote: bool) -> None:
        """`place` names the file in messages; they show the text of the faulty line only if `quote` is true."""
        self._place = place
        self._quote = quote
        self._neighbours = np.frombuffer(separator.encode() + _LINE_ENDS + b'"', np.uint8)
        self._lines = lines_before
        self._before = b"\n"
        self._held = b""
        self._is_open = False
        self._opening = 0
        """Line on which the quoted field begins that is open after the blocks so far"""

    def feed(self, block: bytes) -> None:
        """Check the next block; InputError naming the line of a misplaced quote."""
        data = self._held + block
        # The byte after a quote at the end of the block is not known yet.
        data, self._held = (data[:-1], data[-1:]) if data.endswith(b'"') else (data, b"")
        if not data:
            return
        if b'"' in data:
            self._check(np.frombuffer(self._before + data + self._held, np.uint8), len(data))
        self._lines += data.count(b"\n")
        self._before = data[-1:]

    def finish(self) -> None:
        """Check the end of the file; InputError naming the line of a quoted field that is not closed."""
        self.feed(b"\n")
        if self._is_open:
            raise InputError(
                f"{self._place}: line {self._opening} begins a quoted field that is not closed at the end of the file, "
                f"so the records after it cannot be separated; close it, or double the quotes in it"
            )

    def _check(self, around: NDArray[np.uint8], length: int) -> None:
        quotes = np.flatnonzero(around[1 : length + 1] == _QUOTE) + 1
        closing, opening = (quotes[0::2], quotes[1::2]) if self._is_open else (quotes[1::2], quotes[0::2])
        misplaced = [
            *opening[~np.isin(around[opening - 1], self._neighbours)][:1],
            *closing[~np.isin(around[closing + 1], self._neighbours)][:1],
        ]
        if misplaced:
            self._refuse(around.tobytes(), int(min(misplaced)))
        self._is_open ^= bool(quotes.size % 2)
        # An opening quote after a quote is the second half of an escaped one.
        begins = opening[around[opening - 1] != _QUOTE]
        if self._is_open and begins.size:
            self._opening = self._line(around.tobytes(), int(begins[-1]))

    def _line(self, around: bytes, position: int) -> int:
        return self._lines + around.count(b"\n", 1, position) + 1

    def _refuse(self, around: bytes, position: int) -> None:
        line = self._line(around, position)
        start = around.rfind(b"\n", 0, position) + 1
        text = around[start:].split(b"\n", 1)[0].decode(errors="replace")
        shown = f": {quoted(text)}" if self._quote else ""
        raise InputError(
            f"{self._place}: line {line} has a quote where RFC 4180 allows none, so the records after it cannot be "
            f"separated; enclose the field in quotes and double the quotes in it{shown}"
        )
