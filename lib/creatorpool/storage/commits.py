"""Commits staged rows. A commit is one change of one table, and the claim of the run fences it (`storage.fence`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction
from pyspark.sql import DataFrame
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from creatorpool.errors import TableGuardError
from creatorpool.storage.checkpoints import checkpoint_regularly
from creatorpool.storage.fence import commit_properties, raise_fences
from creatorpool.storage.staged import StagedRows
from creatorpool.storage.staging import TableStager


class TableCommitter(TableStager):
    """Tables whose rows can be replaced, or added to."""

    def commit(self, staged: StagedRows) -> int:
        """Add staged files to their table, in one commit; return the version written.

        Raises
        ------
        OutlivedLeaseError
            If another run has taken over the claim of one of this warehouse's fences.
        """
        filters = None if staged.day is None else [("date", "=", staged.day.isoformat())]
        return self._commit_files(staged.table, staged.files, filters, is_append=staged.mode == "append")

    def replace_day(self, rows: DataFrame, table: str, day: date) -> int:
        """Replace the rows of `day` in `table`; return the version written. Raises as `stage_day` and `commit` do."""
        return self.commit(self.stage_day(rows, table, day))

    def append(self, rows: DataFrame, table: str, number: int | None = None) -> int:
        """Add `rows` to `table`; return the version written. The caller ensures that no row is added twice.

        Raises
        ------
        TableGuardError
            If there are not `number` rows, unless that is None; nothing is committed then.
        """
        staged = self.stage_append(rows, table)
        if number not in (None, staged.rows):
            raise TableGuardError(f"{table}: {staged.rows} rows were written, where {number} were counted")
        return self.commit(staged)

    def overwrite(self, rows: DataFrame, table: str) -> int:
        """Replace all rows of `table`; return the version written. Raises as `stage_overwrite` and `commit` do."""
        return self.commit(self.stage_overwrite(rows, table))

    def restore_day(self, table: str, day: date, version: int | None) -> None:
        """Give `day` in `table` the rows that it had at `version`, or no rows if that is None.

        Commits nothing if `day` has these rows already, or if the table does not exist.
        """
        if not self.exists(table):
            return
        wanted = {} if version is None else _day_files(self._delta(table, version), day)
        if wanted.keys() != _day_files(self._delta(table), day).keys():
            self._commit_files(table, wanted.values(), [("date", "=", day.isoformat())])

    def restore(self, table: str, version: int | None) -> None:
        """Give `table` the rows that it had at `version`, or no rows if that is None (the table did not exist then).

        This is one commit, so the versions in between stay readable. Does nothing if the table does not exist.
        """
        if not self.exists(table):
            return
        delta = self._delta(table)
        if delta.version() > (version or 0):
            delta.restore(version or 0, commit_properties=commit_properties(delta, self.fences))

    def raise_fences(self, tables: Collection[str]) -> None:
        """Make later commits to `tables` by earlier holders of this warehouse's claim fail.

        Raises
        ------
        OutlivedLeaseError
            If another run has taken over the claim already.
        """
        if not self.fences:
            raise RuntimeError("raising a fence needs the fence of a claim")
        for table in tables:
            if self.exists(table):
                raise_fences(self._delta(table), self.fences)

    def _commit_files(self, table: str, files: Iterable[AddAction], filters: Any, *, is_append: bool = False) -> int:
        added: Sequence[AddAction] = [*files]
        was_sent = False

        def commit() -> DeltaTable:
            nonlocal was_sent
            delta = self._delta(table)
            if was_sent and _has_files(delta, added, filters, is_append=is_append):
                return delta  # an object store committed it and its answer was lost, so the client met its own commit
            was_sent = True
            delta.create_write_transaction(
                [*added],
                mode="append" if is_append else "overwrite",
                schema=delta.schema(),
                partition_by=list(self.contract(table).partition_by) or None,
                partition_filters=filters,
                # deltalake would take its own commit, whose answer was lost, for another one, and repeat it.
                commit_properties=commit_properties(delta, self.fences, repetitions=0),
            )
            return delta

        delta = retrying(CommitFailedError, attempts=8, growth=2)(commit)
        delta.update_incremental()
        checkpoint_regularly(delta, self.root / table)
        return delta.version()


def _has_files(delta: DeltaTable, files: Sequence[AddAction], filters: Any, *, is_append: bool) -> bool:
    """Whether the loaded version is what a commit of `files` leaves: they are in it, and where it replaces, alone."""
    present = set(pa.table(delta.get_add_actions(flatten=True))["path"].to_pylist())
    if filters is not None:
        ((column, _, value),) = filters
        present = {path for path in present if path.startswith(f"{column}={value}/")}
    named = {file.path for file in files}
    return named <= present if is_append else named == present


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


def retrying(conflict: type[Exception], *, attempts: int, growth: float) -> Retrying:
    """Repeat a call that raised `conflict`, so that it reads table and fence again; raise the last attempt's error.

    It waits 0.05 s before the second attempt, and `growth` times longer before each further one.
    """
    return Retrying(
        retry=retry_if_exception_type(conflict),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential(multiplier=0.05, exp_base=growth),
        reraise=True,
    )
