"""Converts delivered text to a contract's types with Arrow, row by row where all values are plainly written.

Plain forms are some of those that `contracts.conformance` reads, and mean the same. An engine converts the other rows,
which costs it several times as much for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.contracts import Contract
from creatorpool.contracts.conformance import converted_types, delivered_name
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.storage.records import arrow_type

_DAY = "[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_PLAIN_FORMS = {
    "BIGINT": "-?[0-9]{1,18}",
    "INT": "-?[0-9]{1,9}",
    "DOUBLE": "-?[0-9]{1,15}([.][0-9]{1,25})?([eE][+-]?[0-9]{1,2})?",
    "BOOLEAN": "[Tt]rue|TRUE|[Ff]alse|FALSE|1|0",
    "DATE": _DAY,
    "TIMESTAMP": f"{_DAY}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{{1,6}})?Z?",
}


@dataclass(frozen=True)
class PlainValues:
    """Converts rows of text with columns `names` of `contract`; `raw_row` stays as it is."""

    contract: Contract
    names: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        """Whether Arrow can convert the columns: it cannot make lists as the engines do."""
        return all(kind in _PLAIN_FORMS for kind in self._converted.values())

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns in the contract's types, a copy of each converted column's text, and `raw_row`."""
        typed = [pa.field(name, arrow_type(self.contract.column(name).type)) for name in self.names]
        copies = [pa.field(delivered_name(name), pa.string()) for name in self._converted]
        return pa.schema([*typed, *copies, pa.field(RAW_ROW, pa.string())])

    @cached_property
    def _converted(self) -> dict[str, str]:
        """The type of each column that is not text."""
        return converted_types(self.contract, self.names)

    def split(self, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The rows whose values are all plain or NULL, with `schema`, and the others as they are."""
        is_plain = _all_of(_is_plain(rows.column(name), kind) for name, kind in self._converted.items())
        if is_plain is None or pc.all(is_plain).as_py():
            plain, others = rows, rows.slice(0, 0)
        else:
            plain, others = rows.filter(is_plain), rows.filter(pc.invert(is_plain))
        try:
            return self._typed(plain), others
        except pa.ArrowInvalid:  # a day that its month does not have
            return self.schema.empty_table(), rows

    def _typed(self, rows: pa.Table) -> pa.Table:
        columns = [
            _converted(rows.column(name), self._converted[name]) if name in self._converted else rows.column(name)
            for name in self.names
        ]
        kept = [rows.column(name) for name in (*self._converted, RAW_ROW)]
        return pa.Table.from_arrays([*columns, *kept], schema=self.schema)


def _is_plain(text: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.match_substring_regex(text, f"^({_PLAIN_FORMS[kind]})?$"), True)


def _converted(text: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    is_empty = pc.equal(pc.binary_length(text), 0)
    if pc.any(is_empty).as_py():
        text = pc.if_else(is_empty, pa.scalar(None, pa.string()), text)
    if kind != "TIMESTAMP":
        return text.cast(arrow_type(kind))
    # Text without a zone is UTC, as for the engines.
    return pc.utf8_rtrim(text, "Z").cast(pa.timestamp("us")).cast(arrow_type(kind))


def _all_of(masks: Iterable[pa.ChunkedArray]) -> pa.ChunkedArray | None:
    found = [*masks]
    return reduce(pc.and_, found) if found else None
