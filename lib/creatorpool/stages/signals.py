"""The stage `signals`: events, viewers and videos to video_signals and video_quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame

from creatorpool.allocation.frames.pools import members_by_category, pool_members
from creatorpool.errors import MissingTableError
from creatorpool.quality.coverage import Coverage
from creatorpool.quality.frames.coverage import day_coverage
from creatorpool.quality.frames.day import score_day
from creatorpool.quality.frames.invalid_viewers import without_invalid
from creatorpool.quality.frames.score import scored_signals
from creatorpool.runs.ledger import INGEST, SIGNALS, StageRun, latest_run, published_runs
from creatorpool.runs.published import INVALID, published_version, shared_versions
from creatorpool.stages.configured_expressions import require_signal_columns
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage

STAGE = Stage(SIGNALS, ("events", "viewers", "videos", INVALID), ("signals", "quality"))
INPUT_TABLES = ("events", "viewers", "videos", "ad_revenue")


@dataclass(frozen=True)
class ScoredDay:
    """The day's signals and quality as stored, and facts about them for the ledger."""

    signals: DataFrame
    quality: DataFrame
    coverage: Coverage
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class SignalFrames:
    """The day's signals and quality, with the versions of their input tables and of the tables that contain them."""

    signals: DataFrame
    quality: DataFrame
    coverage: Coverage
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    config_sha256: str


def publish_signals(context: RunContext) -> SignalFrames:
    """Return the day's published signals and quality; if they are not published, compute and publish them first.

    A dry run computes them only. If they are published with another configuration, they stay, with a warning.

    Raises
    ------
    MissingTableError
        If events of the day are not published.
    """
    inputs = signal_inputs(context)
    made: list[ScoredDay] = []

    def compute() -> Mapping[str, Any]:
        made.append(compute_scores(context, inputs))
        return made[0].facts

    def is_current(run: StageRun) -> bool:
        if run.config_sha256 != context.settings.sha256(*STAGE.sections):
            context.warn(SIGNALS, "published with another configuration and stay; --republish computes them again")
        return True

    run = run_stage(context, STAGE, inputs, compute, is_current)
    if made:
        return SignalFrames(made[0].signals, made[0].quality, made[0].coverage, inputs, run.outputs, run.config_sha256)
    return _published(context, run)


def compute_scores(context: RunContext, inputs: Mapping[str, int]) -> ScoredDay:
    """Compute and store the day's signals and quality from `inputs`, versions by table; the caller publishes them.

    Raises
    ------
    ConfigurationError
        If a custom signal has no column in the contract, or the engine cannot compute it.
    """
    require_signal_columns(context.settings.signals, context.warehouse.contract("video_signals"))
    events, viewers, videos = input_frames(context, inputs)
    scores = score_day(events, viewers, videos, context.settings, context.store)
    entered = scored_signals(scores.signals, videos, context.settings.signals, scores.priors)
    eligible, payable = members_by_category(
        pool_members(scores.quality, scores.signals, videos, context.settings.pools)
    )
    coverage = day_coverage(entered, scores.quality, context.settings)
    coverage = replace(coverage, eligible=eligible, payable=payable)
    if warning := coverage.warning(context.settings.report.coverage_loss_warning):
        context.warn(SIGNALS, warning)
    facts = {} if scores.priors is None else {"priors": scores.priors.as_dict()}
    return ScoredDay(scores.signals, scores.quality, coverage, facts | coverage.as_facts())


def _published(context: RunContext, run: StageRun) -> SignalFrames:
    versions = {table: published_version(context.warehouse, table, context.day) for table in STAGE.tables}
    outputs = {table: run.outputs[table] if version is None else version for table, version in versions.items()}
    read = {table: context.warehouse.read(table, day=context.day, version=outputs[table]) for table in STAGE.tables}
    signals, quality = read["video_signals"], read["video_quality"]
    return SignalFrames(
        signals, quality, _coverage(context, signals, quality, run), run.inputs, outputs, run.config_sha256
    )


def stored_scores(context: RunContext, versions: Mapping[str, int]) -> SignalFrames:
    """The day's scores as stored in `versions`, which also name the inputs that they were computed from."""
    read = {table: context.warehouse.read(table, day=context.day, version=versions[table]) for table in STAGE.tables}
    runs = published_runs(context.warehouse, SIGNALS, [context.day])
    run = latest_run(run for run in runs if run.outputs.get("video_quality") == versions["video_quality"])
    return SignalFrames(
        signals=read["video_signals"],
        quality=read["video_quality"],
        coverage=_coverage(context, read["video_signals"], read["video_quality"], run),
        inputs=_named_inputs(versions),
        outputs={table: versions[table] for table in STAGE.tables},
        config_sha256=context.settings.sha256(*STAGE.sections),
    )


def _coverage(context: RunContext, signals: DataFrame, quality: DataFrame, run: StageRun | None) -> Coverage:
    """The coverage that `run` found, or counted again where the ledger does not have it."""
    known = None if run is None else Coverage.of_facts(run.rows)
    return known or day_coverage(signals, quality, context.settings)


def signal_inputs(context: RunContext) -> dict[str, int]:
    """Versions of the input tables: those after the day's ingestion, and of `events` with the late events since then.

    The published version of `invalid_viewers` is among them, or that of an ingestion that the day's payouts publish.

    If the context has `as_of`, these are the versions that it names.

    Raises
    ------
    MissingTableError
        If events of the day are not published.
    """
    if context.as_of is not None:
        return _named_inputs(context.as_of)
    runs = published_runs(context.warehouse, INGEST)
    own = context.ingestion or latest_run(run for run in runs if run.day == context.day)
    if own is None:
        raise MissingTableError(
            f"events of {context.day} are not published under {context.warehouse.root}: run `creatorpool run --date "
            f"{context.day} --source DIR`, with the folder of the day's logs"
        )
    events = max(run.outputs["events"] for run in (own, *runs) if run.day >= context.day)
    known = shared_versions(context.warehouse, [INVALID])
    if INVALID in own.with_later_days:
        known[INVALID] = max(own.with_later_days[INVALID], known.get(INVALID, 0))
    return {"events": events, **{table: own.outputs[table] for table in INPUT_TABLES[1:]}, **known}


def _named_inputs(versions: Mapping[str, int]) -> dict[str, int]:
    return {table: versions[table] for table in (*INPUT_TABLES, INVALID) if table in versions or table != INVALID}


def input_frames(context: RunContext, versions: Mapping[str, int]) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The day's events that count, all viewers and all videos, each table at its version in `versions`."""
    read = context.warehouse.read
    events = read("events", day=context.day, version=versions["events"])
    if INVALID in versions:
        events = without_invalid(events, read(INVALID, version=versions[INVALID]), context.day)
    return (
        events,
        read("viewers", version=versions["viewers"]),
        read("videos", version=versions["videos"]),
    )
