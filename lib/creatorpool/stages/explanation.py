"""The stage `explain`: the parts of each payout's change between two published days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.schema import with_new_columns
from creatorpool.errors import InputError
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.runs.ledger import StageRun, as_json
from creatorpool.runs.pools import day_outputs, published_pools
from creatorpool.runs.published import published_version
from creatorpool.settings import Settings
from creatorpool.stages.configuration import ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.explained_day import ExplainedDay, explained_changes, explained_day
from creatorpool.stages.runner import Stage, run_stage

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
        changes = explained_changes(before, after, custom)
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
