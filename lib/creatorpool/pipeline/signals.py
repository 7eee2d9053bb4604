"""The stage `signals`: events, viewers and videos to video_signals and video_quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from creatorpool.errors import MissingTableError
from creatorpool.pipeline.night import Night
from creatorpool.pipeline.stage import Stage, run_stage
from creatorpool.quality.score import fit_day_priors, video_quality
from creatorpool.runs.ledger import INGEST, SCORE_TABLES, SIGNALS, StageRun, latest_run, published_runs
from creatorpool.runs.published import published_version
from creatorpool.signals.video_signals import video_signals

STAGE = Stage(SIGNALS, SCORE_TABLES, ("signals", "quality"))
INPUT_TABLES = ("events", "viewers", "videos", "ad_revenue")


@dataclass(frozen=True)
class RatedDay:
    """The day's signals and quality as stored, and what the ledger notes of them."""

    signals: DataFrame
    quality: DataFrame
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class SignalFrames:
    """The day's signals and quality, with the versions of the tables that they came from and stand in."""

    signals: DataFrame
    quality: DataFrame
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    config_sha256: str


def day_signals(night: Night) -> SignalFrames:
    """The day's published signals and quality; published first if they are not yet, or only computed in a dry run."""
    inputs = signal_inputs(night)
    made: list[RatedDay] = []

    def compute() -> Mapping[str, Any]:
        made.append(rate_day(night, inputs))
        return made[0].facts

    def stands(run: StageRun) -> bool:
        if run.config_sha256 != night.settings.sha256(*STAGE.sections):
            night.log(SIGNALS, "warning: published with another configuration, which stands")
        return True

    run = run_stage(night, STAGE, inputs, compute, stands)
    if made:
        return SignalFrames(made[0].signals, made[0].quality, inputs, run.outputs, run.config_sha256)
    return _published(night, run)


def rate_day(night: Night, inputs: Mapping[str, int]) -> RatedDay:
    """Compute and store the day's signals and quality from `inputs`; the caller publishes them."""
    settings = night.settings
    events, viewers, videos = input_frames(night, inputs)
    signals = night.store(video_signals(events, viewers, videos, settings.signals), "video_signals")
    is_smoothed = settings.quality.smoothing == "empirical_bayes"
    priors = fit_day_priors(signals, videos, settings.signals) if is_smoothed else None
    quality = night.store(video_quality(signals, videos, settings.signals, priors), "video_quality")
    return RatedDay(signals, quality, {} if priors is None else {"priors": priors.as_dict()})


def _published(night: Night, run: StageRun) -> SignalFrames:
    versions = {table: published_version(night.warehouse, table, night.day) for table in STAGE.tables}
    outputs = {table: run.outputs[table] if version is None else version for table, version in versions.items()}
    signals, quality = (night.warehouse.read(table, day=night.day, version=outputs[table]) for table in STAGE.tables)
    return SignalFrames(signals, quality, run.inputs, outputs, run.config_sha256)


def signal_inputs(night: Night) -> dict[str, int]:
    """The versions that the day's published ingestion left; of events, with what later days have added to it since.

    Of a run that repeats an earlier one, the versions that this one read.
    """
    if night.as_of is not None:
        return {table: night.as_of[table] for table in INPUT_TABLES}
    runs = published_runs(night.warehouse, INGEST)
    own = latest_run(run for run in runs if run.day == night.day)
    if own is None:
        raise MissingTableError(
            f"events of {night.day} are not published under {night.warehouse.root}: run jobs/ingest_events.py "
            f"--date {night.day}, or name the logs with --source"
        )
    events = max(run.outputs["events"] for run in runs if run.day >= night.day)
    return {"events": events, **{table: own.outputs[table] for table in INPUT_TABLES[1:]}}


def input_frames(night: Night, versions: Mapping[str, int]) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The day's events, the viewers and the videos, each at its version."""
    read = night.warehouse.read
    return (
        read("events", day=night.day, version=versions["events"]),
        read("viewers", version=versions["viewers"]),
        read("videos", version=versions["videos"]),
    )
