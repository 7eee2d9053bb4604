"""The evaluation of two configurations as a terminal table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from creatorpool.quality.evaluate import Estimate
from creatorpool.setting_changes import SettingChange
from creatorpool.stages.evaluation import Evaluation


def headings(changes: Sequence[SettingChange], without: str | None = None) -> tuple[str, str]:
    """What heads the two columns: the signal that the second is `without`, else each side of `changes`."""
    if without is not None:
        return f"with {without}", f"without {without}"
    first, second = ("; ".join(_heading(change, side) for change in changes) for side in ("first", "second"))
    return first, second


def evaluation_table(evaluation: Evaluation, heads: tuple[str, str]) -> Table:
    """Coverage, reliability and prediction of both configurations, headed by `heads`, with their differences."""
    title = f"{evaluation.videos:,} eligible videos; {evaluation.videos_compared:,} of them split into halves"
    caption = "intervals of 95 % over resampled videos; difference = first less second column, on the same videos"
    table = Table("", *heads, "difference", title=title, caption=caption)
    this, other = evaluation.coverage
    table.add_row("coverage: share with Q > 0", f"{this:.3f}", f"{other:.3f}", f"{this - other:+.3f}")
    labels = {
        "reliability": "reliability: rank correlation of Q between halves",
        "prediction": "prediction: of Q with the other half's long views",
    }
    for row in evaluation.comparisons:
        table.add_row(labels[row.measure], _cell(row.first), _cell(row.second), _cell(row.difference, "+"))
    return table


def _heading(change: SettingChange, side: str) -> str:
    return f"{change.key.rpartition('.')[2]} {getattr(change, side)}"


def _cell(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
