"""The stage `explain`: the parts of each payout's change between two published days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.explanation.frames.rows import PAID_COLUMNS, explained_rows, paired_rows, scored_rows, whole_pool
from creatorpool.explanation.pairs import PoolDay, PoolPair, pool_day
from creatorpool.explanation.pool_money import PoolMoney, money_of_pools
from creatorpool.explanation.pricing import PaidVideos
from creatorpool.frames import matching, parts_by, union_all
from creatorpool.quality.frames.score import fit_day_priors, scored_signals
from creatorpool.quality.geometric import geometric_mean
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.runs.ledger import SIGNALS, StageRun, as_json, published_runs
from creatorpool.runs.pools import PoolRun, day_outputs, published_pools, require_published_pools
from creatorpool.runs.published import published_version
from creatorpool.settings import Settings
from creatorpool.stages.configuration import ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.stages.signals import STAGE as SIGNAL_STAGE
from creatorpool.tables import Warehouse

EXPLAIN = "explain"
TABLE = "payout_changes"
PATIENCE = timedelta(minutes=10)
"""How long an explanation waits for another one of the same day: it explains all creators, and publishes them once"""

STAGE = Stage(
    EXPLAIN,
    ("pool_revenue", "pool_payouts", "video_payouts", "video_signals", "video_quality"),
    ("signals", "quality"),
    patience=PATIENCE,
)

SCORE_TOLERANCE = 1e-9
"""Relative. If the configured weights give scores that differ by more, the published scores come from other weights."""


@dataclass(frozen=True)
class ExplainedDay:
    """One of the two days as published: ledger rows, payouts with their scores, and the videos' total payouts."""

    day: date
    ledger: Mapping[str, PoolRun]
    money: Mapping[str, PoolMoney]
    """Where the money of each pool of the ledger comes from"""
    settings: Settings
    rows: DataFrame
    video_payouts: DataFrame

    def policy(self, category: str) -> DayPolicy:
        """The policy of the pool's split, and the exponents of the components."""
        return DayPolicy(self.ledger[category].policy, self.settings.signals.exponents())


@dataclass(frozen=True)
class Explanation:
    """The published changes of payouts between two days, and both days."""

    changes: DataFrame
    before: ExplainedDay
    after: ExplainedDay

    @property
    def policy_changes(self) -> list[str]:
        """One line per setting of the policy that differs between the days."""
        lines = dict.fromkeys(
            line
            for category in sorted(set(self.before.ledger) & set(self.after.ledger))
            for line in _differences(self.before.policy(category), self.after.policy(category))
        )
        return list(lines)


def publish_explanation(context: RunContext, against: date, against_settings: Settings) -> Explanation:
    """Publish the run's day of `payout_changes` against another day, unless it is published already.

    `context.settings` and `against_settings` are the configurations of the two days' signals.

    Raises
    ------
    MissingTableError
        If payouts of one of the days are not published.
    InputError
        If the days are the same, or were paid in two currencies.
    ConfigurationError
        If a day's published scores do not follow from its configured weights.
    """
    if against == context.day:
        raise InputError(f"--against must be another day than --date, got {against} for both")
    context.settings = _settings_of(context, context.day, context.settings)
    against_settings = _settings_of(context, against, against_settings)
    custom = sorted(set(context.settings.signals.custom) | set(against_settings.signals.custom))
    before = explained_day(context, against, against_settings, custom)
    after = explained_day(context, context.day, context.settings, custom)
    _require_one_currency(before, after)
    inputs = _inputs(before, after)

    def compute() -> Mapping[str, Any]:
        changes = _changes(before, after, custom)
        version = published_version(context.warehouse, TABLE, context.day)
        if version is not None:
            published = _stored(context, version)
            changes = changes.unionByName(published.where(F.col("against_date") != F.lit(against)).drop("date"))
        context.store(changes, TABLE)
        return {}

    done = run_stage(context, STAGE, inputs, compute, lambda run: dict(run.inputs) == inputs)
    explanation = Explanation(_read(context, done, against), before, after)
    for line in explanation.policy_changes:
        context.log(EXPLAIN, f"policy changed: {line}")
    return explanation


def _settings_of(context: RunContext, day: date, settings: Settings) -> Settings:
    return ledger_settings(settings, published_pools(context.warehouse, day).values())


def _changes(before: ExplainedDay, after: ExplainedDay, custom: list[str]) -> DataFrame:
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


def _pool_money(warehouse: Warehouse, day: date, ledger: Mapping[str, PoolRun]) -> dict[str, PoolMoney]:
    """Where the money of each pool of the day comes from, as published."""
    version = day_outputs(ledger)["pool_revenue"]
    rows = warehouse.read_arrow("pool_revenue", day=day, version=version).to_pylist()
    return money_of_pools(row for row in rows if row["category"] in ledger)


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
        signals = _scored_signals(warehouse, day, settings, ledger[categories[0]].inputs)
        quality = warehouse.read("video_quality", day=day, version=quality_version)
        _require_weights(warehouse, day, settings, signals_version, signals, quality)
        own = matching(payouts, "category", categories)
        parts.append(scored_rows(own, signals, quality, custom))
    totals = warehouse.read("video_payouts", day=day, version=outputs["video_payouts"])
    return ExplainedDay(day, ledger, _pool_money(warehouse, day, ledger), settings, union_all(parts), totals)


def _scored_signals(warehouse: Warehouse, day: date, settings: Settings, inputs: Mapping[str, int]) -> DataFrame:
    """The day's signals, the custom ones as they entered the scores."""
    signals = warehouse.read("video_signals", day=day, version=inputs["video_signals"])
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


def _require_one_currency(before: ExplainedDay, after: ExplainedDay) -> None:
    found = sorted({row.currency for day in (before, after) for row in day.ledger.values()})
    if len(found) > 1:
        raise InputError(f"payouts of {before.day} and {after.day} must be in one currency, got {found}")


def _inputs(before: ExplainedDay, after: ExplainedDay) -> dict[str, Any]:
    """Inputs for the ledger: the two days, their ledger rows, and the exponents of their components."""
    return {
        "against": before.day.isoformat(),
        **{
            name: {
                "runs": {category: row.run_id for category, row in sorted(day.ledger.items())},
                "output_versions": as_json(day_outputs(day.ledger)),
                "exponents": day.settings.signals.exponents(),
            }
            for name, day in (("day_before", before), ("day_after", after))
        },
    }


def _read(context: RunContext, run: StageRun, against: date) -> DataFrame:
    return _stored(context, run.outputs[TABLE]).where(F.col("against_date") == F.lit(against))


def _stored(context: RunContext, version: int) -> DataFrame:
    """The day's changes in a version of the table; earlier versions of creatorpool did not name the causes."""
    rows = context.warehouse.read(TABLE, day=context.day, version=version)
    return with_new_columns(rows, context.warehouse.contract(TABLE))


def _differences(before: DayPolicy, after: DayPolicy) -> list[str]:
    pairs: dict[str, tuple[Any, Any]] = {
        name: (getattr(before.split, name), getattr(after.split, name)) for name in ("objective", "alpha", "lambda_eff")
    }
    for name in sorted({*before.exponents, *after.exponents}):
        pairs[f"weight of {name}"] = (before.exponents.get(name, 0.0), after.exponents.get(name, 0.0))
    return [f"{name} {old} → {new}" for name, (old, new) in pairs.items() if old != new]
