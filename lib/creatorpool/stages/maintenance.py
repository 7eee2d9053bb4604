"""Maintenance of the tables: compacts small files and deletes files that no kept version needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from creatorpool.contracts import load_contracts
from creatorpool.errors import ConcurrentWriteError
from creatorpool.runs.claims import EVERY_DAY, claimed, standing_claims
from creatorpool.runs.claims import TABLE as CLAIMS
from creatorpool.runs.identity import new_run_id, now
from creatorpool.runs.retention import named_versions
from creatorpool.stages.recovery import recover
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

MAINTAIN = "maintain"
_LEASE = timedelta(minutes=30)

NEVER_NAMED = ("stage_runs", CLAIMS, "contract_results")
"""Tables to which every night commits several times, and whose earlier versions nobody names: a run reads only those
that it has just found to be the latest"""
KEEP_UNNAMED = timedelta(days=7)
"""How long their earlier versions stay readable, and for as long as a run holds a claim"""


@dataclass(frozen=True)
class Upkeep:
    """What maintenance did to one table; numbers of versions and files."""

    table: str
    kept_versions: int
    compacted: int
    written: int
    deleted: int
    shortened: int
    """Files of the log that were removed"""


def maintain_tables(warehouse: Warehouse, keep: timedelta, *, dry_run: bool = False) -> Iterator[Upkeep]:
    """Compact each table, then delete its files that no kept version needs; yield one `Upkeep` per table.

    Kept are the latest version, versions younger than `keep`, versions in which days are published, and versions that
    runs of the last `keep` read or wrote (`runs.retention.named_versions`). Of the tables `NEVER_NAMED` nobody names
    versions, and their logs are shortened. Unfinished publications of killed runs are completed or undone first. A
    table that another run is writing is not compacted this time. No engine is needed; with `dry_run` nothing changes.

    Raises
    ------
    RunInProgressError
        If another run maintains these tables.
    """
    if dry_run:
        yield from _upkeep(warehouse, keep, dry_run=True)
        return
    recover(warehouse, _log)
    with claimed(warehouse, MAINTAIN, EVERY_DAY, new_run_id(now()), _LEASE) as own:
        yield from _upkeep(own, keep, dry_run=False)


def _upkeep(warehouse: Warehouse, keep: timedelta, *, dry_run: bool) -> Iterator[Upkeep]:
    named = named_versions(warehouse, now() - keep)
    # A run that was paused while it held a claim commits after the version that it knows.
    short = max([KEEP_UNNAMED, *(now() - claim["claimed_at"] for claim in standing_claims(warehouse))])
    for table in load_contracts():
        if not warehouse.exists(table):
            continue
        done = {"removed": 0, "added": 0} if dry_run else _compacted(warehouse, table)
        versions = named.get(table, set())
        is_unnamed = table in NEVER_NAMED and not versions
        deleted = warehouse.vacuum(table, versions, min(keep, short) if is_unnamed else keep, dry_run=dry_run)
        if not dry_run:
            warehouse.settle(table)
        shortened = warehouse.shorten_log(table, short, dry_run=dry_run) if is_unnamed else 0
        yield Upkeep(table, len(versions), done["removed"], done["added"], len(deleted), shortened)


def _compacted(warehouse: Warehouse, table: str) -> dict[str, int]:
    try:
        return warehouse.optimize(table)
    except ConcurrentWriteError as error:
        logger.warning("%s is not compacted this time: %s", table, error)
        return {"removed": 0, "added": 0}


def _log(subject: str, message: str, **_: object) -> None:
    logger.info("%s: %s", subject, message)
