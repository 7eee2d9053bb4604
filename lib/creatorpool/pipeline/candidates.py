"""The stage `recommend`: events, viewers and videos to item_similarity and candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.candidates.build import matrix_parcels
from creatorpool.pipeline.event_window import ingested_days, warn_of_gap
from creatorpool.pipeline.night import Night
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, publish_run, published_run

RECOMMEND = "recommend"
SECTIONS = ("recommend", "signals")
"""The part of the configuration that candidates depend on: their own, and what counts as a view."""

TABLES = ("item_similarity", "candidates")


@dataclass(frozen=True)
class RecommendFrames:
    """Published rows of the window."""

    events: DataFrame
    viewers: DataFrame
    videos: DataFrame


def day_candidates(night: Night) -> StageRun:
    """The day's published candidates; made anew unless they were made from the same inputs, configuration and code."""
    inputs = _inputs(night)
    run = published_run(night.warehouse, RECOMMEND, night.day)
    if run is not None and _is_current(night, run, inputs):
        night.log(RECOMMEND, f"already published by run {run.run_id}, from the same inputs")
        return run
    with night.stage(RECOMMEND):
        return _publish(night, inputs)


def _inputs(night: Night) -> dict[str, Any]:
    found = ingested_days(night, night.settings.recommend.window_days)
    return {
        "events": found.version("events"),
        "viewers": found.latest.outputs["viewers"],
        "videos": found.latest.outputs["videos"],
        "first_day": found.first.isoformat(),
    }


def _is_current(night: Night, run: StageRun, inputs: Mapping[str, Any]) -> bool:
    same_numbers = (run.config_sha256, run.code_version) == (night.settings.sha256(*SECTIONS), code_version())
    return same_numbers and dict(run.inputs) == dict(inputs)


def _frames(night: Night, inputs: Mapping[str, Any]) -> RecommendFrames:
    first = date.fromisoformat(inputs["first_day"])
    warn_of_gap(night, RECOMMEND, first, night.settings.recommend.window_days, "events")
    read = night.warehouse.read
    events = read("events", version=inputs["events"])
    return RecommendFrames(
        events=events.where(events["date"].between(first, night.day)),
        viewers=read("viewers", version=inputs["viewers"]),
        videos=read("videos", version=inputs["videos"]),
    )


def _publish(night: Night, inputs: Mapping[str, Any]) -> StageRun:
    frames = _frames(night, inputs)
    with matrix_parcels(frames.events, frames.viewers, frames.videos, night.settings) as parcels:
        similarity = night.store(parcels.similarity(), "item_similarity")
        candidates = night.store(parcels.candidates(), "candidates")
    facts = {"item_similarity": similarity.count(), **_facts(candidates)}
    night.log(RECOMMEND, f"{facts['candidates']} candidates of {facts['viewers']} viewers")
    run = night.finished(RECOMMEND, SECTIONS, inputs, dict(night.outputs), facts)
    night.publish(RECOMMEND, lambda: publish_run(night.warehouse, run))
    return run


def _facts(candidates: DataFrame) -> dict[str, int]:
    """What the ledger says of the candidates, in rows."""
    counted = candidates.agg(
        F.count("*").alias("candidates"),
        F.count(F.when(F.col("rank") == 1, 1)).alias("viewers"),
        F.count(F.when(F.col("similarity_score") > 0, 1)).alias("similar"),
        F.count(F.when(F.col("is_interest"), 1)).alias("of_interest"),
    )
    row: Mapping[str, int] = counted.collect()[0].asDict()
    return dict(row)
