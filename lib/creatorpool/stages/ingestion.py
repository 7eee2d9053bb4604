"""The stage `ingest`: reads the day's raw logs into events, dimensions, revenue and quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.pseudonyms import KEY_VARIABLE, hash_key, key_fingerprint
from creatorpool.ingest.sources.mapping import NATIVE, load_mapping
from creatorpool.runs.claims import EVERY_DAY, require_held
from creatorpool.runs.ledger import INGEST, StageRun, begin_runs, publish_run, published_run, published_runs
from creatorpool.stages.context import RunContext
from creatorpool.stages.recovery import SHARED_TABLES, undo_ingestion
from creatorpool.stages.runner import Stage, publish_once

STAGE = Stage(INGEST, (), ("ingest",), shared=(*SHARED_TABLES, "stage_runs"))
"""It depends on its own section of the configuration, and on the names in `signals.tiers`."""


def publish_ingestion(context: RunContext, source: Path | None) -> StageRun | None:
    """Return the day's published ingestion; if there is none, ingest `source` (by default `ingest.source`) first.

    Returns
    -------
    StageRun or None
        None if no ingestion is published and there is no source. A dry run ingests into a copy of the tables.

    Raises
    ------
    InputError, ContractViolationError
        As `ingest_day`; also if the viewers' ids of earlier days were hashed under another key, or not hashed.
    RunInProgressError
        If another live run is ingesting.
    """

    def find() -> StageRun | None:
        run = published_run(context.warehouse, INGEST, context.day)
        if run is not None:
            context.log(INGEST, f"already published by run {run.run_id}")
        return run

    configured = context.settings.ingest.source
    place = source or (Path(configured) if configured else None)
    if place is None:
        return find()
    if context.dry_run:
        return find() or _ingest_into_copy(context, place)
    return publish_once(context, [STAGE], find, lambda: _run(context, place))


def _ingest_into_copy(context: RunContext, source: Path) -> StageRun | None:
    """Ingest into a copy of the tables; the rest of the dry run reads the copy, and its end deletes it."""
    copy = context.read_from_copy()
    context.log(INGEST, f"dry run: ingests into a copy of the tables, {copy.root}, and deletes it at the end")
    real = RunContext(copy, context.settings, context.day, started_at=context.started_at, run_id=context.run_id)
    run = publish_ingestion(real, source)
    context.seconds |= real.seconds
    return run


def _run(context: RunContext, source: Path) -> StageRun:
    warehouse = context.warehouse
    before = {table: warehouse.version(table) for table in SHARED_TABLES if warehouse.exists(table)}
    others = published_runs(warehouse, INGEST)
    is_backfill = any(other.day > context.day for other in others)
    key = hash_key() if context.settings.ingest.hash_viewer_ids else None
    fingerprint = None if key is None else key_fingerprint(key)
    _refuse_other_key(others, fingerprint)
    inputs = {
        "source": str(source),
        **_format(context.settings.ingest.format),
        "before": before,
        "hash_key": fingerprint,
    }
    begun = context.finished(INGEST, STAGE.sections, inputs, {}, {})
    begin_runs(warehouse, [begun])
    try:
        report = ingest_day(
            warehouse,
            source,
            context.day,
            settings=context.settings.ingest,
            tiers=context.settings.signals.tiers,
            run_id=context.run_id,
            ingested_at=context.started_at,
            check=context.check,
            reinstate=before if is_backfill else None,
            hash_key=key,
        )
    except Exception:
        undo_ingestion(warehouse, begun)
        context.log(INGEST, "failed: restored the tables that this run had changed")
        raise
    for table, line in report.lines():
        context.note(INGEST, line, table=table, **asdict(report.tables[table]))
    for warning in report.warnings:
        context.warn(INGEST, warning)
    run = context.finished(INGEST, STAGE.sections, inputs, report.outputs, report.counts())
    context.keep_results()
    require_held(warehouse, INGEST, EVERY_DAY, context.run_id)
    return publish_run(warehouse, run)


def _refuse_other_key(others: Iterable[StageRun], name: str | None) -> None:
    """Raise InputError if other days have other pseudonyms: one viewer would count as two and escape view limits."""
    for run in others:
        earlier = run.inputs.get("hash_key")
        if earlier != name:
            raise InputError(
                f"viewers: {run.day} was ingested with {_shown(earlier)}, this day would be ingested with "
                f"{_shown(name)}: set ingest.hash_viewer_ids and {KEY_VARIABLE} as they were, or begin a new root"
            )


def _format(name: str) -> dict[str, str]:
    """The format, and the fingerprint of its mapping; ConfigurationError if the mapping has a fault."""
    return {"format": name} if name == NATIVE else {"format": name, "mapping_sha256": load_mapping(name).sha256}


def _shown(name: str | None) -> str:
    return "viewers' ids as delivered" if name is None else f"viewers' ids hashed under key {name}"
