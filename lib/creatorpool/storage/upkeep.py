"""Upkeep of tables: fewer and larger files, deletion of old ones, and copies for dry runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from deltalake.exceptions import CommitFailedError

from creatorpool.errors import ConcurrentWriteError
from creatorpool.storage.checkpoints import checkpoint
from creatorpool.storage.fence import commit_properties
from creatorpool.storage.files import remove_file, tables_copy
from creatorpool.storage.gathered import LEDGERS
from creatorpool.storage.log import superseded_files
from creatorpool.storage.reading import TableReader


class TableUpkeep(TableReader):
    """Tables whose files can be rewritten, deleted and copied."""

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
        properties = commit_properties(delta, self.fences)
        try:
            metrics = delta.optimize.compact(commit_properties=properties)
        except CommitFailedError as error:
            raise ConcurrentWriteError(f"another run wrote {table} at the same time: {error}") from error
        return {"removed": metrics["numFilesRemoved"], "added": metrics["numFilesAdded"]}

    def vacuum(self, table: str, keep: Collection[int], older_than: timedelta, *, dry_run: bool) -> list[str]:
        """Delete the files that no kept version needs, and return their names; with `dry_run` delete nothing.

        Kept are the latest version, the versions in `keep`, and those younger than `older_than`.
        """
        delta = self._delta(table)
        options: dict[str, Any] = {
            "retention_hours": math.ceil(older_than.total_seconds() / 3600),
            # The table's ten years protect against deletions without the ledger.
            "enforce_retention_duration": False,
        }
        # To find the files of hundreds of kept versions takes minutes.
        if not delta.vacuum(dry_run=True, **options):
            return []
        return delta.vacuum(dry_run=dry_run, keep_versions=sorted(keep), **options)

    def settle(self, table: str) -> None:
        """Make the latest version quick to open: write a checkpoint of it, and gather the rows of a ledger."""
        checkpoint(self._delta(table), self.root / table)
        if table in LEDGERS:
            self.gather(table)

    def shorten_log(self, table: str, older_than: timedelta, *, dry_run: bool) -> int:
        """Remove the files of the log that only versions need which others replaced longer than `older_than` ago.

        These versions cannot be read any more. All others stay readable, and the tokens of fences stay known. Return
        the number of files; with `dry_run` remove nothing.
        """
        files = superseded_files(self.root / table, datetime.now(UTC) - older_than)
        for file in () if dry_run else files:
            remove_file(file)
        return len(files)

    @contextmanager
    def trial_copy(self) -> Iterator[Self]:
        """The same tables, copied to a place that is deleted when the block ends (`storage.files.tables_copy`)."""
        with tables_copy(self.root) as copy:
            yield replace(self, root=copy)
