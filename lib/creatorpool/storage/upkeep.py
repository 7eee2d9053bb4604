"""Upkeep of tables: fewer and larger files, deletion of old ones, and copies for dry runs."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from deltalake.exceptions import CommitFailedError

from creatorpool.errors import ConcurrentWriteError, InputError
from creatorpool.storage.fence import commit_properties
from creatorpool.storage.location import TableLocation


class TableUpkeep(TableLocation):
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
        return self._delta(table).vacuum(
            retention_hours=math.ceil(older_than.total_seconds() / 3600),
            dry_run=dry_run,
            enforce_retention_duration=False,  # the table's ten years protect against deletions without the ledger
            keep_versions=sorted(keep),
        )

    @contextmanager
    def linked_copy(self) -> Iterator[Self]:
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


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
