"""Upkeep of the tables: fewer files, and none that nobody may ask for any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from creatorpool.contracts import load_contracts
from creatorpool.runs.identity import now
from creatorpool.runs.ledger import named_versions
from creatorpool.tables import Warehouse


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
    last `keep` read and wrote (`runs.ledger.named_versions`). Starts no engine; with `dry_run` nothing changes.
    """
    named = named_versions(warehouse, now() - keep)
    for table in load_contracts():
        if not warehouse.exists(table):
            continue
        done = {"removed": 0, "added": 0} if dry_run else warehouse.optimize(table)
        versions = named.get(table, set())
        deleted = warehouse.vacuum(table, versions, keep, dry_run=dry_run)
        yield Upkeep(table, len(versions), done["removed"], done["added"], len(deleted))
