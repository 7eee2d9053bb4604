"""All stages in the order of the data flow, and the night, which is the first of them.

    raw logs ──ingest──► events, viewers, videos, ad_revenue
    events + viewers + videos ──signals──► video_signals, video_quality
    ad_revenue + video_quality ──allocate──► pool_revenue, pool_payouts, video_payouts, creator_payouts
    events + entrants ──incentives──► cohort_incentives, continuation_values, policy_advice
    content_exposure ──delivery──► p2c_parameters, delivery_plan
    events ──recommend──► item_similarity, candidates
    payouts of two days ──explain──► payout_changes ──statements──► creator_statements
    payouts ──frontier, comparison, integrity──► allocation_frontier, rule_comparison, integrity_audit

Any of them may be run twice, killed or run beside another run: `stages.runner` states what holds then.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from creatorpool.stages import (
    allocation,
    candidates,
    comparison,
    delivery,
    explanation,
    frontier,
    incentives,
    ingestion,
    integrity,
    signals,
    statements,
)
from creatorpool.stages.allocation import DayPayouts, publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.runner import Stage

STAGES: tuple[Stage, ...] = (
    ingestion.STAGE,
    signals.STAGE,
    allocation.STAGE,
    incentives.STAGE,
    delivery.STAGE,
    candidates.STAGE,
    explanation.STAGE,
    statements.STAGE,
    frontier.STAGE,
    comparison.STAGE,
    integrity.STAGE,
)


def run_night(
    context: RunContext, source: Path | None, categories: Collection[str] = (), *, republish: bool = False
) -> DayPayouts:
    """Publish whatever of the day's ingestion, signals and payouts is not published yet."""
    publish_ingestion(context, source)
    return publish_payouts(context, categories, republish=republish)
