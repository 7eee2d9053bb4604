"""Checkpoints of tables' logs: to open a table costs little, however many commits it has.

Delta's readers may find the latest checkpoint by the file `_last_checkpoint`, or by listing the log. Sail 0.7 begins to
list at the checkpoint that the file names, and so fails on every version before it. Without the file it reads every
version, as Spark, deltalake and Polars do. So the file is removed.
"""

from __future__ import annotations

from deltalake import DeltaTable

from creatorpool.storage.files import remove_file
from creatorpool.storage.places import Place

COMMITS_PER_CHECKPOINT = 20


def checkpoint_regularly(delta: DeltaTable, table: Place) -> bool:
    """Write a checkpoint of the loaded version of `table` if its turn has come; return whether it has."""
    version = delta.version()
    is_due = version > 0 and version % COMMITS_PER_CHECKPOINT == 0
    if is_due:
        checkpoint(delta, table)
    return is_due


def checkpoint(delta: DeltaTable, table: Place) -> None:
    """Write a checkpoint of the loaded version of `table`."""
    delta.create_checkpoint()
    remove_hint(table)


def remove_hint(table: Place) -> None:
    """Remove `_last_checkpoint`: earlier versions of creatorpool, or a run that was killed, left it."""
    remove_file(table / "_delta_log" / "_last_checkpoint")
