"""Why a restatement changes payouts: table `adjustment_parts` has the parts of each change that it books from a pool.

The parts are those of `explain`: from the published day to the same day as it would be paid now.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.explanation.frames.adjustments import parts_of_changes
from creatorpool.explanation.frames.rows import scored_rows
from creatorpool.explanation.pool_money import money_of_pools
from creatorpool.runs.pools import PoolRun
from creatorpool.runs.published_rows import published_day
from creatorpool.settlement.restatement import PULSE
from creatorpool.stages.allocation import DayPayouts
from creatorpool.stages.configuration import published_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_revenue import DayRevenue
from creatorpool.stages.explained_day import (
    ExplainedDay,
    entered_signals,
    explained_changes,
    explained_day,
)

PARTS = "adjustment_parts"
_OWN = ("service_date", "category", "video_id", "run_id", "sequence", "creator_id", "change_micros")


def store_parts(
    context: RunContext,
    changes: DataFrame,
    earlier: DataFrame | None,
    published: Mapping[str, PoolRun],
    now: tuple[DayPayouts, DayRevenue],
) -> DataFrame:
    """Store the parts of `changes`, rows of `payout_adjustments`, beside those of earlier restatements; return them.

    Parameters
    ----------
    earlier : DataFrame or None
        The day's rows of `payout_adjustments` by earlier restatements.
    published : mapping
        The day's pools as published, by category.
    now : tuple of DayPayouts and DayRevenue
        The day as it would be paid.

    Raises
    ------
    ConfigurationError
        If the ledger keeps no configuration, and the published scores do not follow from that of the run.
    """
    settings = published_settings(context.settings, published.values()) or context.settings
    custom = sorted({*settings.signals.custom, *context.settings.signals.custom})
    before = explained_day(context, context.day, settings, custom)
    after = _restated_day(context, *now, custom)
    explained = explained_changes(before, after, custom)
    stored = published_day(context.warehouse, PARTS, context.day)
    own = changes.where(F.col("category") != PULSE).select(*_OWN)
    rows = parts_of_changes(own, explained, earlier, stored)
    if stored is not None:
        rows = rows.unionByName(stored.drop("date"))
    return context.store(rows, PARTS).where(F.col("run_id") == context.run_id)


def _restated_day(context: RunContext, payouts: DayPayouts, revenue: DayRevenue, custom: list[str]) -> ExplainedDay:
    scores, settings = payouts.signals, context.settings
    ledger = {pool.category: pool for pool in payouts.pools}
    signals = entered_signals(context.warehouse, scores.signals, scores.inputs, settings)
    rows = scored_rows(payouts.pool_payouts, signals, scores.quality, custom)
    money = money_of_pools(vars(pool) for pool in revenue.pools if pool.category in ledger)
    return ExplainedDay(context.day, ledger, settings, rows, payouts.video_payouts, money)
