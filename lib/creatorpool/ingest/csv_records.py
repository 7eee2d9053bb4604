"""Reads CSV files as batches of text columns with Arrow's parser. A quoted field may contain any character.

An empty unquoted field is NULL, an empty quoted field is the empty text. A record whose number of fields differs from
the header's cannot be read. A misplaced quote refuses the file; see `csv_quotes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from creatorpool.errors import InputError
from creatorpool.ingest.byte_stream import BLOCK_BYTES, ByteStream
from creatorpool.ingest.csv_quotes import QuoteCheck
from creatorpool.ingest.records import Records, record_schema, unreadable


class CsvFile:
    """A CSV file whose header has been read; `names` is empty if the file has no bytes."""

    def __init__(
        self, stream: ByteStream, *, max_header_bytes: int, separator: str = ",", names: Sequence[str] | None = None
    ) -> None:
        """With `names`, the file has no line of column names, and its columns have these.

        Raises
        ------
        InputError
            If the first line is blank, longer than `max_header_bytes` or not UTF-8; the message names the file.
        """
        self._stream = stream
        self.separator = separator
        self._has_header = names is None
        first = stream.read()
        if names is not None:
            self.names, self._rest = list(names), first
            return
        header, self._rest = _split_header(first, stream.place, max_header_bytes)
        self.names = [name.strip().strip('"') for name in header.split(separator)] if first else []

    def records(self, max_record_bytes: int, *, quote: bool, in_order: bool = False) -> Iterator[Records]:
        """All records of the file, in batches; without `quote`, no message shows text of a record.

        Records longer than `max_record_bytes` come as unreadable ones. Records of another length than the header come
        with a batch before them, or, `in_order`, which is slower, with the batch that they are among.

        Raises
        ------
        InputError
            If the file is damaged, has a misplaced quote or a record longer than a block; the message names the file.
        """
        check = QuoteCheck(self._stream.place, self.separator, lines_before=int(self._has_header), quote=quote)
        source = _Checked(self._rest, self._stream, check)
        malformed: list[pacsv.InvalidRow] = []
        rows = 0
        try:
            for batch in self._batches(source, malformed, in_order=in_order):
                due = _number_before(malformed, rows + batch.num_rows)
                rows += batch.num_rows + due
                yield from _records(batch, self.names, max_record_bytes)
                yield from _drained(malformed, due, self.names)
        except pa.ArrowInvalid as error:
            raise self._fault(source, error) from error
        yield from _drained(malformed, len(malformed), self.names)

    def _batches(
        self, source: _Checked, malformed: list[pacsv.InvalidRow], *, in_order: bool
    ) -> Iterator[pa.RecordBatch]:
        def keep(row: pacsv.InvalidRow) -> str:
            malformed.append(row)
            return "skip"

        if not source.has_bytes():
            return
        yield from pacsv.open_csv(
            pa.PythonFile(source, mode="r"),
            # Arrow numbers rows only if one thread parses them.
            pacsv.ReadOptions(column_names=self.names, block_size=BLOCK_BYTES, use_threads=not in_order),
            pacsv.ParseOptions(delimiter=self.separator, newlines_in_values=True, invalid_row_handler=keep),
            pacsv.ConvertOptions(
                # As bytes: one record that is not UTF-8 must not refuse the file.
                column_types=dict.fromkeys(self.names, pa.binary()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _fault(self, source: _Checked, error: pa.ArrowInvalid) -> InputError:
        try:
            while source.read(BLOCK_BYTES):
                pass  # read to the end: a misplaced quote further on explains the parser's error
        except InputError as fault:
            return fault
        if "straddling" in str(error):
            return InputError(f"{self._stream.place}: a record is longer than {BLOCK_BYTES} bytes")
        return InputError(f"{self._stream.place} is not readable as CSV in UTF-8")


class _Checked:
    """The bytes after the header, as a file object for Arrow; every byte is checked by `check`."""

    closed = False

    def __init__(self, first: bytes, stream: ByteStream, check: QuoteCheck) -> None:
        self._first = first
        self._stream = stream
        self._check = check
        self._has_ended = False
        self._fault: InputError | None = None
        self._lock = Lock()

    def has_bytes(self) -> bool:
        """Whether there is any record: Arrow raises an error if there is none."""
        while not self._first.strip(b"\r\n"):
            block = self._stream.read()
            if not block:
                return False
            self._first = block
        return True

    def read(self, size: int) -> bytes:
        # Arrow reads ahead in another thread. It may have met the file's fault, and reported an error before it.
        with self._lock:
            if self._fault is not None:
                raise self._fault
            try:
                return self._next(size)
            except InputError as fault:
                self._fault = fault
                raise

    def _next(self, size: int) -> bytes:
        block, self._first = self._first[:size], self._first[size:]
        block = block or self._stream.read(size)
        if block:
            self._check.feed(block)
        elif not self._has_ended:
            self._has_ended = True
            self._check.finish()
        return block

    def readable(self) -> bool:
        return True


def _split_header(first: bytes, place: str, max_header_bytes: int) -> tuple[str, bytes]:
    line, _, rest = first.partition(b"\n")
    if first and not line.strip():
        raise InputError(f"{place} must begin with a line of column names")
    if len(line) > max_header_bytes:
        raise InputError(f"{place}: its first line is longer than ingest.max_header_bytes {max_header_bytes}")
    try:
        return line.rstrip(b"\r").decode(), rest
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: its first line, with the column names, is not UTF-8") from error


def _number_before(malformed: Sequence[pacsv.InvalidRow], rows: int) -> int:
    """How many of `malformed` are among the first `rows` other ones; all of them if they have no numbers."""
    position = 0
    while position < len(malformed) and (malformed[position].number or 0) <= rows + position + 1:
        position += 1
    return position


def _drained(malformed: list[pacsv.InvalidRow], number: int, names: Sequence[str]) -> Iterator[Records]:
    texts = [row.text for row in malformed[:number] if row.text.strip()]
    del malformed[:number]
    if texts:
        yield unreadable(texts, names)


def _records(batch: pa.RecordBatch, names: Sequence[str], max_record_bytes: int) -> Iterator[Records]:
    kept, refused = _split(batch, _is_short(batch, max_record_bytes))
    try:
        yield _as_text(kept, names)
    except pa.ArrowInvalid:
        is_text = pa.array([all(map(_is_utf8, row.values())) for row in kept.to_pylist()])
        kept, others = _split(kept, is_text)
        refused = [*refused, *others]
        yield _as_text(kept, names)
    if refused:
        yield unreadable(refused, names)


def _as_text(batch: pa.RecordBatch, names: Sequence[str]) -> Records:
    columns = [pc.cast(column, pa.string()) for column in batch.columns]
    return Records(
        pa.RecordBatch.from_arrays([*columns, pa.nulls(batch.num_rows, pa.string())], schema=record_schema(names))
    )


def _is_short(batch: pa.RecordBatch, max_record_bytes: int) -> pa.Array:
    lengths = [pc.fill_null(pc.binary_length(column), 0) for column in batch.columns]
    add: Callable[[pa.Array, pa.Array], pa.Array] = pc.add
    return pc.less_equal(reduce(add, lengths), max_record_bytes - batch.num_columns)


def _split(batch: pa.RecordBatch, is_good: pa.Array) -> tuple[pa.RecordBatch, list[str]]:
    """The records where `is_good`, and the text of the others."""
    if pc.all(is_good).as_py() is not False:
        return batch, []
    others = batch.filter(pc.invert(is_good)).to_pylist()
    return batch.filter(is_good), [_text(list(row.values())) for row in others]


def _text(values: Sequence[bytes | None]) -> str:
    return b",".join(value or b"" for value in values).decode(errors="backslashreplace")


def _is_utf8(value: bytes | None) -> bool:
    try:
        return value is None or value.decode() is not None
    except UnicodeDecodeError:
        return False
