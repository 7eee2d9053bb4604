"""A day as its payouts are explained, published or computed anew, and the parts of the changes between two of them.

Explanations compare two published days; restatements compare a published day with the same day as it would be paid now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from pyspark.sql import DataFrame

from creatorpool.errors import ConfigurationError
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.explanation.frames.rows import PAID_COLUMNS, explained_rows, paired_rows, scored_rows, whole_pool
from creatorpool.explanation.pairs import PoolDay, PoolPair, pool_day
from creatorpool.explanation.pool_money import PoolMoney, money_of_pools
from creatorpool.explanation.pricing import PaidVideos
from creatorpool.frames import matching, parts_by, union_all
from creatorpool.quality.frames.score import fit_day_priors, scored_signals
from creatorpool.quality.geometric import geometric_mean
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.runs.ledger import SIGNALS, published_runs
from creatorpool.runs.pools import PoolRun, day_outputs, require_published_pools
from creatorpool.settings import Settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.signals import STAGE as SIGNAL_STAGE
from creatorpool.tables import Warehouse

SCORE_TOLERANCE = 1e-9
"""Relative. If the configured weights give scores that differ by more, the published scores come from other weights."""


@dataclass(frozen=True)
class ExplainedDay:
    """One of the two days: ledger rows, payouts with their scores, the videos' total payouts, and the pools' money."""

    day: date
    ledger: Mapping[str, PoolRun]
    settings: Settings
    rows: DataFrame
    video_payouts: DataFrame
    money: Mapping[str, PoolMoney]

    def policy(self, category: str) -> DayPolicy:
        """The policy of the pool's split, and the exponents of the components."""
        return DayPolicy(self.ledger[category].policy, self.settings.signals.exponents())


def explained_changes(before: ExplainedDay, after: ExplainedDay, custom: Sequence[str]) -> DataFrame:
    """The parts of each change between the two days: `explained_rows`; `custom` names custom signals."""
    pairs = paired_rows(before.rows, after.rows, custom)
    has_other_weights = before.settings.signals.exponents() != after.settings.signals.exponents()
    needed = (*PAID_COLUMNS, *(("views", *COMPONENT_NAMES, *custom) if has_other_weights else ()))
    rows = pairs.select("category", *(f"{name}_{day}" for name in needed for day in (0, 1))).toArrow()
    pools, by_category = {}, dict(parts_by(rows, "category"))
    for category in sorted({*before.ledger, *after.ledger}):
        own = by_category.get(category, rows.slice(0, 0))
        days = (before, after)
        priced = [_pool_day(category, days[d], days[1 - d], whole_pool(own, d, custom)) for d in (0, 1)]
        pools[category] = PoolPair(priced[0], priced[1])
    return explained_rows(pairs, pools, before.day, custom)


def _pool_day(category: str, own: ExplainedDay, other: ExplainedDay, videos: PaidVideos) -> PoolDay | None:
    if category not in own.ledger:
        return None
    other_policy = other.policy(category) if category in other.ledger else None
    paid = own.ledger[category].paid_micros
    return pool_day(videos, own.money[category], paid, own.policy(category), other_policy)


def explained_day(context: RunContext, day: date, settings: Settings, custom: list[str]) -> ExplainedDay:
    """One published day with the scores that its payouts were computed from; `custom` names custom signals.

    Raises
    ------
    MissingTableError
        If payouts of the day are not published.
    ConfigurationError
        If its scores do not follow from the weights of `settings`.
    """
    warehouse, ledger = context.warehouse, require_published_pools(context.warehouse, day)
    outputs = day_outputs(ledger)
    payouts = warehouse.read("pool_payouts", day=day, version=outputs["pool_payouts"])
    # Pools published at different times may come from different versions of the day's signals.
    by_version: dict[tuple[int, int], list[str]] = {}
    for category, row in sorted(ledger.items()):
        by_version.setdefault((row.inputs["video_signals"], row.inputs["video_quality"]), []).append(category)
    parts = []
    for (signals_version, quality_version), categories in by_version.items():
        inputs = ledger[categories[0]].inputs
        published = warehouse.read("video_signals", day=day, version=signals_version)
        signals = entered_signals(warehouse, published, inputs, settings)
        quality = warehouse.read("video_quality", day=day, version=quality_version)
        _require_weights(warehouse, day, settings, signals_version, signals, quality)
        own = matching(payouts, "category", categories)
        parts.append(scored_rows(own, signals, quality, custom))
    totals = warehouse.read("video_payouts", day=day, version=outputs["video_payouts"])
    revenue = warehouse.read_arrow("pool_revenue", day=day, version=outputs["pool_revenue"]).to_pylist()
    money = money_of_pools(row for row in revenue if row["category"] in ledger)
    return ExplainedDay(day, ledger, settings, union_all(parts), totals, money)


def entered_signals(
    warehouse: Warehouse, signals: DataFrame, inputs: Mapping[str, int], settings: Settings
) -> DataFrame:
    """A day's signals, the custom ones as they entered the scores; `inputs` names the version of `videos`."""
    if not settings.quality.is_smoothed or not settings.signals.custom:
        return signals
    videos = warehouse.read("videos", version=inputs["videos"])
    return scored_signals(signals, videos, settings.signals, fit_day_priors(signals, videos, settings.signals))


def _require_weights(
    warehouse: Warehouse, day: date, settings: Settings, version: int, signals: DataFrame, quality: DataFrame
) -> None:
    """Raise ConfigurationError if the day's published scores do not follow from the configured weights."""
    runs = [run for run in published_runs(warehouse, SIGNALS, [day]) if run.outputs["video_signals"] == version]
    if any(run.config_sha256 == settings.sha256(*SIGNAL_STAGE.sections) for run in runs):
        return
    exponents = settings.signals.exponents()
    custom = [name for name in settings.signals.custom if name in signals.columns]
    own = signals.select("video_id", *custom)
    scores = quality.select("video_id", *COMPONENT_NAMES, "raw_score").join(own, on="video_id", how="inner").toArrow()
    missing = sorted(set(exponents) - set(scores.column_names))
    if not missing:
        values = np.column_stack([scores.column(name).to_numpy() for name in exponents])
        found = scores.column("raw_score").to_numpy()
        if np.allclose(geometric_mean(values, list(exponents.values())), found, rtol=SCORE_TOLERANCE, atol=0.0):
            return
    raise ConfigurationError(
        f"scores of {day} do not follow from the weights configured for it, {exponents}: give the overlays and "
        f"settings that the day was published with (--conf and --set for --date, --against-conf and --against-set for "
        f"--against)"
    )
