"""Tables that a run has opened, and rows that it has read of small files, so that neither is read again.

To open a table costs a listing of its log and a checkpoint; to look for newer commits costs a request. Delta never
changes a file that it has written, so the rows of a file stay valid.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from creatorpool.storage.places import Place

KEPT_VERSIONS = 64
"""So many tables at earlier versions stay open: each holds the names of all files of its version"""

FILE = "__filename"
"""The column by which Arrow tells the file of a row"""


class OpenedTables(threading.local):
    """What each thread of a process has opened and read of the tables under one root; threads share nothing."""

    def __init__(self) -> None:
        self._tables: dict[str, DeltaTable] = {}
        self._versions: dict[tuple[str, int], DeltaTable] = {}
        self._rows: dict[str, pa.Table] = {}

    def latest(self, table: Place, open_table: Callable[[], DeltaTable]) -> DeltaTable:
        """`table` in its latest version, opened by `open_table` if this thread has not opened it yet.

        Whoever asks later gets the same object, moved to a later version: use it before you ask again.
        """
        known = self._tables.get(str(table))
        if known is None:
            known = self._tables[str(table)] = open_table()
        # To look for the next commit costs less than to list the log, which deltalake does.
        elif (table / "_delta_log" / f"{known.version() + 1:020}.json").exists():
            known.update_incremental()
        return known

    def at(self, table: Place, version: int, open_table: Callable[[], DeltaTable]) -> DeltaTable:
        """`table` in `version`, opened by `open_table` unless it is one of the last that this thread has asked for."""
        key = str(table), version
        known = self._versions.pop(key, None)
        # Who commits on top of a version moves its table on.
        found = known if known is not None and known.version() == version else open_table()
        self._versions[key] = found
        if len(self._versions) > KEPT_VERSIONS:
            del self._versions[next(iter(self._versions))]
        return found

    def has(self, table: Place) -> bool:
        """Whether this thread has opened `table`."""
        return str(table) in self._tables

    def rows(self, files: Sequence[str], scan: Callable[[Sequence[str]], pa.Table]) -> pa.Table:
        """The rows of `files`; `scan` reads those of files that this thread has not read yet, with column `FILE`."""
        missing = [file for file in files if file not in self._rows]
        if missing or not files:
            read = scan(missing)
            empty = read.slice(0, 0).drop_columns([FILE])
            self._rows |= dict.fromkeys(missing, empty) | {
                file: read.filter(pc.equal(read.column(FILE), file)).drop_columns([FILE])
                for file in pc.unique(read.column(FILE)).to_pylist()
            }
            if not files:
                return empty
        return pa.concat_tables([self._rows[file] for file in files])
