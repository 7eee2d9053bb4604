"""Tables that a run has opened, and rows that it has read of small files, so that neither is read again.

To open a table costs a listing of its log and a checkpoint; to look for newer commits costs a request. Delta never
changes a file that it has written, so the rows of a file stay valid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from creatorpool.storage.ledger_files import LedgerFiles, latest_files
from creatorpool.storage.places import Place

KEPT_VERSIONS = 64
"""So many tables at earlier versions stay open: each holds the names of all files of its version"""

FILE = "__filename"
"""The column by which Arrow tells the file of a row"""

_TRUSTED_SECONDS = 86_400
"""After so long without a look at a table's log, its next commit may be gone from it (`storage.log`)"""

_FEW_FILES = 4
"""So many files are read faster than the gathered rows of all files"""


Gathered = Callable[[], tuple[pa.Table, LedgerFiles | None]]
"""A function that reads the gathered rows of a ledger, with column `FILE`, and the files of their version"""


class OpenedTables(threading.local):
    """What each thread of a process has opened and read of the tables under one root; threads share nothing."""

    def __init__(self) -> None:
        self._tables: dict[str, DeltaTable] = {}
        self._looked: dict[str, float] = {}
        self._versions: dict[tuple[str, int], DeltaTable] = {}
        self._rows: dict[str, pa.Table] = {}
        self._gathered: dict[str, pa.Table] = {}
        self._files: dict[str, LedgerFiles | None] = {}
        self._joined: dict[str, tuple[list[str], pa.Table]] = {}

    def latest(self, table: Place, open_table: Callable[[], DeltaTable]) -> DeltaTable:
        """`table` in its latest version, opened by `open_table` if this thread has not opened it yet.

        Whoever asks later gets the same object, moved to a later version: use it before you ask again.
        """
        known, now = self._tables.get(str(table)), time.time()
        if known is None or now - self._looked[str(table)] > _TRUSTED_SECONDS:
            known = self._tables[str(table)] = open_table()
        # To look for the next commit costs less than to list the log, which deltalake does.
        elif (table / "_delta_log" / f"{known.version() + 1:020}.json").exists():
            known.update_incremental()
        self._looked[str(table)] = now
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

    def ledger_files(self, table: Place, gathered: Gathered) -> tuple[str, ...] | None:
        """The files of the latest version of a ledger, named from its folder; None if the table must be opened."""
        key = str(table)
        if key not in self._gathered:
            self._gathered[key], self._files[key] = gathered()
        known = self._files[key]
        found = self._files[key] = None if known is None else latest_files(table, known)
        return None if found is None else found.files

    def rows(
        self,
        table: Place,
        files: Sequence[str],
        gathered: Gathered,
        scan: Callable[[Sequence[str]], pa.Table],
    ) -> pa.Table:
        """The rows of `files`, at least one, of `table`, with column `FILE`; kept for the next call if they are many.

        Rows of many files that this thread has not read yet come from `gathered`, as far as it has them; `scan` reads
        those of the other files. Both have column `FILE`.
        """
        key, is_many = str(table), len(files) > _FEW_FILES
        known = self._joined.get(key)
        if known is not None and known[0] == files:
            return known[1]
        if key not in self._gathered and sum(file not in self._rows for file in files) > _FEW_FILES:
            self._gathered[key], self._files[key] = gathered()
        parts, others = _of_files(self._gathered.get(key), files)
        missing = [file for file in others if file not in self._rows]
        if missing:
            read = scan(missing)
            self._rows |= dict.fromkeys(missing, read.slice(0, 0)) | _by_file(read)
        found = pa.concat_tables([*parts, *(self._rows[file] for file in others)])
        if is_many:
            # Each step over hundreds of small chunks would cost more than to copy them once.
            found = found.combine_chunks()
            self._joined[key] = [*files], found
        return found


def _of_files(rows: pa.Table | None, files: Sequence[str]) -> tuple[list[pa.Table], list[str]]:
    """The rows of `files` among `rows`, and the files of which it has none."""
    if rows is None:
        return [], [*files]
    present = set(rows.column(FILE).unique().to_pylist())
    # A filter copies the rows, and mostly there is nothing to leave out.
    own = rows if present <= set(files) else rows.filter(pc.is_in(rows.column(FILE), pa.array(files, pa.string())))
    return [own], [file for file in files if file not in present]


def _by_file(rows: pa.Table) -> dict[str, pa.Table]:
    """The rows of each file; the rows of a file must follow each other."""
    runs = pc.run_end_encode(rows.column(FILE).combine_chunks())
    found, begin = {}, 0
    for file, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        if file in found:
            raise RuntimeError(f"rows of {file} stand apart")
        found[file] = rows.slice(begin, end - begin)
        begin = end
    return found
