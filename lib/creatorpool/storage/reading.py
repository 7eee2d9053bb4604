"""Reads rows of tables, as frames of the engine or as Arrow tables of this process."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from deltalake.exceptions import DeltaError
from pyarrow import fs
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.schema import spark_schema
from creatorpool.errors import MissingTableError
from creatorpool.session import is_embedded
from creatorpool.storage.checkpoints import remove_hint
from creatorpool.storage.few_rows import dataset_of, few_rows
from creatorpool.storage.files import arrow_place
from creatorpool.storage.gathered import LEDGERS, read_gathered, write_gathered
from creatorpool.storage.history import DayChanges, day_changes
from creatorpool.storage.ledger_files import LedgerFiles, files_of
from creatorpool.storage.location import TableLocation
from creatorpool.storage.object_path import ObjectPath
from creatorpool.storage.opened import FILE
from creatorpool.storage.records import arrow_schema


class TableReader(TableLocation):
    """Tables whose rows can be read."""

    def read(
        self,
        table: str,
        *,
        day: date | None = None,
        days: Collection[date] | None = None,
        version: int | None = None,
    ) -> DataFrame:
        """Rows of `table`: only of `day` or of `days`, if given, and at `version`, if given.

        Few rows are read now, into the frame, if the engine is embedded (`storage.few_rows`).

        Raises
        ------
        MissingTableError
            If the table does not exist; of few rows also if the version's log or a file is missing or damaged, which
            otherwise is an error of the engine when it runs a query.
        """
        if not self.exists(table):
            raise MissingTableError(f"table '{table}' does not exist under {self.root}")
        named = days if day is None else [day]
        few = self._few_rows(table, named, version) if is_embedded(self._session(table)) else None
        return self.read_by_log(table, days=named, version=version) if few is None else few

    def read_by_log(self, table: str, *, days: Collection[date] | None = None, version: int | None = None) -> DataFrame:
        """The same rows as `read`, which the engine itself finds by the table's log, in each query."""
        reader = self._session(table).read.format("delta")
        if version is not None:
            if is_embedded(self._session(table)):
                remove_hint(self.root / table)
            reader = reader.option("versionAsOf", version)
        rows = reader.load(self._engine_path(table))
        return rows if days is None else rows.where(F.col("date").isin([*days]))

    def read_arrow(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        day: date | None = None,
        days: Collection[date] | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """The same rows as an Arrow table in this process, in any order; no engine is needed.

        Rows of ledgers stay in memory, by file, for later calls.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns to read; all by default.
        day, days
            Restrict the rows to one day, or to several.
        version : int, optional
            Delta version; the latest by default.

        Raises
        ------
        MissingTableError
            If the table does not exist, or a file of the version is missing or damaged.
        """
        names = list(columns or (column.name for column in self.contract(table).columns))
        files = self.files(table, day=day, days=days, version=version)
        with _readable(table, version):
            if table in LEDGERS:
                return self._kept_rows(table, files).select(names)
            return self._scan(table, names, files)

    def gather(self, table: str) -> None:
        """Write the rows of a ledger's latest version to one file, for later readers (`storage.gathered`)."""
        delta, folder = self._delta(table), self._folder(table)
        files = [unquote(name) for name in pa.table(delta.get_add_actions())["path"].to_pylist()]
        own = files_of(self.root / table, delta.version(), files)
        rows = self._kept_rows(table, [f"{folder}/{file}" for file in files])
        names = pc.utf8_slice_codeunits(rows.column(FILE), len(folder) + 1)
        write_gathered(self.root / table, rows.set_column(rows.num_columns - 1, FILE, names), own)

    def _kept_rows(self, table: str, files: Sequence[str]) -> pa.Table:
        """The rows of a ledger's files, which stay in memory, with column `FILE` at the end."""
        schema = arrow_schema(self.contract(table))
        if not files:
            return schema.append(pa.field(FILE, pa.string())).empty_table()
        return self.opened.rows(
            self.root / table,
            files,
            partial(self._gathered, table),
            lambda missing: self._scan(table, [*schema.names, FILE], missing),
        )

    def _gathered(self, table: str) -> tuple[pa.Table, LedgerFiles | None]:
        rows, own = read_gathered(self.root / table, arrow_schema(self.contract(table)))
        names = pc.binary_join_element_wise(self._folder(table), rows.column(FILE), "/")
        return rows.set_column(rows.num_columns - 1, FILE, names), own

    def _latest_files(self, table: str) -> list[str] | None:
        """The files of a ledger's latest version, if they are known without opening the table.

        An object store takes as long for each later commit as for a listing.
        """
        place = self.root / table
        if table not in LEDGERS or isinstance(place, ObjectPath) or self.opened.has(place):
            return None
        files, folder = self.opened.ledger_files(place, partial(self._gathered, table)), self._folder(table)
        return None if files is None else [f"{folder}/{file}" for file in files]

    def _few_rows(self, table: str, days: Collection[date] | None, version: int | None) -> DataFrame | None:
        """A frame that holds the rows; None if they are many."""
        with _readable(table, version):
            files = self.files(table, days=days, version=version)
            found = few_rows(self._delta(table, version), files, self._arrow)
        return None if found is None else self._session(table).createDataFrame(*found)

    def _scan(self, table: str, columns: Sequence[str], files: Sequence[str]) -> pa.Table:
        """`columns` of all rows in `files`."""
        contract = self.contract(table)
        source = dataset_of(files, arrow_schema(contract), contract.partition_by, self._arrow)
        return source.to_table(columns=list(columns))

    def files(
        self,
        table: str,
        *,
        day: date | None = None,
        days: Collection[date] | None = None,
        version: int | None = None,
    ) -> list[str]:
        """Paths of the Parquet files that hold these rows, for readers without Delta; parameters as `read_arrow`.

        In an object store they begin with the bucket.
        """
        named = days if day is None else [day]
        if version is None and (latest := self._latest_files(table)) is not None:
            folders = None if named is None else {f"date={one.isoformat()}" for one in named}
            return latest if folders is None else [file for file in latest if file.split("/")[-2] in folders]
        wanted = None if named is None else [("date", "in", [one.isoformat() for one in named])]
        files = self._delta(table, version).file_uris(file_pruning_predicate=wanted) if wanted != [] else []
        # Paths are percent-encoded, as in the table's log.
        own, base = self.path(table), self._stored(table)
        names = (unquote(name) if "%" in name else name for name in files)
        return [f"{base}{name.removeprefix(own)}" if "://" in name else name for name in names]

    def count_stored(self, table: str, *, day: date | None = None, version: int | None = None) -> int:
        """Number of rows in the files of a version, counted in the files themselves.

        Raises
        ------
        MissingTableError
            If the version cannot be read any more because its log or one of its files is missing or damaged.
        """
        with _readable(table, version):
            files = self.files(table, day=day, version=version)
            return int(pads.dataset(files, format="parquet", filesystem=self._arrow).count_rows()) if files else 0

    def stored_days(self, table: str, version: int) -> set[date]:
        """The days that have files in a version of `table`."""
        partitions = self._delta(table, version).partitions()
        return {date.fromisoformat(str(partition["date"])) for partition in partitions}

    def changes(self, table: str, first: int, last: int) -> DayChanges:
        """The changes of each day's rows in versions `first` to `last` of `table`."""
        return day_changes(self.root / table, first, last)

    def _folder(self, table: str) -> str:
        """`_stored`, with which the names begin that deltalake gives to files: it resolves relative paths and links."""
        stored = self._stored(table)
        return stored if isinstance(self.root, ObjectPath) else os.path.realpath(stored)

    def _stored(self, table: str) -> str:
        """The path of `table` in its file system of Arrow."""
        return arrow_place(self.root / table)[1]

    @property
    def _arrow(self) -> fs.FileSystem:
        return arrow_place(self.root)[0]

    def frame(self, records: Sequence[Mapping[str, Any]], table: str) -> DataFrame:
        """A few records as a frame with the columns of `table`'s contract; needs a session."""
        schema = spark_schema(self.contract(table))
        rows = [tuple(record[name] for name in schema.names) for record in records]
        return self._session(table).createDataFrame(rows, schema)

    def arrow_frame(self, rows: pa.Table, table: str) -> DataFrame:
        """An Arrow table with the columns of `table` as a frame; needs a session."""
        return self._session(table).createDataFrame(rows, spark_schema(self.contract(table)))


@contextmanager
def _readable(table: str, version: int | None) -> Iterator[None]:
    """Raise MissingTableError, with the names, if the log or a file of `version` is missing or damaged."""
    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        name = "the latest version" if version is None else f"version {version}"
        raise MissingTableError(f"{name} of {table} cannot be read: {error}") from error
