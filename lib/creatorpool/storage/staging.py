"""Writes rows to files that a later commit adds to a table.

Engines accept rows that would corrupt a table: another schema, rows of another day than the replaced one, missing
required values. The checks here refuse such rows before the commit, so that the table stays as it was. They are part of
the written expressions and need no separate pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from creatorpool.contracts import Contract
from creatorpool.contracts.schema import SPARK_TYPES, require_schema, spark_schema
from creatorpool.errors import TableGuardError
from creatorpool.refusal import GUARD, refused
from creatorpool.storage.creation import TableCreator
from creatorpool.storage.records import records_table
from creatorpool.storage.staged import Mode, StagedRows, found_files, staging_folder, write_file


class TableStager(TableCreator):
    """Tables for which rows can be staged."""

    def stage_day(self, rows: DataFrame, table: str, day: date) -> StagedRows:
        """Write files with `rows`, which will replace the rows of `day` in `table`; column `date` may be missing.

        Raises
        ------
        TableGuardError
            If columns or types differ from the contract, a row belongs to another day, or a required value is null.
        """
        contract = self.ensure(table)
        own = _of_day(rows, table, day) if "date" in rows.columns else rows.withColumn("date", F.lit(day))
        # The day is in the folder's name and in the log.
        return self._staged(_guarded(own, contract).drop("date"), contract, "replace_day", day)

    def stage_append(self, rows: DataFrame, table: str) -> StagedRows:
        """Write files with `rows`, which will be added to `table`; raises as `stage_day` does."""
        contract = self.ensure(table)
        return self._staged(_guarded(rows, contract), contract, "append", None)

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
        return self._staged(_guarded(rows, contract), contract, "overwrite", None)

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
            raise TableGuardError(_other_day_message(table, day))
        folder = staging_folder(day)
        if rows.num_rows:
            write_file(rows.drop_columns(["date"]), self.root / table, folder)
        return self._found(contract, "replace_day", day, folder)

    def read_staged(self, staged: StagedRows) -> DataFrame:
        """The staged rows with the table's columns, as they will be after the commit."""
        contract = self.contract(staged.table)
        session, schema = self._session(staged.table), spark_schema(contract)
        if not staged.files:
            return session.createDataFrame([], schema)
        if staged.day is None and contract.partition_by:
            raise RuntimeError(f"{staged.table}: files of several days are read once they are committed")
        stored = [field for field in schema.fields if staged.day is None or field.name != "date"]
        # Files do not say that a value is never null, and Sail 0.7 refuses lists of which a schema says so.
        own = StructType([StructField(field.name, field.dataType, True, field.metadata) for field in stored])
        rows = session.read.schema(own).parquet(f"{self._engine_path(staged.table)}/{staged.folder}")
        return rows if staged.day is None else rows.withColumn("date", F.lit(staged.day)).select(*schema.names)

    def _staged(self, rows: DataFrame, contract: Contract, mode: Mode, day: date | None) -> StagedRows:
        folder = staging_folder(day)
        writer = rows.write.mode("error")
        if day is None and contract.partition_by:
            writer = writer.partitionBy(*contract.partition_by)
        try:
            writer.parquet(f"{self._engine_path(contract.name)}/{folder}")
        except Exception as error:
            raise _as_guard_error(error) or error from error
        return self._found(contract, mode, day, folder)

    def _found(self, contract: Contract, mode: Mode, day: date | None, folder: str) -> StagedRows:
        found = list(found_files(self.root / contract.name, folder, day))
        return StagedRows(contract.name, mode, day, folder, tuple(add for add, _ in found), sum(n for _, n in found))


def _other_day_message(table: str, day: date) -> str:
    """The message where a write that replaces `day` has a row of another day."""
    return f"{table}: a row does not belong to {day.isoformat()}, the day whose rows are replaced"


def _of_day(rows: DataFrame, table: str, day: date) -> DataFrame:
    """`rows`, with a check that stops the query at a row of another day than `day`."""
    fault = F.lit(_other_day_message(table, day))
    return rows.where(F.when(F.col("date") == F.lit(day), F.lit(True)).otherwise(refused(fault, "boolean")))


def _guarded(rows: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns of `rows`, in its order, with a check that stops the query at a required value of null.

    Raises
    ------
    TableGuardError
        If columns or types differ from the contract.
    """
    require_schema(rows.schema, contract)
    return rows.select(*(_guarded_column(c.name, c.type, c.nullable, contract.name) for c in contract.columns))


def _guarded_column(name: str, kind: str, nullable: bool, table: str) -> Column:
    value = F.col(name)
    if nullable:
        return value
    fault = F.lit(f"{table}: required column '{name}' is null in a row")
    return F.when(value.isNotNull(), value).otherwise(refused(fault, SPARK_TYPES[kind])).alias(name)


def _as_guard_error(error: Exception) -> TableGuardError | None:
    """The TableGuardError for an engine's error that a guarded expression raised; None for any other error."""
    text = str(error)
    if GUARD not in text:
        return None
    return TableGuardError(text.split(GUARD, 1)[1].strip().splitlines()[0])
