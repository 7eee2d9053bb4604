"""The stage `signals`: events, viewers and videos to video_signals and video_quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.errors import MissingTableError
from creatorpool.pipeline.night import Night
from creatorpool.quality.score import fit_day_priors, video_quality
from creatorpool.runs.ledger import INGEST, SIGNALS, StageRun, publish_run, published_run, published_runs
from creatorpool.signals.video_signals import video_signals

SECTIONS = ("signals", "quality")
"""Parts of the configuration that signals and quality depend on."""

INPUT_TABLES = ("events", "viewers", "videos", "ad_revenue")


@dataclass(frozen=True)
class SignalFrames:
    """The day's signals and quality, with the versions of the tables that they came from and stand in."""

    signals: DataFrame
    quality: DataFrame
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    config_sha256: str


def day_signals(night: Night, *, again: bool = False) -> SignalFrames:
    """The day's published signals and quality; published first if they are not yet, or only computed in a dry run.

    With `again` they are computed anew even if they are published: late events and another configuration count then.
    """
    run = published_run(night.warehouse, SIGNALS, night.day)
    if run is not None and not again:
        night.log(SIGNALS, f"already published by run {run.run_id}")
        if run.config_sha256 != night.settings.sha256(*SECTIONS):
            night.log(SIGNALS, "warning: published with another configuration, which stands")
        return _published(night, run)
    inputs = _inputs(night)
    with night.stage(SIGNALS):
        # Somebody may have published between the look above and the claim.
        newer = published_run(night.warehouse, SIGNALS, night.day)
        if newer is not None and newer != run:
            return _published(night, newer)
        return _rate(night, inputs)


def _published(night: Night, run: StageRun) -> SignalFrames:
    signals, quality = (
        night.warehouse.read(table, day=night.day, version=run.outputs[table])
        for table in ("video_signals", "video_quality")
    )
    return SignalFrames(signals, quality, run.inputs, run.outputs, run.config_sha256)


def _inputs(night: Night) -> dict[str, int]:
    """The versions that the day's published ingestion left; of events, with what later days have added to it since.

    Of a run that repeats an earlier one, the versions that this one read.
    """
    if night.as_of is not None:
        return {table: night.as_of[table] for table in INPUT_TABLES}
    runs = {run.day: run for run in published_runs(night.warehouse, INGEST)}
    if night.day not in runs:
        raise MissingTableError(
            f"events of {night.day} are not published under {night.warehouse.root}: run jobs/ingest_events.py "
            f"--date {night.day}, or name the logs with --source"
        )
    own = runs[night.day].outputs
    events = max(run.outputs["events"] for day, run in runs.items() if day >= night.day)
    return {"events": events, **{table: own[table] for table in INPUT_TABLES[1:]}}


def input_frames(night: Night, versions: Mapping[str, int]) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The day's events, the viewers and the videos, each at its version."""
    read = night.warehouse.read
    return (
        read("events", day=night.day, version=versions["events"]),
        read("viewers", version=versions["viewers"]),
        read("videos", version=versions["videos"]),
    )


def _rate(night: Night, inputs: Mapping[str, int]) -> SignalFrames:
    warehouse, settings = night.warehouse, night.settings
    events, viewers, videos = input_frames(night, inputs)
    signals = night.store(video_signals(events, viewers, videos, settings.signals), "video_signals")
    is_smoothed = settings.quality.smoothing == "empirical_bayes"
    priors = fit_day_priors(signals, videos, settings.signals) if is_smoothed else None
    quality = night.store(video_quality(signals, videos, settings.signals, priors), "video_quality")
    fitted = {} if priors is None else {"priors": priors.as_dict()}
    run = night.finished(SIGNALS, SECTIONS, inputs, dict(night.outputs), fitted)
    night.publish(SIGNALS, lambda: publish_run(warehouse, run))
    return SignalFrames(signals, quality, inputs, run.outputs, run.config_sha256)
