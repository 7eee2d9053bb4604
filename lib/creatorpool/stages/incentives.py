"""The stage `incentives`: events and entrants to cohort_incentives, continuation_values and policy_advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from pyspark.sql import DataFrame

from creatorpool.cohorts.advice import advice_records, segment_cost
from creatorpool.cohorts.frames.statistics import (
    binned,
    cell_statistics,
    entry_statistics,
    median_statistics,
    slot_statistics,
)
from creatorpool.cohorts.frames.successes import day_successes
from creatorpool.cohorts.frames.tested import entered_within, finished_entrants, with_exposure
from creatorpool.cohorts.frames.views import delivered_slots, entrant_views
from creatorpool.cohorts.rows import continuation_records, incentive_record
from creatorpool.cohorts.segments import CohortStatistics, SegmentCohort, segment_cohorts
from creatorpool.cohorts.success_value import SuccessValue
from creatorpool.errors import MissingTableError
from creatorpool.expressions import require_computable
from creatorpool.incentives.estimation import CohortEstimate, EstimationRules, estimate_cohort
from creatorpool.runs.ledger import StageRun, latest_run
from creatorpool.runs.pools import published_pools
from creatorpool.settings import IncentiveSettings
from creatorpool.stages.context import RunContext
from creatorpool.stages.event_window import ingested_days, warn_of_gap
from creatorpool.stages.runner import Stage, run_stage

INCENTIVES = "incentives"
PAYOUTS = "payouts"
"""Key of what the day's pools paid, among the inputs of a run"""
STAGE = Stage(INCENTIVES, ("events", "videos", "entrants"), ("incentives",))


@dataclass(frozen=True)
class CohortFrames:
    """The published rows that one estimate uses, its first and last day, and the zone whose clocks divide days."""

    events: DataFrame
    videos: DataFrame
    entrants: DataFrame
    first: date
    last: date
    timezone: str


def publish_incentives(context: RunContext) -> StageRun:
    """Publish the day's estimates, unless they are published from the same inputs, configuration and code.

    Raises
    ------
    MissingTableError
        If events of the day are not published, or entrants were never delivered.
    ConfigurationError
        If the engine cannot compute `incentives.success` or `incentives.replay_target`.
    """
    inputs = _inputs(context)
    return run_stage(context, STAGE, inputs, lambda: _compute(context, inputs))


def estimates(
    frames: CohortFrames, settings: IncentiveSettings
) -> tuple[list[SegmentCohort], list[CohortEstimate], EstimationRules]:
    """Each segment's cohort, its estimate, and the rules of the estimation; errors as in `cohort_statistics`."""
    cohorts = segment_cohorts(cohort_statistics(frames, settings))
    rules = EstimationRules(
        min_entrants=settings.min_entrants,
        replicates=settings.replicates,
        confidence=settings.confidence,
        proxy_is_quality=settings.proxy_is_quality,
        attenuation=settings.slope_attenuation,
    )
    return cohorts, [_estimate(cohort, settings, rules) for cohort in cohorts], rules


def cohort_statistics(frames: CohortFrames, settings: IncentiveSettings) -> CohortStatistics:
    """Counts by the engine, as small Arrow tables in this process.

    Raises
    ------
    ConfigurationError
        If the engine cannot compute `incentives.success` or `incentives.replay_target`.
    """
    entered = entered_within(frames.entrants, frames.first, frames.last, frames.timezone)
    views = entrant_views(frames.events, frames.videos, entered)
    require_computable(views, settings.with_origin("success", "incentives.success"), settings.success, "boolean")
    slots = delivered_slots(views, settings.success)
    tested = binned(finished_entrants(slots, entered, settings.delta), settings.bins)
    followed = with_exposure(tested, views, settings, (frames.first, frames.last), frames.timezone)
    return CohortStatistics(
        cells=cell_statistics(followed).toArrow(),
        slots=slot_statistics(tested, slots).toArrow(),
        medians=median_statistics(tested).toArrow(),
        entered=entry_statistics(entered).toArrow(),
    )


def _estimate(cohort: SegmentCohort, settings: IncentiveSettings, rules: EstimationRules) -> CohortEstimate:
    # The seed includes the segment's name, so that a segment's results do not depend on the other segments.
    words = np.frombuffer(cohort.segment.encode(), dtype=np.uint8)
    seed = int(np.random.SeedSequence([settings.seed, *words.tolist()]).generate_state(1)[0])
    return estimate_cohort(
        cohort.counts,
        cohort.policy(settings.bounty_of(cohort.segment)),
        exposure=cohort.exposure,
        cost=segment_cost(cohort, settings),
        rules=rules,
        seed=seed,
    )


def _inputs(context: RunContext) -> dict[str, Any]:
    """Versions of the published tables, the first day without a gap up to the run's day, and what that day paid."""
    found = ingested_days(context, context.settings.incentives.cohort_days)
    entrants = latest_run(run for run in found.runs if "entrants" in run.outputs)
    if entrants is None:
        raise MissingTableError(
            f"no entrants are ingested under {context.warehouse.root}: deliver table entrants with the logs of a day"
        )
    return {
        "events": found.version("events"),
        "videos": found.latest.with_later_days["videos"],
        "entrants": entrants.with_later_days["entrants"],
        "first_day": found.first.isoformat(),
        **_payouts(context),
    }


def _payouts(context: RunContext) -> dict[str, Any]:
    """What the day's pools paid, if they are published."""
    pools = published_pools(context.warehouse, context.day).values()
    paid = sum(pool.paid_micros for pool in pools)
    return {PAYOUTS: {"paid_micros": paid, "currency": next(iter(pools)).currency}} if paid else {}


def _frames(context: RunContext, inputs: Mapping[str, Any]) -> CohortFrames:
    first = date.fromisoformat(inputs["first_day"])
    warn_of_gap(context, INCENTIVES, first, context.settings.incentives.cohort_days, "entrants")
    read = context.warehouse.read
    events = read("events", version=inputs["events"])
    return CohortFrames(
        events=events.where(events["date"].between(first, context.day)),
        videos=read("videos", version=inputs["videos"]),
        entrants=read("entrants", version=inputs["entrants"]),
        first=first,
        last=context.day,
        timezone=context.settings.ingest.day_timezone,
    )


def _compute(context: RunContext, inputs: Mapping[str, Any]) -> dict[str, Any]:
    settings = context.settings.incentives
    frames = _frames(context, inputs)
    cohorts, found, rules = estimates(frames, settings)
    context.note(INCENTIVES, f"{len(cohorts)} segments estimated", segments=len(cohorts))
    success = _success_value(frames, inputs, settings)
    records = {
        "cohort_incentives": [incentive_record(c, e, rules) for c, e in zip(cohorts, found, strict=True)],
        "continuation_values": [
            row for c, e in zip(cohorts, found, strict=True) for row in continuation_records(c, e, settings.confidence)
        ],
        "policy_advice": advice_records(cohorts, found, settings, success),
    }
    facts = {} if success is None else success.as_facts()
    return {table: _stored(context, table, records[table]) for table in STAGE.tables} | facts


def _success_value(frames: CohortFrames, inputs: Mapping[str, Any], settings: IncentiveSettings) -> SuccessValue | None:
    """Value of one success on the last day; None if its payouts are not published or no view was a success."""
    if PAYOUTS not in inputs:
        return None
    paid = inputs[PAYOUTS]
    own = frames.events.where(frames.events["date"] == frames.last)
    successes = day_successes(own, frames.videos, settings.success)
    return SuccessValue(paid["paid_micros"], successes, paid["currency"]) if successes else None


def _stored(context: RunContext, table: str, records: Sequence[Mapping[str, Any]]) -> int:
    dated = [{**record, "date": context.day} for record in records]
    context.store(context.warehouse.frame(dated, table), table)
    return len(dated)
