"""Corrected viewers and videos of a published day, loaded right before the day is restated with them."""

from __future__ import annotations

from creatorpool.ingest.load import corrected_tables
from creatorpool.runs.ledger import LOAD, StageRun
from creatorpool.runs.pools import require_published_pools
from creatorpool.stages.context import RunContext
from creatorpool.stages.loading import load_table
from creatorpool.storage.places import Place


def load_corrections(context: RunContext, place: Place) -> list[StageRun]:
    """Load the corrected `viewers` and `videos` of the run's day that `place` has, as `load_table` does.

    A dry run loads them into a copy of the tables; the rest of it reads the copy, and its end deletes it.

    Raises
    ------
    MissingTableError
        If no pool of the day is published, so that it cannot be restated.
    InputError
        If `place` has neither table; else as `load_table`.
    """
    tables = corrected_tables(place)
    require_published_pools(context.warehouse, context.day)
    warehouse = context.warehouse
    if context.dry_run:
        warehouse = context.read_from_copy()
        context.log(LOAD, f"dry run: loads into a copy of the tables, {warehouse.root}, and deletes it at the end")
    # The ledger has one row for a stage and run, so that each table is loaded by a run of its own.
    return [load_table(RunContext(warehouse, context.settings, context.day), table, place) for table in tables]
