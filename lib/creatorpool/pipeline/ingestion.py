"""The stage `ingest`: the day's raw logs to events, dimensions and quarantine."""

from __future__ import annotations

from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.ingest.day import ingest_day
from creatorpool.pipeline.night import Night
from creatorpool.runs.ledger import INGEST, StageRun, publish_run, published_run

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
        raise InputError(f"a dry run cannot ingest {place}: run jobs/ingest_events.py --date {night.day} first")
    return _run(night, place)


def _run(night: Night, source: Path) -> StageRun:
    with night.stage(INGEST):
        report = ingest_day(
            night.warehouse,
            source,
            night.day,
            settings=night.settings.ingest,
            tiers=night.settings.signals.tiers,
            run_id=night.run_id,
            ingested_at=night.started_at,
            check=night.check,
        )
        for line in report.lines():
            night.log(INGEST, line)
        inputs = {"source": str(source), "format": night.settings.ingest.format}
        run = night.finished(INGEST, SECTIONS, inputs, report.outputs, report.counts())
        publish_run(night.warehouse, run)
    return run
