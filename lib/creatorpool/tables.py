"""Reads and writes Delta tables. Only this module and package `storage` access storage.

An engine writes Parquet files; then this process commits them, in the same way for every engine. A commit is one change
of one table, and the claim of the run fences it (`storage.fence`). Engines accept rows that would corrupt a table:
another schema, rows of another day than the replaced one, missing required values. The checks of this module refuse
such rows before the commit, so that the table stays as it was. They are part of the written expressions and need no
separate pass.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from creatorpool.contracts import Contract, load_contract
from creatorpool.contracts.schema import spark_schema
from creatorpool.errors import ConcurrentWriteError, InputError, MissingTableError, TableGuardError
from creatorpool.session import is_embedded
from creatorpool.storage.fence import Fence, commit_properties, raise_fence
from creatorpool.storage.guards import as_guard_error, guarded, of_day, other_day_message
from creatorpool.storage.history import DayChanges, day_changes
from creatorpool.storage.places import engine_path
from creatorpool.storage.records import arrow_schema, records_table
from creatorpool.storage.staged import Mode, StagedRows, found_files, staging_folder, write_file

_TABLE_PROPERTIES = {
    # Readers without Spark (deltalake, Polars) must be able to read every table.
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    # The ledger names the versions in which days are published. They must stay readable while anybody may ask about a
    # payout. Maintenance may shorten this time on purpose.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    # Sail 0.7 cannot read a version before the latest checkpoint, and days are published in such versions. A log
    # without checkpoints is read commit by commit: about a thousand commits per year.
    "delta.checkpointInterval": "2000000000",
}
_CURRENT_ONLY = frozenset({"run_claims", "contract_results", "stage_runs", "allocation_runs"})
"""The embedded engine reads only the latest version of these tables, so their logs get checkpoints."""
_COMMITS_PER_CHECKPOINT = 20

_ensured: set[tuple[str, ...]] = set()
"""Tables that this process has found to have their contract's columns: the path of each, followed by its columns"""


@dataclass(frozen=True)
class Warehouse:
    """All tables under one root folder or URI, each at ``root/<table>``.

    Methods that take or return Spark frames need `session`; those for records and Arrow tables do not.
    """

    session: SparkSession | None
    root: Path | str
    contracts_directory: Path | None = None
    fence: Fence | None = None

    def path(self, table: str) -> str:
        """Path or URI of `table`."""
        return f"{self.root}/{table}"

    def fenced(self, fence: Fence) -> Warehouse:
        """The same tables, with commits that fail once another run has taken over the claim of `fence`."""
        return replace(self, fence=fence)

    def raise_fences(self, tables: Collection[str]) -> None:
        """Make later commits to `tables` by earlier holders of this warehouse's claim fail.

        Raises
        ------
        OutlivedLeaseError
            If another run has taken over the claim already.
        """
        if self.fence is None:
            raise RuntimeError("raising a fence needs the fence of a claim")
        for table in tables:
            if self.exists(table):
                raise_fence(self._delta(table), self.fence)

    def contract(self, table: str) -> Contract:
        """The contract of `table`; ContractError if there is none or it cannot be used."""
        return load_contract(table, self.contracts_directory)

    def exists(self, table: str) -> bool:
        """Whether `table` exists."""
        return DeltaTable.is_deltatable(self.path(table))

    def version(self, table: str) -> int:
        """Latest Delta version of `table`; MissingTableError if the table does not exist."""
        return self._delta(table).version()

    def versions(self, *tables: str) -> dict[str, int]:
        """Latest version of each of `tables`, as a run records them in the ledger; raises as `version` does."""
        return {table: self.version(table) for table in sorted(tables)}

    def read(self, table: str, *, day: date | None = None, version: int | None = None) -> DataFrame:
        """Rows of `table`: of `day` only, if given, and at `version`, if given.

        Raises
        ------
        MissingTableError
            If the table does not exist.
        """
        if not self.exists(table):
            raise MissingTableError(f"table '{table}' does not exist under {self.root}")
        reader = self._session(table).read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(self._engine_path(table))
        return rows if day is None else rows.where(F.col("date") == F.lit(day))

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
        contract = self.contract(table)
        names = list(columns or (column.name for column in contract.columns))
        schema = arrow_schema(contract)
        stored = pa.schema([field for field in schema if field.name not in contract.partition_by])
        files = self.files(table, day=day, days=days, version=version)
        partitioning = pads.partitioning(
            pa.schema([schema.field(name) for name in contract.partition_by]), flavor="hive"
        )
        source = pads.dataset(files, schema=pa.unify_schemas([stored, partitioning.schema]), partitioning=partitioning)
        try:
            return source.to_table(columns=names)
        except (OSError, pa.ArrowException) as error:
            raise MissingTableError(f"{_version_name(version)} of {table} cannot be read: {error}") from error

    def files(
        self,
        table: str,
        *,
        day: date | None = None,
        days: Collection[date] | None = None,
        version: int | None = None,
    ) -> list[str]:
        """Paths of the Parquet files that hold these rows, for readers without Delta; parameters as `read_arrow`."""
        named = days if day is None else [day]
        wanted = None if named is None else [("date", "in", [one.isoformat() for one in named])]
        files = self._delta(table, version).file_uris(file_pruning_predicate=wanted) if wanted != [] else []
        # Local paths are percent-encoded, as in the table's log.
        return files if "://" in str(self.root) else [unquote(file) for file in files]

    def count_stored(self, table: str, *, day: date | None = None, version: int | None = None) -> int:
        """Number of rows in the files of a version, counted in the files themselves.

        Raises
        ------
        MissingTableError
            If the version cannot be read any more because its log or one of its files is missing or damaged.
        """
        try:
            files = self.files(table, day=day, version=version)
            return int(pads.dataset(files, format="parquet").count_rows()) if files else 0
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise MissingTableError(f"{_version_name(version)} of {table} cannot be read: {error}") from error

    def stored_days(self, table: str, version: int) -> set[date]:
        """The days that have files in a version of `table`."""
        partitions = self._delta(table, version).partitions()
        return {date.fromisoformat(str(partition["date"])) for partition in partitions}

    def changes(self, table: str, first: int, last: int) -> DayChanges:
        """The changes of each day's rows in versions `first` to `last` of `table`."""
        return day_changes(self.path(table), first, last)

    def ensure(self, table: str) -> Contract:
        """Create `table` from its contract, or add nullable columns that are new in the contract; return the contract.

        Raises
        ------
        TableGuardError
            If a new column of the contract is required: stored rows have no value for it.
        """
        contract = self.contract(table)
        known = (self.path(table), *contract.column_names)
        is_created = self.exists(table)
        if is_created and known in _ensured:
            return contract
        if not is_created:
            DeltaTable.create(
                self.path(table),
                arrow_schema(contract),
                mode="ignore",
                partition_by=list(contract.partition_by),
                name=contract.name,
                description=contract.description,
                configuration=_TABLE_PROPERTIES,
            )
        self._add_new_columns(contract)
        _ensured.add(known)
        return contract

    def stage_day(self, rows: DataFrame, table: str, day: date) -> StagedRows:
        """Write files with `rows`, which will replace the rows of `day` in `table`; column `date` may be missing.

        Raises
        ------
        TableGuardError
            If columns or types differ from the contract, a row belongs to another day, or a required value is null.
        """
        contract = self.ensure(table)
        own = of_day(rows, table, day) if "date" in rows.columns else rows.withColumn("date", F.lit(day))
        # The day is in the folder's name and in the log.
        return self._staged(guarded(own, contract).drop("date"), contract, "replace_day", day)

    def stage_append(self, rows: DataFrame, table: str) -> StagedRows:
        """Write files with `rows`, which will be added to `table`; raises as `stage_day` does."""
        contract = self.ensure(table)
        return self._staged(guarded(rows, contract), contract, "append", None)

    def stage_overwrite(self, rows: DataFrame, table: str) -> StagedRows:
        """Write files with `rows`, which will replace all rows of `table`.

        Raises
        ------
        TableGuardError
            If the table is partitioned; else as `stage_day`.
        """
        contract = self.ensure(table)
        if contract.partition_by:
            raise TableGuardError(
                f"{table} is partitioned by {list(contract.partition_by)} and never overwritten whole"
            )
        return self._staged(guarded(rows, contract), contract, "overwrite", None)

    def stage_records(self, records: Sequence[Mapping[str, Any]], table: str, day: date) -> StagedRows:
        """Write a file with a few records, which will replace the rows of `day` in `table`; no engine is needed.

        Raises
        ------
        TableGuardError
            As `stage_day`.
        """
        contract = self.ensure(table)
        rows = records_table(records, contract)
        if any(found != day for found in rows.column("date").to_pylist()):
            raise TableGuardError(other_day_message(table, day))
        folder = staging_folder(day)
        if rows.num_rows:
            write_file(rows.drop_columns(["date"]), self.path(table), folder)
        return self._found(contract, "replace_day", day, folder)

    def read_staged(self, staged: StagedRows) -> DataFrame:
        """The staged rows with the table's columns, as they will be after the commit."""
        contract = self.contract(staged.table)
        session, schema = self._session(staged.table), spark_schema(contract)
        if not staged.files:
            return session.createDataFrame([], schema)
        if staged.day is None and contract.partition_by:
            raise RuntimeError(f"{staged.table}: files of several days are read once they are committed")
        own = StructType([field for field in schema.fields if staged.day is None or field.name != "date"])
        rows = session.read.schema(own).parquet(f"{self._engine_path(staged.table)}/{staged.folder}")
        return rows if staged.day is None else rows.withColumn("date", F.lit(staged.day)).select(*schema.names)

    def commit(self, staged: StagedRows) -> int:
        """Add staged files to their table, in one commit; return the version written.

        Raises
        ------
        OutlivedLeaseError
            If another run has taken over the claim of this warehouse's fence.
        """
        filters = None if staged.day is None else [("date", "=", staged.day.isoformat())]
        return self._commit_files(staged.table, staged.files, filters, is_append=staged.mode == "append")

    def replace_day(self, rows: DataFrame, table: str, day: date) -> int:
        """Replace the rows of `day` in `table`; return the version written. Raises as `stage_day` and `commit` do."""
        return self.commit(self.stage_day(rows, table, day))

    def append(self, rows: DataFrame, table: str) -> int:
        """Add `rows` to `table`; return the version written. The caller ensures that no row is added twice."""
        return self.commit(self.stage_append(rows, table))

    def overwrite(self, rows: DataFrame, table: str) -> int:
        """Replace all rows of `table`; return the version written. Raises as `stage_overwrite` and `commit` do."""
        return self.commit(self.stage_overwrite(rows, table))

    def restore_day(self, table: str, day: date, version: int | None) -> None:
        """Give `day` in `table` the rows that it had at `version`, or no rows if that is None.

        Commits nothing if `day` has these rows already, or if the table does not exist.
        """
        if not self.exists(table):
            return
        wanted = {} if version is None else self._day_files(self._delta(table, version), day)
        if wanted.keys() != self._day_files(self._delta(table), day).keys():
            self._commit_files(table, wanted.values(), [("date", "=", day.isoformat())])

    def append_records(self, records: Sequence[Mapping[str, Any]], table: str) -> int:
        """Add a few records, such as results of checks, to `table`; no engine is needed. Return the version written.

        Raises
        ------
        TableGuardError
            If columns differ from the contract or a required value is null.
        OutlivedLeaseError
            If another run has taken over the claim of this warehouse's fence.
        """
        contract = self.ensure(table)
        delta = self._delta(table)
        properties = commit_properties(delta, self.fence)
        write_deltalake(delta, records_table(records, contract), mode="append", commit_properties=properties)
        return _version_after_commit(delta, table)

    def replace_day_records(
        self, records: Sequence[Mapping[str, Any]], table: str, day: date, *, seen: int, locks: Sequence[str] = ()
    ) -> int:
        """Replace the rows of `day` by `records` if the day's rows have not changed since version `seen`.

        `locks` are names: the commit also fails if another commit since `seen` carries one of them.

        Raises
        ------
        ConcurrentWriteError
            If another process changed this day of the table, or committed with one of the locks, since `seen`.
        OutlivedLeaseError
            If another run has taken over the claim of this warehouse's fence.
        """
        contract = self.ensure(table)
        if self.fence is not None:
            commit_properties(self._delta(table), self.fence)  # the fence may have been raised since version `seen`
        delta = self._delta(table, seen)
        held = [Transaction(name, seen + 1) for name in (f"{table}/{day.isoformat()}", *locks)]
        try:
            write_deltalake(
                delta,
                records_table(records, contract),
                mode="overwrite",
                predicate=f"date = '{day.isoformat()}'",
                commit_properties=commit_properties(delta, self.fence, held),
            )
        except CommitFailedError as error:
            raise ConcurrentWriteError(f"another run wrote {table} of {day} at the same time: {error}") from error
        return _version_after_commit(delta, table)

    def rewrite_day_records(
        self, table: str, day: date, change: Callable[[list[dict[str, Any]], int], Sequence[Mapping[str, Any]]]
    ) -> None:
        """Replace the rows of `day` by ``change(rows, version to be written)`` in one commit.

        If another process commits in between, the rows are read and changed again, up to a fixed number of attempts.

        Raises
        ------
        ConcurrentWriteError
            If another process came first in every attempt.
        """
        self.ensure(table)

        def rewrite() -> None:
            seen = self.version(table)
            rows = self.read_arrow(table, day=day, version=seen).to_pylist()
            self.replace_day_records(change(rows, seen + 1), table, day, seen=seen)

        _retrying(ConcurrentWriteError, attempts=12, growth=1.6)(rewrite)

    def restore(self, table: str, version: int | None) -> None:
        """Give `table` the rows that it had at `version`, or no rows if that is None (the table did not exist then).

        This is one commit, so the versions in between stay readable. Does nothing if the table does not exist.
        """
        if not self.exists(table):
            return
        delta = self._delta(table)
        if delta.version() > (version or 0):
            delta.restore(version or 0, commit_properties=commit_properties(delta, self.fence))

    def optimize(self, table: str) -> dict[str, int]:
        """Rewrite the small files of each day as few large ones; rows stay the same.

        Returns
        -------
        dict
            Numbers of files: ``removed`` and ``added``.

        Raises
        ------
        ConcurrentWriteError
            If another run committed in between; then nothing has changed.
        """
        delta = self._delta(table)
        properties = commit_properties(delta, self.fence)
        try:
            metrics = delta.optimize.compact(commit_properties=properties)
        except CommitFailedError as error:
            raise ConcurrentWriteError(f"another run wrote {table} at the same time: {error}") from error
        return {"removed": metrics["numFilesRemoved"], "added": metrics["numFilesAdded"]}

    def vacuum(self, table: str, keep: Collection[int], older_than: timedelta, *, dry_run: bool) -> list[str]:
        """Delete the files that no kept version needs, and return their names; with `dry_run` delete nothing.

        Kept are the latest version, the versions in `keep`, and those younger than `older_than`.
        """
        return self._delta(table).vacuum(
            retention_hours=math.ceil(older_than.total_seconds() / 3600),
            dry_run=dry_run,
            enforce_retention_duration=False,  # the table's ten years protect against deletions without the ledger
            keep_versions=sorted(keep),
        )

    @contextmanager
    def linked_copy(self) -> Iterator[Warehouse]:
        """Copy all tables to a temporary folder, which is deleted when the block ends; the originals do not change.

        Delta never changes a file that it has written. So the copy shares files with the original by hard links where
        the file system has them, and costs little.

        Raises
        ------
        InputError
            If the root is a URI and not a local folder.
        """
        if not isinstance(self.root, Path):
            raise InputError(f"tables under {self.root} cannot be copied for a dry run: they are not in a local folder")
        with TemporaryDirectory(prefix="creatorpool-") as scratch:
            for table in sorted(self.root.glob("*/_delta_log")):
                shutil.copytree(table.parent, Path(scratch) / table.parent.name, copy_function=_link_or_copy)
            yield replace(self, root=Path(scratch))

    def frame(self, records: Sequence[Mapping[str, Any]], table: str) -> DataFrame:
        """A few records as a frame with the columns of `table`'s contract; needs a session."""
        schema = spark_schema(self.contract(table))
        rows = [tuple(record[name] for name in schema.names) for record in records]
        return self._session(table).createDataFrame(rows, schema)

    def arrow_frame(self, rows: pa.Table, table: str) -> DataFrame:
        """An Arrow table with the columns of `table` as a frame; needs a session."""
        return self._session(table).createDataFrame(rows, spark_schema(self.contract(table)))

    def _session(self, table: str) -> SparkSession:
        if self.session is None:
            raise RuntimeError(f"'{table}' as a frame needs a session; this warehouse has none")
        return self.session

    def engine_root(self) -> Path | str:
        """The root as the engine must be given it, for files beside the tables that the engine reads."""
        place = engine_path(self.root, is_embedded=is_embedded(self._session("files beside the tables")))
        return Path(place) if isinstance(self.root, Path) else place

    def _engine_path(self, table: str) -> str:
        return f"{self.engine_root()}/{table}"

    def _staged(self, rows: DataFrame, contract: Contract, mode: Mode, day: date | None) -> StagedRows:
        folder = staging_folder(day)
        writer = rows.write.mode("error")
        if day is None and contract.partition_by:
            writer = writer.partitionBy(*contract.partition_by)
        try:
            writer.parquet(f"{self._engine_path(contract.name)}/{folder}")
        except Exception as error:
            raise as_guard_error(error) or error from error
        return self._found(contract, mode, day, folder)

    def _found(self, contract: Contract, mode: Mode, day: date | None, folder: str) -> StagedRows:
        found = list(found_files(self.path(contract.name), folder, day))
        return StagedRows(contract.name, mode, day, folder, tuple(add for add, _ in found), sum(n for _, n in found))

    def _commit_files(self, table: str, files: Iterable[AddAction], filters: Any, *, is_append: bool = False) -> int:
        def commit() -> DeltaTable:
            delta = self._delta(table)
            delta.create_write_transaction(
                [*files],
                mode="append" if is_append else "overwrite",
                schema=delta.schema(),
                partition_by=list(self.contract(table).partition_by) or None,
                partition_filters=filters,
                commit_properties=commit_properties(delta, self.fence),
            )
            return delta

        delta = _retrying(CommitFailedError, attempts=8, growth=2)(commit)
        delta.update_incremental()
        return delta.version()

    @staticmethod
    def _day_files(delta: DeltaTable, day: date) -> dict[str, AddAction]:
        """The files of `day` in the loaded version, by name."""
        found = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
        partition = {"date": day.isoformat()}
        return {
            row["path"]: AddAction(
                row["path"], row["size_bytes"], partition, 0, True, json.dumps({"numRecords": row["num_records"]})
            )
            for row in found
            if str(row["partition.date"]) == day.isoformat()
        }

    def _delta(self, table: str, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(self.path(table), version=version)
        except TableNotFoundError as error:
            raise MissingTableError(f"table '{table}' does not exist under {self.root}") from error

    def _add_new_columns(self, contract: Contract) -> None:
        delta = self._delta(contract.name)
        stored = {field.name for field in delta.schema().fields}
        required = [column.name for column in contract.columns if column.name not in stored and not column.nullable]
        if required:
            raise TableGuardError(
                f"{contract.name}: contract {contract.version} requires the new columns {required}, but stored rows "
                f"have no value for them; set 'required: false' in the contract"
            )
        added = pa.schema([field for field in arrow_schema(contract) if field.name not in stored])
        if len(added):
            delta.alter.add_columns(_delta_fields(added))


def _retrying(conflict: type[Exception], *, attempts: int, growth: float) -> Retrying:
    """Repeat a call that raised `conflict`, so that it reads table and fence again; raise the last attempt's error.

    It waits 0.05 s before the second attempt, and `growth` times longer before each further one.
    """
    return Retrying(
        retry=retry_if_exception_type(conflict),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential(multiplier=0.05, exp_base=growth),
        reraise=True,
    )


def _version_after_commit(delta: DeltaTable, table: str) -> int:
    """The version of `delta` after a commit; tables in `_CURRENT_ONLY` get a checkpoint at regular versions."""
    delta.update_incremental()
    version = delta.version()
    if table in _CURRENT_ONLY and version % _COMMITS_PER_CHECKPOINT == 0:
        delta.create_checkpoint()
    return version


def sum_exact(column: str) -> Column:
    """Sum of a BIGINT column as BIGINT; the query fails on overflow, whereas Sail's own SUM wraps around silently."""
    return F.sum(F.col(column).cast("decimal(38,0)")).cast("bigint")


def _version_name(version: int | None) -> str:
    return "the latest version" if version is None else f"version {version}"


def _delta_fields(schema: pa.Schema) -> Any:
    from deltalake import Schema

    return Schema.from_arrow(schema).fields


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
