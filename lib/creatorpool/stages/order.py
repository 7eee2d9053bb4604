"""All stages in the order of the data flow. The night is `ingest`, `signals` and `allocate`.

    raw logs ──ingest──► events, viewers, videos, ad_revenue
    what is known later ──load──► video_rights, holds, appeals, invalid_viewers, fx_rates, late events, revenue
    events + viewers + videos ──signals──► video_signals, video_quality
    ad_revenue + video_quality ──allocate──► pool_revenue, pool_payouts, video_payouts, creator_payouts
    events + entrants ──incentives──► cohort_incentives, continuation_values, policy_advice
    content_exposure ──delivery──► p2c_parameters, delivery_plan
    events ──recommend──► item_similarity, candidates
    payouts of two days ──explain──► payout_changes ──statements──► creator_statements
    payouts ──frontier, comparison, integrity──► allocation_frontier, rule_comparison, integrity_audit

`stages.runner` states what happens when a stage runs twice, is killed, or runs at the same time as another run.
"""

from __future__ import annotations

from collections.abc import Collection

from creatorpool.stages import (
    allocation,
    candidates,
    closing,
    comparison,
    delivery,
    explanation,
    frontier,
    incentives,
    ingestion,
    integrity,
    loading,
    payments,
    posting,
    restatement,
    signals,
    statements,
)
from creatorpool.stages.allocation import DayPayouts, publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.runner import Stage
from creatorpool.storage.places import Place

STAGES: tuple[Stage, ...] = (
    ingestion.STAGE,
    loading.STAGE,
    signals.STAGE,
    allocation.STAGE,
    restatement.STAGE,
    posting.STAGE,
    closing.STAGE,
    payments.STAGE,
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
    context: RunContext, source: Place | None, categories: Collection[str] = (), *, republish: bool = False
) -> DayPayouts:
    """Publish the day's ingestion, signals and payouts, as far as they are not published yet.

    Parameters
    ----------
    source : Place, optional
        Folder with the day's raw logs; the configured one by default. Not needed if the ingestion is published.
    categories : collection of str
        Pools to pay; all if empty.
    republish : bool
        Compute and publish published scores and payouts again.

    Returns
    -------
    DayPayouts
        The payouts of the day; errors as in `publish_ingestion` and `publish_payouts`.
    """
    publish_ingestion(context, source)
    return publish_payouts(context, categories, republish=republish)
