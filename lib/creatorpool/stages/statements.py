"""The stage `statements`: each creator's statement for a published day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, as_json
from creatorpool.runs.pools import day_outputs, published_pools
from creatorpool.stages.configuration import ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.explained_day import ExplainedDay, explained_day
from creatorpool.stages.explanation import PATIENCE, Explanation
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.statements.creator import DayFacts
from creatorpool.statements.frames.rows import statement_rows

STATEMENTS = "statements"
TABLE = "creator_statements"
STAGE = Stage(
    STATEMENTS,
    ("pool_payouts", "video_payouts", "video_signals", "video_quality", "payout_changes"),
    ("signals", "quality"),
    patience=PATIENCE,
)


def publish_statements(context: RunContext, explanation: Explanation | None) -> StageRun:
    """Publish the run's day of `creator_statements`, unless it is published from the same payouts and code.

    Parameters
    ----------
    explanation : Explanation or None
        The changes of the day's payouts against another day; None if no other day is published.

    Raises
    ------
    MissingTableError
        If payouts of the day are not published.
    ConfigurationError
        If its scores do not follow from the configured weights.
    """
    if explanation is None:
        context.settings = ledger_settings(context.settings, published_pools(context.warehouse, context.day).values())
    custom = sorted(context.settings.signals.custom)
    after = explained_day(context, context.day, context.settings, custom) if explanation is None else explanation.after
    inputs = _inputs(after, explanation)
    # Leave out custom signals that only the other day has.
    present = [name for name in custom if name in after.settings.signals.exponents()]

    def compute() -> Mapping[str, Any]:
        changes = None if explanation is None else explanation.changes
        rows = statement_rows(after.rows, after.video_payouts, changes, present, _facts(after, explanation))
        context.store(rows, TABLE)
        return {}

    return run_stage(
        context, STAGE, inputs, compute, lambda run: (dict(run.inputs), run.code_version) == (inputs, code_version())
    )


def _facts(after: ExplainedDay, explanation: Explanation | None) -> DayFacts:
    notes = (
        [] if explanation is None else [f"rules of the platform changed: {line}" for line in explanation.policy_changes]
    )
    return DayFacts(
        day=after.day,
        against=None if explanation is None else explanation.before.day,
        currency=next(iter(after.ledger.values())).currency,
        exponents=after.settings.signals.exponents(),
        pool_paid={category: row.paid_micros for category, row in sorted(after.ledger.items())},
        notes=tuple(notes),
    )


def _inputs(after: ExplainedDay, explanation: Explanation | None) -> Mapping[str, Any]:
    """Inputs for the ledger: both days' ledger rows, and the exponents of their components."""
    days = {"day": after} if explanation is None else {"day": after, "against": explanation.before}
    return {
        name: {
            "date": day.day.isoformat(),
            "runs": {category: row.run_id for category, row in sorted(day.ledger.items())},
            "output_versions": as_json(day_outputs(day.ledger)),
            "exponents": day.settings.signals.exponents(),
        }
        for name, day in days.items()
    }
