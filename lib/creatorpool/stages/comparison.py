"""The stage `comparison`: what other rules would have paid out of the day's pools."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.comparison.compare import RuleOutcome, compare, other_shares, rule_payouts
from creatorpool.comparison.frames.viewing import pool_viewing
from creatorpool.comparison.measures import small_creators
from creatorpool.comparison.pool import Pool
from creatorpool.comparison.rules import Viewing
from creatorpool.frames import matching, parts_by
from creatorpool.quality.frames.pairs import viewer_video_pairs
from creatorpool.stages.configuration import PAYOUT_SECTIONS, take_paid_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.published_day import (
    PublishedDay,
    PublishedPool,
    publish_study,
    published_day,
)
from creatorpool.stages.runner import Stage
from creatorpool.stages.signals import input_frames

COMPARISON = "comparison"
STAGE = Stage(COMPARISON, ("pool_payouts", "events", "viewers", "videos"), (*PAYOUT_SECTIONS, "frontier"))


@dataclass(frozen=True)
class PoolComparison:
    """One pool under every rule."""

    published: PublishedPool
    outcomes: Sequence[RuleOutcome]


def publish_comparison(context: RunContext, categories: Collection[str] = ()) -> list[PoolComparison]:
    """Publish table `rule_comparison` of the day's published pools, or of `categories`.

    Every rule splits what was paid out of the pool over the videos that were eligible. Pools that paid nothing are
    left out.
    """
    day = published_day(context, categories)
    take_paid_settings(context, [pool.row for pool in day.pools.values()])
    comparisons: list[PoolComparison] = []

    def compute() -> list[dict[str, Any]]:
        paying = {name: published for name, published in day.pools.items() if published.pool.can_pay}
        viewing = day_viewing(context, day, paying)
        comparisons.extend(_compare_pool(context, paying[name], viewing[name]) for name in paying)
        return _records(context, comparisons)

    publish_study(context, STAGE, day, compute)
    return comparisons


def day_viewing(context: RunContext, day: PublishedDay, pools: Mapping[str, PublishedPool]) -> dict[str, Viewing]:
    """Who watched what in each of `pools`, from the events that the day was paid by."""
    pairs = viewer_video_pairs(*input_frames(context, day.versions), context.settings.signals)
    payouts = context.warehouse.read("pool_payouts", day=context.day, version=day.versions["pool_payouts"])
    rows = pool_viewing(pairs, matching(payouts, "category", pools)).toArrow()
    by_category = dict(parts_by(rows, "category"))
    return {
        name: _viewing(by_category.get(name, rows.slice(0, 0)), published.pool) for name, published in pools.items()
    }


def _viewing(own: pa.Table, pool: Pool) -> Viewing:
    video = pc.index_in(own.column("video_id"), value_set=pa.array(pool.video, type=own.schema.field("video_id").type))
    return Viewing(
        video.to_numpy().astype(np.intp),
        own.column("depth").to_numpy(),
        own.column("views").to_numpy(),
    )


def _compare_pool(context: RunContext, published: PublishedPool, viewing: Viewing) -> PoolComparison:
    pool = published.pool
    views = viewing.views_by_video(pool.video.size)
    shares = other_shares(views, viewing, 1.0 - context.settings.pools.platform_share)
    is_small = small_creators(pool.creator, pool.effective_impressions, context.settings.frontier.small_creators)
    return PoolComparison(published, compare(pool, rule_payouts(pool, published.payout, shares), is_small))


def _records(context: RunContext, comparisons: Sequence[PoolComparison]) -> list[dict[str, Any]]:
    return [
        _record(context, comparison.published, outcome) for comparison in comparisons for outcome in comparison.outcomes
    ]


def _record(context: RunContext, published: PublishedPool, outcome: RuleOutcome) -> dict[str, Any]:
    gain, loss = outcome.top_gain, outcome.top_loss
    return {
        "date": context.day,
        "category": published.pool.category,
        "rule": outcome.rule,
        "paid_micros": sum(outcome.payout.tolist()),
        "pool_micros": published.pool.money,
        "videos_eligible": outcome.payout.size,
        "videos_paid": outcome.videos_paid,
        "coverage": outcome.videos_paid / outcome.payout.size,
        "creators_paid": outcome.creators_paid,
        "gini": outcome.spread.gini,
        "top1pct_share": outcome.spread.top1pct_share,
        "effective_videos": outcome.spread.effective_videos,
        "small_creators_share": outcome.spread.small_creators_share,
        "moved_micros": outcome.moved_micros,
        "videos_gaining": outcome.videos_gaining,
        "videos_losing": outcome.videos_losing,
        "creators_gaining": outcome.creators_gaining,
        "creators_losing": outcome.creators_losing,
        "small_creators_change_micros": outcome.small_creators_change_micros,
        "top_gain_creator_id": gain.creator if gain else None,
        "top_gain_micros": gain.micros if gain else None,
        "top_loss_creator_id": loss.creator if loss else None,
        "top_loss_micros": loss.micros if loss else None,
        "allocation_run_id": published.row.run_id,
    }
