"""The stage `signals`: events, viewers and videos to video_signals and video_quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.errors import MissingTableError
from creatorpool.pipeline.night import Night
from creatorpool.quality.score import fit_day_priors, video_quality
from creatorpool.runs.ledger import INGEST, SIGNALS, publish_run, published_run
from creatorpool.signals.video_signals import video_signals

SECTIONS = ("signals", "quality")
"""Parts of the configuration that signals and quality depend on."""


@dataclass(frozen=True)
class SignalFrames:
    """The day's signals and quality, with the versions of the tables that they came from and stand in."""

    signals: DataFrame
    quality: DataFrame
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


def day_signals(night: Night) -> SignalFrames:
    """The day's published signals and quality; published first if they are not yet, or only computed in a dry run."""
    run = published_run(night.warehouse, SIGNALS, night.day)
    if run is None:
        return _run(night)
    night.log(SIGNALS, f"already published by run {run.run_id}")
    if run.config_sha256 != night.settings.sha256(*SECTIONS):
        night.log(SIGNALS, "warning: published with another configuration, which stands")
    read = {table: night.warehouse.read(table, day=night.day, version=run.outputs[table]) for table in run.outputs}
    return SignalFrames(read["video_signals"], read["video_quality"], run.inputs, run.outputs)


def _run(night: Night) -> SignalFrames:
    warehouse, day, settings = night.warehouse, night.day, night.settings
    if published_run(warehouse, INGEST, day) is None:
        raise MissingTableError(
            f"events of {day} are not published under {warehouse.root}: run jobs/ingest_events.py --date {day}, "
            f"or name the logs with --source"
        )
    with night.stage(SIGNALS):
        inputs = warehouse.versions("events", "viewers", "videos")
        events = warehouse.read("events", day=day, version=inputs["events"])
        viewers = warehouse.read("viewers", version=inputs["viewers"])
        videos = warehouse.read("videos", version=inputs["videos"])
        signals = night.store(video_signals(events, viewers, videos, settings.signals), "video_signals")
        is_smoothed = settings.quality.smoothing == "empirical_bayes"
        priors = fit_day_priors(signals, videos, settings.signals) if is_smoothed else None
        quality = night.store(video_quality(signals, videos, settings.signals, priors), "video_quality")
        outputs = dict(night.outputs)
        if not night.dry_run:
            publish_run(warehouse, night.finished(SIGNALS, SECTIONS, inputs, outputs, {}))
    return SignalFrames(signals, quality, inputs, outputs)
