"""The stage `ingest`: the day's raw logs to events, dimensions and quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.pseudonyms import KEY_VARIABLE, hash_key, key_fingerprint
from creatorpool.pipeline.night import Night
from creatorpool.runs.ledger import (
    INGEST,
    StageRun,
    begin_run,
    fail_run,
    publish_run,
    published_run,
    published_runs,
    unfinished_runs,
)

SECTIONS = ("ingest",)
"""Parts of the configuration that ingestion depends on, beside the names of the trust tiers."""


EVERY_DAY = date(1970, 1, 1)
"""Ingestion of any day claims this one: late events and dimensions are shared by all days."""

SHARED_TABLES = ("events", "viewers", "videos", "creators", "entrants", "drawer_positions")
"""Tables in which one day's ingestion may touch what other days need."""


def ingested(night: Night, source: Path | None) -> StageRun | None:
    """The day's published ingestion; from `source`, or the configured one, if there is none yet."""
    run = published_run(night.warehouse, INGEST, night.day)
    if run is not None:
        night.log(INGEST, f"already published by run {run.run_id}")
        return run
    configured = night.settings.ingest.source
    place = source or (Path(configured) if configured else None)
    if place is None:
        return None
    if night.dry_run:
        return _rehearsed(night, place)
    with night.stage(INGEST, EVERY_DAY):
        # Somebody may have published between the look above and the claim.
        return published_run(night.warehouse, INGEST, night.day) or _run(night, place)


def _rehearsed(night: Night, source: Path) -> StageRun | None:
    """Ingest into a copy of the tables, from which the rest of the dry run reads and which goes with it."""
    copy = night.rehearse()
    night.log(INGEST, f"dry run: ingested into a copy of the tables, {copy.root}, which goes when the run ends")
    real = Night(copy, night.settings, night.day, started_at=night.started_at, run_id=night.run_id)
    run = ingested(real, source)
    night.seconds |= real.seconds
    return run


def _run(night: Night, source: Path) -> StageRun:
    warehouse = night.warehouse
    undo_unfinished(night)
    before = {table: warehouse.version(table) for table in SHARED_TABLES if warehouse.exists(table)}
    others = published_runs(warehouse, INGEST)
    is_backfill = any(other.day > night.day for other in others)
    key = hash_key() if night.settings.ingest.hash_viewer_ids else None
    fingerprint = None if key is None else key_fingerprint(key)
    _refuse_other_key(others, fingerprint)
    inputs = {"source": str(source), "format": night.settings.ingest.format, "before": before, "hash_key": fingerprint}
    begin_run(warehouse, night.finished(INGEST, SECTIONS, inputs, {}, {}))
    try:
        report = ingest_day(
            warehouse,
            source,
            night.day,
            settings=night.settings.ingest,
            tiers=night.settings.signals.tiers,
            run_id=night.run_id,
            ingested_at=night.started_at,
            check=night.check,
            reinstate=before if is_backfill else None,
            hash_key=key,
        )
    except Exception:
        undo_unfinished(night)
        raise
    for line in report.lines():
        night.log(INGEST, line)
    run = night.finished(INGEST, SECTIONS, inputs, report.outputs, report.counts())
    night.publish(INGEST, lambda: publish_run(warehouse, run), EVERY_DAY)
    return run


def _refuse_other_key(others: Iterable[StageRun], name: str | None) -> None:
    """InputError if days before have other pseudonyms: a viewer would count as two, and limits would not see it."""
    for run in others:
        stood = run.inputs.get("hash_key")
        if stood != name:
            raise InputError(
                f"viewers: {run.day} was ingested with {_shown(stood)}, this day would be with {_shown(name)}: set "
                f"ingest.hash_viewer_ids and {KEY_VARIABLE} as they were, or begin a new root"
            )


def _shown(name: str | None) -> str:
    return "viewers' ids as delivered" if name is None else f"viewers' ids hashed under key {name}"


def undo_unfinished(night: Night) -> None:
    """Take back what ingestions wrote that began and never published, of whatever day: call it with the claim held.

    Otherwise a corrected delivery would be added to what the failed one left.
    """
    for run in unfinished_runs(night.warehouse, INGEST):
        for table in SHARED_TABLES:
            night.warehouse.restore(table, run.inputs["before"].get(table))
        fail_run(night.warehouse, run)
        night.log(INGEST, f"undid what run {run.run_id} of {run.day} left unpublished")
