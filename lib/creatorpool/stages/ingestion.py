"""The stage `ingest`: reads the day's raw logs into events, dimensions, revenue and quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.ingest.day import ingest_day
from creatorpool.ingest.fingerprint import delivery_fingerprint
from creatorpool.ingest.load import CORRECTED_TABLES
from creatorpool.ingest.pseudonyms import KEY_VARIABLE, hash_key, key_fingerprint
from creatorpool.ingest.replacement import EarlierDelivery
from creatorpool.ingest.report import IngestReport, counted_elsewhere
from creatorpool.ingest.sources.mapping import NATIVE, load_mapping
from creatorpool.runs.claims import EVERY_DAY, require_held
from creatorpool.runs.ledger import INGEST, StageRun, begin_runs, publish_run, published_run, published_runs
from creatorpool.runs.postings import HOLDS, postings
from creatorpool.runs.published import published_version
from creatorpool.setting_changes import SettingChange, changes_since
from creatorpool.settings import LONGEST_LATE_WINDOW, Settings
from creatorpool.settlement.holds import PostedHolds
from creatorpool.stages.context import RunContext
from creatorpool.stages.rates import conversion_inputs, refuse_other_settlement_currency
from creatorpool.stages.recovery import SHARED_TABLES, claim_of, recover, undo_ingestion
from creatorpool.stages.runner import Stage, publish_once
from creatorpool.storage.places import Place, place_of

_NOT_ABOUT_ROWS = ("ingest.source", "ingest.max_quarantined_share")
"""Settings that decide where a delivery is and whether it is refused, not what becomes of its rows"""

STAGE = Stage(INGEST, (), ("ingest",), shared=(*SHARED_TABLES, "stage_runs"))
"""It depends on its own section of the configuration, and on the names in `signals.tiers`."""


def publish_ingestion(context: RunContext, source: Place | None) -> StageRun | None:
    """Return the day's published ingestion; if there is none, ingest `source` (by default `ingest.source`) first.

    Returns
    -------
    StageRun or None
        None if no ingestion is published and there is no source. A dry run ingests into a copy of the tables.

    Raises
    ------
    InputError, ContractViolationError
        As `ingest_day`; also if the viewers' ids of earlier days were hashed under another key, or not hashed, or other
        days have another time zone; if the day is published from another delivery than the given `source`.
    RunInProgressError
        If another live run is ingesting.
    """

    def find() -> StageRun | None:
        run = published_run(context.warehouse, INGEST, context.day)
        if run is not None:
            if source is not None:
                _require_same_delivery(context, run, source)
            if changes := ingestion_changes(run, context.settings):
                context.warn(
                    INGEST,
                    f"the day was ingested with other settings, and stays as it is: {'; '.join(map(str, changes))} in "
                    f"this run. A forgotten overlay? --reingest ingests the day with these",
                )
            context.log(INGEST, f"already published by run {run.run_id}")
        return run

    place = source_of(context, source)
    if place is None:
        return find()
    if context.dry_run:
        return find() or _ingest_into_copy(context, place)
    return publish_once(context, [STAGE], find, lambda: _run(context, place))


def _ingest_into_copy(context: RunContext, source: Place) -> StageRun | None:
    """Ingest into a copy of the tables; the rest of the dry run reads the copy, and its end deletes it."""
    copy = context.read_from_copy()
    context.log(INGEST, f"dry run: ingests into a copy of the tables, {copy.root}, and deletes it at the end")
    real = RunContext(copy, context.settings, context.day, started_at=context.started_at, run_id=context.run_id)
    run = publish_ingestion(real, source)
    context.add_seconds(real)
    return run


def ingestion_changes(run: StageRun, settings: Settings) -> list[SettingChange]:
    """The settings in which `settings` differ from those that `run` had, if they decide how rows are read.

    Empty for runs of versions before 0.2, which kept no configuration.
    """
    found = changes_since(run.config_json, settings) if run.config_json else []
    return [change for change in found if change.key not in _NOT_ABOUT_ROWS]


def source_of(context: RunContext, source: Place | None) -> Place | None:
    """The given `source`; if there is none, the configured one, or None."""
    configured = context.settings.ingest.source
    return source or (place_of(configured) if configured else None)


def _run(context: RunContext, source: Place) -> StageRun:
    posted = postings(context.warehouse).posted_holds
    run = ingest(context, source, None, posted)
    with without_postings(context, run, posted):
        require_held(context.warehouse, INGEST, EVERY_DAY, context.run_id)
        return publish_run(context.warehouse, run)


@contextmanager
def without_postings(context: RunContext, run: StageRun, posted: PostedHolds) -> Iterator[None]:
    """Let nothing be posted while the block publishes `run`, an ingestion, if it has holds.

    Raises
    ------
    RunInProgressError
        If holds were posted or released since `posted` was read: then the ingestion is taken back.
    """
    if HOLDS not in run.with_later_days:
        yield
        return
    with context.booking():
        if postings(context.warehouse).posted_holds != posted:
            recover(context.warehouse, context.log, held=[claim_of(INGEST, context.day)])
            raise RunInProgressError(
                f"another run has posted by {HOLDS} meanwhile, which this delivery changes: nothing of it is ingested; "
                f"run the command again"
            )
        yield


def ingest(context: RunContext, source: Place, earlier: StageRun | None, posted: PostedHolds) -> StageRun:
    """Ingest `source` under the claim of the stage, and return the run to publish.

    `earlier` is the published ingestion of the day that this one replaces, or None; `posted` are the holds that are in
    the journal. If the ingestion fails, the tables are restored. Errors as in `publish_ingestion`.
    """
    warehouse, settings = context.warehouse, context.settings
    before = {table: warehouse.version(table) for table in SHARED_TABLES if warehouse.exists(table)}
    others = [run for run in published_runs(warehouse, INGEST) if run.day != context.day]
    is_backfill = any(other.day > context.day for other in others)
    key = hash_key() if settings.ingest.hash_viewer_ids else None
    inputs = {**ingestion_inputs(context, source), "before": before}
    refuse_other_settlement_currency(others, settings.settlement.currency)
    if dateless := _dateless_elsewhere(settings.ingest.format, others, inputs):
        inputs["dateless"] = dateless
    refuse_other_key(others, inputs["hash_key"])
    _refuse_other_zone(others, settings.ingest.day_timezone)
    begun = context.finished(INGEST, STAGE.sections, inputs, {}, {})
    begin_runs(warehouse, [begun])
    try:
        report = ingest_day(
            warehouse,
            source,
            context.day,
            settings=settings.ingest,
            tiers=settings.signals.tiers,
            run_id=context.run_id,
            ingested_at=context.started_at,
            check=context.check,
            reinstate=before if is_backfill and earlier is None else None,
            earlier=None if earlier is None else _earlier_delivery(context, earlier, before),
            hash_key=key,
            told_elsewhere=dateless,
            currency=settings.settlement.currency,
            posted_holds=posted,
        )
    except Exception:
        undo_ingestion(warehouse, begun)
        context.log(INGEST, "failed: restored the tables that this run had changed")
        raise
    _tell(context, report, dateless)
    inputs |= {"base": dict(report.base)} if report.base else {}
    inputs |= conversion_inputs(warehouse, report.conversions)
    if latest := {name: version for name, version in report.latest.items() if version != report.outputs.get(name)}:
        inputs["latest"] = latest
    return context.finished(INGEST, STAGE.sections, inputs, report.outputs, report.counts())


def ingestion_inputs(context: RunContext, source: Place) -> dict[str, Any]:
    """What an ingestion of `source` depends on beside the tables and its section of the configuration.

    Raises
    ------
    InputError
        If a table is missing or a file cannot be read.
    """
    settings = context.settings
    return {
        "source": str(source),
        **_format(settings.ingest.format),
        "delivery": delivery_fingerprint(source, settings.ingest),
        "tiers": sorted(settings.signals.tiers),
        "hash_key": key_fingerprint(hash_key()) if settings.ingest.hash_viewer_ids else None,
        "day_timezone": settings.ingest.day_timezone,
        "settlement_currency": settings.settlement.currency,
    }


def late_window(run: StageRun) -> int:
    """The days before its own whose events an ingestion accepted; runs of versions before 0.2 do not say how many."""
    return int(json.loads(run.config_json)["ingest"]["late_window_days"]) if run.config_json else LONGEST_LATE_WINDOW


def _earlier_delivery(context: RunContext, run: StageRun, now: Mapping[str, int]) -> EarlierDelivery:
    """The delivery that `run` ingested. It is replaced together with what was loaded to correct its rows."""
    corrected = {table: published_version(context.warehouse, table, run.day) for table in CORRECTED_TABLES}
    after = {**run.outputs, **{table: version for table, version in corrected.items() if version is not None}}
    return EarlierDelivery(context.warehouse, context.day, late_window(run), run.base, after, now)


def _tell(context: RunContext, report: IngestReport, dateless: Mapping[str, str]) -> None:
    """Log what was delivered, refused and suspicious; the results of the rules go to `contract_results`."""
    for table, line in report.lines():
        context.note(INGEST, line, table=table, **asdict(report.tables[table]))
    for found in report.conversions.values():
        context.note(INGEST, found.sentence(), **asdict(found))
    for line in (*report.refusals(), *report.warnings):
        context.warn(INGEST, line)
    for table, counts in report.tables.items():
        if counts.elsewhere:
            context.log(INGEST, counted_elsewhere(table, counts.elsewhere, dateless.values()))
    context.results += report.results
    context.keep_results()


def _dateless_elsewhere(form: str, others: Iterable[StageRun], inputs: Mapping[str, Any]) -> dict[str, str]:
    """The inputs with several days whose records of no day another day's run has in quarantine, and that day.

    That is the run that read the same files by the same mapping first; it did not leave them to a third one.
    """
    if form == NATIVE:
        return {}
    parts = [part for parts in load_mapping(form).mapping.tables.values() for part in parts]
    found: dict[str, str] = {}
    for name in sorted({part.input for part in parts if part.other_days == "leave_out"}):
        for run in others:
            is_same = run.inputs.get("mapping_sha256") == inputs["mapping_sha256"]
            own = (run.inputs.get("delivery") or {}).get(f"input {name}")
            if is_same and own == inputs["delivery"][f"input {name}"] and name not in run.inputs.get("dateless", {}):
                found[name] = run.day.isoformat()
    return found


def _require_same_delivery(context: RunContext, run: StageRun, source: Place) -> None:
    """Raise InputError if `source` is not the delivery that `run` ingested: it would be ignored."""
    known = run.inputs.get("delivery")
    if known is None and run.inputs["source"] == str(source):
        context.warn(
            INGEST,
            f"run {run.run_id}, of an earlier version, kept no fingerprint of {source}: the files are not compared",
        )
        return
    found = delivery_fingerprint(source, context.settings.ingest)
    if known == found:
        return
    names = sorted(name for name in {*found, *(known or {})} if found.get(name) != (known or {}).get(name))
    raise InputError(
        f"{context.day} is ingested already, from another delivery ({run.inputs['source']}): {', '.join(names)} differ "
        f"in {source}, and nothing of it is ingested. Leave out --source to go on with the ingested delivery, or "
        f"replace it with `creatorpool run --date {context.day} --source {source} --reingest`"
    )


def refuse_other_key(others: Iterable[StageRun], name: str | None) -> None:
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


def _refuse_other_zone(others: Iterable[StageRun], zone: str) -> None:
    """Raise InputError if other days end by other clocks: an hour would belong to two days, or to none."""
    for run in others:
        earlier = run.inputs.get("day_timezone", "UTC")
        if earlier != zone:
            raise InputError(
                f"ingest.day_timezone: {run.day} was ingested by the clocks of {earlier}, this day would be by those "
                f"of {zone}, so that an hour would be in two days or in none: set it as it was, or begin a new root"
            )


def _shown(name: str | None) -> str:
    return "viewers' ids as delivered" if name is None else f"viewers' ids hashed under key {name}"
