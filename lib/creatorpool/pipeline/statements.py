"""The stage `statements`: each creator's statement of a published day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creatorpool.pipeline.explanation import ExplainedDay, Explanation, explained_day
from creatorpool.pipeline.night import Night
from creatorpool.runs.identity import code_version
from creatorpool.runs.ledger import StageRun, publish_run, published_run
from creatorpool.statements.creator import DayFacts
from creatorpool.statements.rows import statement_rows

STATEMENTS = "statements"
TABLE = "creator_statements"
SECTIONS = ("signals", "quality")


def day_statements(night: Night, explanation: Explanation | None) -> StageRun:
    """Publish table `creator_statements` of the run's day, unless it is published from the same payouts already.

    Parameters
    ----------
    explanation : Explanation or None
        Of the day against another; None where there is no other published day.

    Raises
    ------
    MissingTableError
        If payouts of the day are not published.
    ConfigurationError
        If its scores do not follow from the configured weights.
    """
    custom = sorted(night.settings.signals.custom)
    after = explained_day(night, night.day, night.settings, custom) if explanation is None else explanation.after
    inputs = _inputs(after, explanation)
    run = published_run(night.warehouse, STATEMENTS, night.day)
    if run is not None and (dict(run.inputs), run.code_version) == (inputs, code_version()):
        night.log(STATEMENTS, f"already published by run {run.run_id}")
        return run
    with night.stage(STATEMENTS):
        changes = None if explanation is None else explanation.changes
        # Signals measured on the other day only do not count on this one.
        present = [name for name in custom if name in after.settings.signals.exponents()]
        rows = statement_rows(after.rows, after.video_payouts, changes, present, _facts(after, explanation))
        night.store(rows, TABLE)
        done = night.finished(STATEMENTS, SECTIONS, inputs, dict(night.outputs), {})
        night.publish(STATEMENTS, lambda: publish_run(night.warehouse, done))
    return done


def _facts(after: ExplainedDay, explanation: Explanation | None) -> DayFacts:
    notes = (
        [] if explanation is None else [f"rules of the platform changed: {line}" for line in explanation.policy_changes]
    )
    return DayFacts(
        day=after.day,
        against=None if explanation is None else explanation.before.day,
        currency=next(iter(after.ledger.values()))["currency"],
        exponents=after.settings.signals.exponents(),
        pool_paid={category: row["paid_micros"] for category, row in sorted(after.ledger.items())},
        notes=tuple(notes),
    )


def _inputs(after: ExplainedDay, explanation: Explanation | None) -> Mapping[str, Any]:
    """What the statements depend on: both days' ledger rows, and the weights of the components."""
    days = {"day": after} if explanation is None else {"day": after, "against": explanation.before}
    return {
        name: {
            "date": day.day.isoformat(),
            "runs": {category: row["run_id"] for category, row in sorted(day.ledger.items())},
            "output_versions": next(iter(day.ledger.values()))["output_versions"],
            "exponents": day.settings.signals.exponents(),
        }
        for name, day in days.items()
    }
