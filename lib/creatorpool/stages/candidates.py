"""The stage `recommend`: events, viewers and videos to item_similarity and candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.recommend.frames.build import matrix_parcels
from creatorpool.runs.ledger import StageRun
from creatorpool.stages.context import RunContext
from creatorpool.stages.event_window import ingested_days, warn_of_gap
from creatorpool.stages.runner import Stage, run_stage

RECOMMEND = "recommend"
STAGE = Stage(RECOMMEND, ("events", "viewers", "videos"), ("recommend", "signals"))
"""Candidates depend on section `signals`, too, because it defines what counts as a view."""


@dataclass(frozen=True)
class RecommendFrames:
    """The published rows of the window of days."""

    events: DataFrame
    viewers: DataFrame
    videos: DataFrame


def publish_candidates(context: RunContext) -> StageRun:
    """Publish the day's candidates, unless they are published from the same inputs, configuration and code.

    Raises
    ------
    MissingTableError
        If events of the day are not published.
    """
    inputs = _inputs(context)
    return run_stage(context, STAGE, inputs, lambda: _compute(context, inputs))


def _inputs(context: RunContext) -> dict[str, Any]:
    found = ingested_days(context, context.settings.recommend.window_days)
    return {
        "events": found.version("events"),
        "viewers": found.latest.with_later_days["viewers"],
        "videos": found.latest.with_later_days["videos"],
        "first_day": found.first.isoformat(),
    }


def _frames(context: RunContext, inputs: Mapping[str, Any]) -> RecommendFrames:
    first = date.fromisoformat(inputs["first_day"])
    warn_of_gap(context, RECOMMEND, first, context.settings.recommend.window_days, "events")
    read = context.warehouse.read
    events = read("events", version=inputs["events"])
    return RecommendFrames(
        events=events.where(events["date"].between(first, context.day)),
        viewers=read("viewers", version=inputs["viewers"]),
        videos=read("videos", version=inputs["videos"]),
    )


def _compute(context: RunContext, inputs: Mapping[str, Any]) -> dict[str, Any]:
    frames = _frames(context, inputs)
    with matrix_parcels(frames.events, frames.viewers, frames.videos, context.settings) as parcels:
        similarity = context.store(parcels.similarity(), "item_similarity")
        candidates = context.store(parcels.candidates(), "candidates")
    facts = {"item_similarity": similarity.count(), **_facts(candidates)}
    context.note(RECOMMEND, f"{facts['candidates']} candidates of {facts['viewers']} viewers", **facts)
    return facts


def _facts(candidates: DataFrame) -> dict[str, int]:
    """Facts for the ledger: numbers of rows."""
    counted = candidates.agg(
        F.count("*").alias("candidates"),
        F.count(F.when(F.col("rank") == 1, 1)).alias("viewers"),
        F.count(F.when(F.col("similarity_score") > 0, 1)).alias("similar"),
        F.count(F.when(F.col("is_interest"), 1)).alias("of_interest"),
    )
    row: Mapping[str, int] = counted.collect()[0].asDict()
    return dict(row)
