"""The stage `load`: brings rights, holds, appeals, invalid viewers and rates in, and what arrives late of a paid day.

A load merges rows by key, so that a later row of a key replaces the earlier one. Late events and corrected revenue,
viewers and videos of a published day are stored and change no payout until the day is restated. A load holds the claim
of ingestions, because both change tables that all days share. A load of holds holds the claim of the books, too, so
that no hold is released while it gets a later end.

Corrected viewers or videos take two commits: the first version has the rows that the day is computed from, and the
second the rows that later days delivered since, so that the next night finds these.
"""

from __future__ import annotations

from dataclasses import asdict

from creatorpool.errors import InputError
from creatorpool.ingest.delivery import given_files
from creatorpool.ingest.dimensions import merged
from creatorpool.ingest.fingerprint import files_fingerprint
from creatorpool.ingest.load import (
    CORRECTED_TABLES,
    DATED_TABLES,
    LOADED_TABLES,
    LoadedTable,
    LoadSource,
    load_rows,
    refused_rows,
)
from creatorpool.ingest.pseudonyms import hash_key, key_fingerprint
from creatorpool.ingest.report import refusal
from creatorpool.ingest.staging import staging_folder
from creatorpool.quoting import shortened_list
from creatorpool.runs.ledger import INGEST, LOAD, StageRun, latest_run, published_run, published_runs
from creatorpool.runs.pools import published_pools
from creatorpool.runs.postings import HOLDS, postings
from creatorpool.runs.published import published_version, shared_version
from creatorpool.stages.configuration import ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import refuse_other_key
from creatorpool.stages.posting import STAGE as POSTING_STAGE
from creatorpool.stages.rates import conversion_inputs
from creatorpool.stages.recovery import SHARED_TABLES
from creatorpool.stages.runner import Stage, publish_once, publish_stage
from creatorpool.storage.places import Place

STAGE = Stage(LOAD, (), ("ingest",), shared=(*LOADED_TABLES, *(f"{name}_quarantine" for name in LOADED_TABLES)))


def load_table(context: RunContext, table: str, source: Place) -> StageRun:
    """Load `table` from `source`, a file or a folder, unless the same files are what was loaded last.

    Of `events` and `ad_revenue` only rows of the context's day are taken. For them, and for corrected rows of `viewers`
    and `videos`, the day must be ingested.

    Raises
    ------
    InputError, ContractViolationError
        As `load_rows`; also if `table` is not one that can be loaded, or the day is not ingested.
    RunInProgressError
        If another live run is ingesting or loading, or, for `holds`, writes the books.
    """
    if table not in LOADED_TABLES:
        raise InputError(
            f"'{table}' cannot be loaded: the tables are {shortened_list(LOADED_TABLES)}; the others come with a day's "
            f"delivery"
        )
    fingerprint = files_fingerprint(given_files(source, table))
    key = hash_key() if context.settings.ingest.hash_viewer_ids else None
    tiers = _known_tiers(context, table)

    def find() -> StageRun | None:
        run = _last_change(context, table)
        if (
            run is None
            or run.stage != LOAD
            or (run.inputs["delivery"], run.inputs.get("tiers")) != (fingerprint, tiers)
        ):
            return None
        context.note(LOAD, f"{table}: run {run.run_id} has loaded the same files already", published_by=run.run_id)
        return run

    def publish() -> StageRun:
        _require_known_day(context, table)
        refuse_other_key(published_runs(context.warehouse, INGEST), None if key is None else key_fingerprint(key))
        inputs = {
            "against": table,
            "source": str(source),
            "delivery": fingerprint,
            "before": _versions(context, (table,) if table in SHARED_TABLES else ()),
            **({"tiers": tiers} if tiers else {}),
        }
        context.outputs |= _published_before(context, table)
        base = context.outputs[table] if table in CORRECTED_TABLES else None
        currency = _settlement_currency(context)
        released = postings(context.warehouse).released_holds
        load = LoadSource(
            table, source, context.day, context.settings.ingest, key, tiers or (), base, currency, released
        )
        with staging_folder(context.warehouse.engine_root(), context.run_id) as staging:
            loaded = _store(context, load, staging)
        inputs |= conversion_inputs(context.warehouse, loaded.conversions)
        return publish_stage(context, STAGE, inputs, {table: asdict(loaded.validated.counts)})

    return publish_once(context, [STAGE, *([POSTING_STAGE] if table == HOLDS else [])], find, publish)


def _settlement_currency(context: RunContext) -> str | None:
    """The configured settlement currency; if there is none, that by which the day was ingested."""
    run = published_run(context.warehouse, INGEST, context.day)
    known = None if run is None else run.inputs.get("settlement_currency")
    return context.settings.settlement.currency or known


def _store(context: RunContext, load: LoadSource, staging: Place) -> LoadedTable:
    """Write the files of the changed tables; `publish_stage` commits them."""
    warehouse, table = context.warehouse, load.table
    loaded = load_rows(warehouse, load, staging)
    if not context.dry_run:
        _stage(context, table, loaded)
    quarantine = f"{table}_quarantine"
    stored = published_version(warehouse, quarantine, context.day)
    refused = refused_rows(warehouse, loaded.validated, context.day, context.started_at, stored)
    if refused is not None and not context.dry_run:
        context.staged.append(warehouse.stage_day(refused, quarantine, context.day))
    counts = asdict(loaded.validated.counts)
    context.note(LOAD, f"{table}: {counts['accepted']} of {counts['read']} rows accepted", table=table, **counts)
    for found in loaded.conversions.values():
        context.note(LOAD, found.sentence(), **asdict(found))
    if loaded.validated.counts.quarantined:
        context.warn(LOAD, refusal(table, counts, loaded.validated.example()))
    return loaded


def _stage(context: RunContext, table: str, loaded: LoadedTable) -> None:
    """Write the files of the table itself, if it changes."""
    warehouse, rows = context.warehouse, loaded.rows
    if rows is None:
        return
    if table == "events":
        context.staged.append(warehouse.stage_append(rows, table))
    elif table == "ad_revenue":
        context.staged.append(warehouse.stage_day(rows, table, context.day))
    else:
        context.staged.append(warehouse.stage_overwrite(rows, table))
    if table in CORRECTED_TABLES:
        written = context.check_staged(context.staged[-1])
        if loaded.newer is not None:
            latest = merged(written, loaded.newer, loaded.validated.contract)
            context.later.append(warehouse.stage_overwrite(latest, table))


def _published_before(context: RunContext, table: str) -> dict[str, int]:
    """Versions that have the table's published rows, and the day's of its quarantine; a load may change neither.

    The ledger names only the last load of a table and day.
    """
    warehouse, day, quarantine = context.warehouse, context.day, f"{table}_quarantine"
    is_dated = table in DATED_TABLES
    found = {
        table: published_version(warehouse, table, day) if is_dated else shared_version(warehouse, table),
        quarantine: published_version(warehouse, quarantine, day),
    }
    return {name: version for name, version in found.items() if version is not None}


def _known_tiers(context: RunContext, table: str) -> list[str] | None:
    """Trust tiers that corrected viewers may have: those of the configuration that the day was paid with."""
    if table != "viewers":
        return None
    pools = published_pools(context.warehouse, context.day).values()
    return sorted(ledger_settings(context.settings, pools).signals.tiers)


def _last_change(context: RunContext, table: str) -> StageRun | None:
    """The run that last ingested or loaded `table`: of all days, or of the context's day if the table has days."""
    days = None if table not in DATED_TABLES else [context.day]
    runs = [run for stage in (INGEST, LOAD) for run in published_runs(context.warehouse, stage, days)]
    return latest_run(run for run in runs if table in run.outputs or run.inputs.get("against") == table)


def _require_known_day(context: RunContext, table: str) -> None:
    if table in DATED_TABLES and published_run(context.warehouse, INGEST, context.day) is None:
        raise InputError(
            f"{table}: {context.day} is not ingested, so nothing can arrive late for it: deliver {table} with the day, "
            f"`creatorpool run --date {context.day} --source DIR`"
        )


def _versions(context: RunContext, tables: tuple[str, ...]) -> dict[str, int]:
    return {table: context.warehouse.version(table) for table in tables if context.warehouse.exists(table)}
