"""Replaces the delivery of a day: ingests a corrected one, and rates and pays the day anew, as one generation.

The corrected ingestion is published by the commit of the payouts that follow from it. Until then the ledger names the
earlier ingestion, scores and payouts; if the run is killed, recovery restores the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.errors import InputError
from creatorpool.ingest.replacement import days_up_to, events_between
from creatorpool.ingest.row_changes import RowChanges, row_changes
from creatorpool.runs.claims import EVERY_DAY
from creatorpool.runs.ledger import INGEST, StageRun, published_run
from creatorpool.runs.pools import PoolRun, published_pools
from creatorpool.runs.postings import postings
from creatorpool.stages.allocation import DayPayouts, publish_payouts
from creatorpool.stages.books import refuse_settled_day
from creatorpool.stages.configuration import PAYOUT_SECTIONS, ingested_settings, ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import (
    STAGE,
    ingest,
    ingestion_changes,
    ingestion_inputs,
    late_window,
    publish_ingestion,
    source_of,
    without_postings,
)
from creatorpool.stages.rates import has_other_rates
from creatorpool.stages.recovery import recover
from creatorpool.stages.runner import publish_once
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class Reingestion:
    """The day's payouts, and what a corrected delivery changed; `before` is None if the day was not published."""

    payouts: DayPayouts
    before: PublishedState | None
    ingestion: StageRun | None
    rows: Mapping[str, RowChanges]


@dataclass(frozen=True)
class PublishedState:
    """The day's ingestion and its pools by category, as they were published."""

    ingestion: StageRun
    pools: Mapping[str, PoolRun]


def reingest_day(context: RunContext, source: Place | None) -> Reingestion:
    """Replace the day's delivery by `source` (default: `ingest.source`), and publish scores and payouts from it.

    A day that is not ingested yet is ingested and paid as in any night. If the published ingestion has the same files
    and settings, nothing is ingested again. A dry run does all of it in a copy of the tables.

    Raises
    ------
    InputError
        If there is no source; else as `publish_ingestion` and `publish_payouts`: then nothing has changed.
    RunInProgressError
        If another live run is ingesting, or holds a stage of the day.
    """
    place = source_of(context, source)
    if place is None:
        raise InputError("--reingest needs the corrected delivery: name its folder with --source")
    if context.dry_run:
        return _in_copy(context, place)
    before = _published(context)
    if before is not None:
        _use_published_policy(context, before.pools.values())
        _read_as_published(context, before.ingestion)
    if before is None or _is_same(context, before.ingestion, place):
        publish_ingestion(context, place)
        return Reingestion(publish_payouts(context), None, None, {})
    refuse_settled_day(context.warehouse, context.day)
    return publish_once(context, [STAGE], lambda: None, lambda: _replace(context, place))


def _in_copy(context: RunContext, source: Place) -> Reingestion:
    copy = context.read_from_copy()
    context.log(INGEST, f"dry run: works in a copy of the tables, {copy.root}, and deletes it at the end")
    real = RunContext(copy, context.settings, context.day, started_at=context.started_at, run_id=context.run_id)
    done = reingest_day(real, source)
    context.add_seconds(real)
    return done


def _published(context: RunContext) -> PublishedState | None:
    run = published_run(context.warehouse, INGEST, context.day)
    return None if run is None else PublishedState(run, published_pools(context.warehouse, context.day))


def _use_published_policy(context: RunContext, pools: Collection[PoolRun]) -> None:
    """Pay with the configuration of the published pools, unless the run was given another one."""
    context.settings = ledger_settings(context.settings, pools)
    if {row.config_sha256 for row in pools} - {context.settings.sha256(*PAYOUT_SECTIONS)}:
        context.warn(INGEST, "the day is paid again with another configuration than it was published with")


def _read_as_published(context: RunContext, earlier: StageRun) -> None:
    """Read the corrected delivery as the earlier one was read, and warn of each setting that is another one now."""
    context.settings = ingested_settings(context.settings, earlier)
    for change in ingestion_changes(earlier, context.settings):
        context.warn(INGEST, f"the day was ingested with another setting: {change}")


def _is_same(context: RunContext, run: StageRun, source: Place) -> bool:
    """Whether `run` had the files of `source` and the settings of this run."""
    wanted = ingestion_inputs(context, source)
    is_same = all(run.inputs.get(name) == value for name, value in wanted.items() if name != "source")
    is_same = is_same and not has_other_rates(context.warehouse, run)
    if is_same and run.config_sha256 == context.settings.sha256(*STAGE.sections):
        context.log(INGEST, f"run {run.run_id} has ingested the same files with the same settings already")
        return True
    return False


def _replace(context: RunContext, source: Place) -> Reingestion:
    """Ingest and pay under the claim of the ingestion; the claim is kept until both are published."""
    before = _published(context)
    if before is None:
        raise InputError(f"the ingestion of {context.day} was taken back by another run: run it again")
    posted = postings(context.warehouse).posted_holds
    run = ingest(context, source, before.ingestion, posted)
    context.ingestion = run
    try:
        with without_postings(context, run, posted):
            payouts = publish_payouts(context, republish=True)
    except Exception:
        recover(context.warehouse, context.log, held=[(INGEST, EVERY_DAY)])
        raise
    finally:
        context.ingestion = None
    return Reingestion(payouts, before, run, _changes(context.warehouse, before.ingestion, run))


def _changes(warehouse: Warehouse, before: StageRun, now: StageRun) -> dict[str, RowChanges]:
    """What differs in each table between two ingestions of a day, quarantines not counted."""
    tables = sorted(name for name in {*before.outputs, *now.outputs} if not name.endswith("_quarantine"))
    return {
        name: row_changes(
            _stored_by(warehouse, name, before), _stored_by(warehouse, name, now), warehouse.contract(name)
        )
        for name in tables
    }


def _stored_by(warehouse: Warehouse, table: str, run: StageRun) -> DataFrame:
    """The rows that a delivery brought for its days; of a dimension, all rows as they were for its day."""
    version = run.outputs.get(table, run.base.get(table))
    if version is None:
        return warehouse.frame([], table)
    if table == "events":
        days = days_up_to(run.day, late_window(run))
        return events_between(warehouse, days, run.base.get(table), version)
    is_daily = "date" in warehouse.contract(table).partition_by
    return warehouse.read(table, day=run.day if is_daily else None, version=version)
