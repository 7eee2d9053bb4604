"""Upkeep of the tables: fewer files, and none that nobody may ask for any more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from creatorpool.contracts import load_contracts
from creatorpool.errors import ConcurrentWriteError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.identity import new_run_id, now
from creatorpool.runs.retention import named_versions
from creatorpool.stages.recovery import recover
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

MAINTAIN = "maintain"
_LEASE = timedelta(minutes=30)


@dataclass(frozen=True)
class Upkeep:
    """What was done to one table, in files."""

    table: str
    kept_versions: int
    compacted: int
    written: int
    deleted: int


def maintain_tables(warehouse: Warehouse, keep: timedelta, *, dry_run: bool = False) -> Iterator[Upkeep]:
    """Compact every table, then delete the files that no kept version needs, one table after the other.

    Kept are the latest version, all younger than `keep`, those in which published days stand, and what runs of the
    last `keep` read and wrote (`runs.retention.named_versions`). What killed runs left is completed or undone first. A
    table that another run is writing is compacted the next time. Starts no engine; with `dry_run` nothing changes.

    Raises
    ------
    RunInProgressError
        If upkeep of these tables is going on already.
    """
    if dry_run:
        yield from _upkeep(warehouse, keep, dry_run=True)
        return
    recover(warehouse, _log)
    with claimed(warehouse, MAINTAIN, EVERY_DAY, new_run_id(now()), _LEASE) as own:
        yield from _upkeep(own, keep, dry_run=False)


def _upkeep(warehouse: Warehouse, keep: timedelta, *, dry_run: bool) -> Iterator[Upkeep]:
    named = named_versions(warehouse, now() - keep)
    for table in load_contracts():
        if not warehouse.exists(table):
            continue
        done = {"removed": 0, "added": 0} if dry_run else _compacted(warehouse, table)
        versions = named.get(table, set())
        deleted = warehouse.vacuum(table, versions, keep, dry_run=dry_run)
        yield Upkeep(table, len(versions), done["removed"], done["added"], len(deleted))


def _compacted(warehouse: Warehouse, table: str) -> dict[str, int]:
    try:
        return warehouse.optimize(table)
    except ConcurrentWriteError as error:
        logger.warning("%s is not compacted this time: %s", table, error)
        return {"removed": 0, "added": 0}


def _log(subject: str, message: str, **_: object) -> None:
    logger.info("%s: %s", subject, message)
