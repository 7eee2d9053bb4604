"""The stage `ingest`: the day's raw logs to events, dimensions and quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.pseudonyms import KEY_VARIABLE, hash_key, key_fingerprint
from creatorpool.pipeline.night import Night
from creatorpool.pipeline.recovery import SHARED_TABLES, recover, undo_ingestion
from creatorpool.runs.claims import EVERY_DAY, require_held
from creatorpool.runs.ledger import INGEST, StageRun, begin_runs, publish_run, published_run, published_runs

SECTIONS = ("ingest",)
"""Parts of the configuration that ingestion depends on, beside the names of the trust tiers."""


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
    with night.stage(INGEST, (*SHARED_TABLES, "stage_runs"), EVERY_DAY):
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
    recover(warehouse, night.log, held=[(INGEST, EVERY_DAY)])
    before = {table: warehouse.version(table) for table in SHARED_TABLES if warehouse.exists(table)}
    others = published_runs(warehouse, INGEST)
    is_backfill = any(other.day > night.day for other in others)
    key = hash_key() if night.settings.ingest.hash_viewer_ids else None
    fingerprint = None if key is None else key_fingerprint(key)
    _refuse_other_key(others, fingerprint)
    inputs = {"source": str(source), "format": night.settings.ingest.format, "before": before, "hash_key": fingerprint}
    begun = night.finished(INGEST, SECTIONS, inputs, {}, {})
    begin_runs(warehouse, [begun])
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
        undo_ingestion(warehouse, begun)
        night.log(INGEST, "undid what this run wrote")
        raise
    for line in report.lines():
        night.log(INGEST, line)
    run = night.finished(INGEST, SECTIONS, inputs, report.outputs, report.counts())
    night.keep_results()
    require_held(warehouse, INGEST, EVERY_DAY, night.run_id)
    return publish_run(warehouse, run)


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
