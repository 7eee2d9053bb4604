"""Reading and writing Delta tables: the only module that touches storage.

Engines let pass what would corrupt a table: another schema, rows outside the replaced day, missing values, dynamic
partition overwrite. Writes here refuse all of it, on every engine, before or while the rows are written and never
after: the checks are part of the written expression, so they cost no pass of their own, and a broken one leaves the
table as it was.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, load_contract
from creatorpool.contracts.schema import SPARK_TYPES, require_schema, spark_schema
from creatorpool.errors import InputError, MissingTableError, RunInProgressError, TableGuardError
from creatorpool.refusal import GUARD, refused

_ARROW_TYPES: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "ARRAY<STRING>": pa.list_(pa.string()),
}
_TABLE_PROPERTIES = {
    # Readers without Spark (deltalake, Polars) must be able to read every table.
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    # The ledger names the versions that a published day stands in: these must stay readable for as long as anybody may
    # ask about a payout. Maintenance may shorten it, on purpose.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    # Sail 0.7 cannot read a version before the latest checkpoint, and published days stand in such versions. A log
    # without checkpoints is read commit by commit: some thousand a year.
    "delta.checkpointInterval": "2000000000",
}
_WRITE_ATTEMPTS = 5


@dataclass(frozen=True)
class Warehouse:
    """All tables under one root folder or URI, each at ``root/<table>``; without a session, records and Arrow only."""

    session: SparkSession | None
    root: Path | str
    contracts_directory: Path | None = None

    def path(self, table: str) -> str:
        """Where `table` is."""
        return f"{self.root}/{table}"

    def contract(self, table: str) -> Contract:
        """The contract of `table`."""
        return load_contract(table, self.contracts_directory)

    def exists(self, table: str) -> bool:
        """Whether `table` has been created."""
        return DeltaTable.is_deltatable(self.path(table))

    def version(self, table: str) -> int:
        """Latest Delta version of `table`."""
        return self._delta(table).version()

    def versions(self, *tables: str) -> dict[str, int]:
        """Latest version of each of `tables`: what a run records of its inputs and outputs."""
        return {table: self.version(table) for table in sorted(tables)}

    def read(self, table: str, *, day: date | None = None, version: int | None = None) -> DataFrame:
        """Rows of `table`, of one day if given, as of `version` if given; MissingTableError if there is none."""
        if not self.exists(table):
            raise MissingTableError(f"table '{table}' does not exist under {self.root}")
        if self.session is None:
            raise RuntimeError(f"reading '{table}' as a frame needs a session; this warehouse has none")
        reader = self.session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(self.path(table))
        return rows if day is None else rows.where(F.col("date") == F.lit(day))

    def read_arrow(
        self, table: str, columns: Sequence[str] | None = None, *, day: date | None = None, version: int | None = None
    ) -> pa.Table:
        """The same rows, in no promised order, brought to this process without an engine."""
        contract = self.contract(table)
        names = list(columns or (column.name for column in contract.columns))
        schema = arrow_schema(contract)
        stored = pa.schema([field for field in schema if field.name not in contract.partition_by])
        files = self.files(table, day=day, version=version)
        partitioning = pads.partitioning(
            pa.schema([schema.field(name) for name in contract.partition_by]), flavor="hive"
        )
        source = pads.dataset(files, schema=pa.unify_schemas([stored, partitioning.schema]), partitioning=partitioning)
        return source.to_table(columns=names)

    def files(self, table: str, *, day: date | None = None, version: int | None = None) -> list[str]:
        """The Parquet files that hold the rows of `table`, of one day if given, for readers that know no Delta."""
        wanted = None if day is None else [("date", "=", day.isoformat())]
        files = self._delta(table, version).file_uris(file_pruning_predicate=wanted)
        # Local paths come percent-encoded, as in the log.
        return files if "://" in str(self.root) else [unquote(file) for file in files]

    def count_stored(self, table: str, *, day: date | None = None, version: int | None = None) -> int:
        """How many rows the files of a version hold, told by the files themselves.

        Raises
        ------
        MissingTableError
            If the version is not readable any more: its log or a file of it is gone.
        """
        try:
            files = self.files(table, day=day, version=version)
            return int(pads.dataset(files, format="parquet").count_rows()) if files else 0
        except (DeltaError, OSError) as error:
            place = "the latest version" if version is None else f"version {version}"
            raise MissingTableError(f"{place} of {table} is not readable: {error}") from error

    def ensure(self, table: str) -> Contract:
        """Create `table` from its contract, or add the nullable columns that the contract gained since."""
        contract = self.contract(table)
        if not self.exists(table):
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
        return contract

    def replace_day(self, rows: DataFrame, table: str, day: date) -> int:
        """Replace the rows of `day` in `table` by `rows`, which may leave out `date`; returns the version written.

        Raises
        ------
        TableGuardError
            If columns or types differ from the contract, a row is of another day, or a required value is null.
        """
        contract = self.ensure(table)
        guarded = _guarded(rows if "date" in rows.columns else rows.withColumn("date", F.lit(day)), contract, day)
        if any(column.type.startswith("ARRAY") for column in contract.columns):
            # Sail 0.7 cannot replace rows with arrays. Two commits instead; readers of a published version see neither.
            def save(path: str) -> None:
                DeltaTable(path).delete(f"date = '{day.isoformat()}'")
                guarded.write.format("delta").mode("append").save(path)

            return self._save(save, table)
        predicate = f"date = DATE'{day.isoformat()}'"
        return self._save(guarded.write.format("delta").mode("overwrite").option("replaceWhere", predicate).save, table)

    def append(self, rows: DataFrame, table: str) -> int:
        """Add `rows` to `table`; returns the version written. That a re-run adds nothing twice is the caller's part."""
        contract = self.ensure(table)
        # Once only: a commit whose answer was lost must not be repeated.
        return self._save(_guarded(rows, contract).write.format("delta").mode("append").save, table, attempts=1)

    def overwrite(self, rows: DataFrame, table: str) -> int:
        """Replace all of `table`, which must not be partitioned by day; returns the version written."""
        contract = self.ensure(table)
        if contract.partition_by:
            raise TableGuardError(f"{table}: is kept by {list(contract.partition_by)} and never overwritten whole")
        return self._save(_guarded(rows, contract).write.format("delta").mode("overwrite").save, table)

    def append_records(self, records: Sequence[Mapping[str, Any]], table: str) -> int:
        """Add a few rows that this process made, such as results of checks, without an engine."""
        contract = self.ensure(table)
        write_deltalake(self._delta(table), _records_table(records, contract), mode="append")
        return self.version(table)

    def replace_day_records(
        self, records: Sequence[Mapping[str, Any]], table: str, day: date, *, seen: int, locks: Sequence[str] = ()
    ) -> int:
        """Replace the rows of `day` by `records`, provided that nothing of that day changed since version `seen`.

        With `locks`, provided also that no commit since then had one of the same locks.

        Raises
        ------
        RunInProgressError
            If another process wrote this day of the table, or held one of the locks, in between.
        """
        contract = self.ensure(table)
        delta = self._delta(table, seen)
        held = [Transaction(name, seen + 1) for name in (f"{table}/{day.isoformat()}", *locks)]
        try:
            write_deltalake(
                delta,
                _records_table(records, contract),
                mode="overwrite",
                predicate=f"date = '{day.isoformat()}'",
                commit_properties=CommitProperties(app_transactions=held),
            )
        except CommitFailedError as error:
            raise RunInProgressError(f"another run wrote {table} of {day} at the same time: {error}") from error
        return self.version(table)

    def restore(self, table: str, version: int | None) -> None:
        """Put `table` back to what it was at `version`, or to empty if it did not exist; nothing to do if it never did.

        One commit: the versions in between stay readable.
        """
        if self.exists(table) and self.version(table) > (version or 0):
            self._delta(table).restore(version or 0)

    def optimize(self, table: str) -> dict[str, int]:
        """Rewrite the small files of each day as few large ones; how many files went and came. Rows stay the same."""
        metrics = self._delta(table).optimize.compact()
        return {"removed": metrics["numFilesRemoved"], "added": metrics["numFilesAdded"]}

    def vacuum(self, table: str, keep: Collection[int], older_than: timedelta, *, dry_run: bool) -> list[str]:
        """Delete files that neither the latest version, nor one of `keep`, nor one younger than `older_than` needs.

        Returns their names; with `dry_run` nothing is deleted.
        """
        return self._delta(table).vacuum(
            retention_hours=math.ceil(older_than.total_seconds() / 3600),
            dry_run=dry_run,
            enforce_retention_duration=False,  # the table's own ten years are for whoever deletes without the ledger
            keep_versions=sorted(keep),
        )

    @contextmanager
    def linked_copy(self) -> Iterator[Warehouse]:
        """All tables as they stand, in a folder that is gone when the block ends: what is written there stays there.

        Delta never changes a file that it has written, so the copy shares its files with the original where the file
        system can link them, and costs little.

        Raises
        ------
        InputError
            If the tables are not in a folder of this machine.
        """
        if not isinstance(self.root, Path):
            raise InputError(f"tables under {self.root} cannot be copied for a trial: they are not in a local folder")
        with TemporaryDirectory(prefix="creatorpool-") as scratch:
            for table in sorted(self.root.glob("*/_delta_log")):
                shutil.copytree(table.parent, Path(scratch) / table.parent.name, copy_function=_link_or_copy)
            yield replace(self, root=Path(scratch))

    def frame(self, records: Sequence[Mapping[str, Any]], table: str) -> DataFrame:
        """A few records as a frame with the columns of `table`'s contract."""
        if self.session is None:
            raise RuntimeError(f"records of '{table}' as a frame need a session; this warehouse has none")
        schema = spark_schema(self.contract(table))
        rows = [tuple(record[name] for name in schema.names) for record in records]
        return self.session.createDataFrame(rows, schema)

    def _delta(self, table: str, version: int | None = None) -> DeltaTable:
        if not self.exists(table):
            raise MissingTableError(f"table '{table}' does not exist under {self.root}")
        return DeltaTable(self.path(table), version=version)

    def _add_new_columns(self, contract: Contract) -> None:
        delta = self._delta(contract.name)
        stored = {field.name for field in delta.schema().fields}
        added = pa.schema([field for field in arrow_schema(contract) if field.name not in stored])
        if not len(added):
            return
        for field in added:
            if not field.nullable:
                raise TableGuardError(
                    f"{contract.name}: contract {contract.version} requires the new column '{field.name}', which rows "
                    f"already stored cannot have; make it nullable"
                )
        delta.alter.add_columns(_delta_fields(added))

    def _save(self, save: Callable[[str], None], table: str, attempts: int = _WRITE_ATTEMPTS) -> int:
        for attempt in range(attempts):
            try:
                save(self.path(table))
            except Exception as error:
                # Engines name a lost race differently; all say that somebody else's commit came first.
                if attempt + 1 == attempts or not _is_conflict(error):
                    raise _as_guard_error(error) or error from error
                time.sleep(0.2 * 2**attempt)
            else:
                break
        return self.version(table)


def arrow_schema(contract: Contract) -> pa.Schema:
    """The contract's columns as Arrow fields."""
    return pa.schema([pa.field(c.name, _ARROW_TYPES[c.type], nullable=True) for c in contract.columns])


def sum_exact(column: str) -> Column:
    """Σ of a BIGINT column as BIGINT, raising where it does not fit: Sail's own SUM wraps around silently."""
    return F.sum(F.col(column).cast("decimal(38,0)")).cast("bigint")


def _guarded(rows: DataFrame, contract: Contract, day: date | None = None) -> DataFrame:
    require_schema(rows.schema, contract)
    return rows.select(*(_guarded_column(c.name, c.type, c.nullable, contract.name, day) for c in contract.columns))


def _guarded_column(name: str, kind: str, nullable: bool, table: str, day: date | None) -> Column:
    value = F.col(name)
    if name == "date" and day is not None:
        fault = F.lit(f"{table}: a row is not of {day.isoformat()}, the day being replaced")
        return F.when(value == F.lit(day), value).otherwise(refused(fault, SPARK_TYPES[kind])).alias(name)
    if nullable:
        return value
    fault = F.lit(f"{table}: required column '{name}' is null in a row")
    return F.when(value.isNotNull(), value).otherwise(refused(fault, SPARK_TYPES[kind])).alias(name)


_CONFLICTS = ("concurrent", "missing commit file", "already exists", "transaction failed", "commit failed")


def _is_conflict(error: Exception) -> bool:
    text = f"{type(error).__name__} {error}".lower()
    return any(sign in text for sign in _CONFLICTS)


def _as_guard_error(error: Exception) -> TableGuardError | None:
    """The refusal that a guarded expression raised inside the engine, if that is what `error` carries."""
    text = str(error)
    if GUARD not in text:
        return None
    return TableGuardError(text.split(GUARD, 1)[1].strip().splitlines()[0])


def _records_table(records: Sequence[Mapping[str, Any]], contract: Contract) -> pa.Table:
    expected = {column.name for column in contract.columns}
    for record in records:
        if set(record) != expected:
            raise TableGuardError(f"{contract.name}: got columns {sorted(record)}, contract has {sorted(expected)}")
        empty = [c.name for c in contract.columns if not c.nullable and record[c.name] is None]
        if empty:
            raise TableGuardError(f"{contract.name}: required columns {empty} are null in {dict(record)}")
    return pa.Table.from_pylist([dict(record) for record in records], schema=arrow_schema(contract))


def _delta_fields(schema: pa.Schema) -> Any:
    from deltalake import Schema

    return Schema.from_arrow(schema).fields


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
