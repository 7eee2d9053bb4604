"""Commits a few records of this process, such as rows of the ledgers; no engine is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from deltalake import DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from creatorpool.errors import ConcurrentWriteError
from creatorpool.storage.checkpoints import checkpoint_regularly
from creatorpool.storage.commits import retrying
from creatorpool.storage.creation import TableCreator
from creatorpool.storage.fence import commit_properties
from creatorpool.storage.gathered import LEDGERS
from creatorpool.storage.reading import TableReader
from creatorpool.storage.records import records_table


class RecordCommitter(TableCreator, TableReader):
    """Tables whose records can be replaced, or added to."""

    def append_records(self, records: Sequence[Mapping[str, Any]], table: str) -> int:
        """Add a few records, such as results of checks, to `table`; no engine is needed. Return the version written.

        Raises
        ------
        TableGuardError
            If columns differ from the contract or a required value is null.
        OutlivedLeaseError
            If another run has taken over the claim of one of this warehouse's fences.
        """
        contract = self.ensure(table)
        delta = self._delta(table)
        properties = commit_properties(delta, self.fences)
        write_deltalake(delta, records_table(records, contract), mode="append", commit_properties=properties)
        return self._version_after_commit(delta, table)

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
            If another run has taken over the claim of one of this warehouse's fences.
        """
        contract = self.ensure(table)
        if self.fences:
            commit_properties(self._delta(table), self.fences)  # the fence may have been raised since version `seen`
        delta = self._delta(table, seen)
        held = [Transaction(name, seen + 1) for name in (f"{table}/{day.isoformat()}", *locks)]
        try:
            write_deltalake(
                delta,
                records_table(records, contract),
                mode="overwrite",
                predicate=f"date = '{day.isoformat()}'",
                commit_properties=commit_properties(delta, self.fences, held),
            )
        except CommitFailedError as error:
            raise ConcurrentWriteError(f"another run wrote {table} of {day} at the same time: {error}") from error
        return self._version_after_commit(delta, table)

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

        retrying(ConcurrentWriteError, attempts=12, growth=1.6)(rewrite)

    def _version_after_commit(self, delta: DeltaTable, table: str) -> int:
        delta.update_incremental()
        version = delta.version()
        if checkpoint_regularly(delta, self.root / table) and table in LEDGERS:
            self.gather(table)
        return version
