"""Two configurations side by side, on the terminal."""

from __future__ import annotations

from rich.table import Table

from creatorpool.quality.evaluate import Estimate
from creatorpool.stages.evaluation import Evaluation


def evaluation_table(evaluation: Evaluation) -> Table:
    """Coverage, reliability and prediction of both, with their differences."""
    title = f"{evaluation.videos:,} eligible videos; {evaluation.videos_compared:,} of them split into halves"
    caption = "intervals of 95 % over resampled videos; difference = this - against, on the same videos"
    table = Table("", "this", "against", "difference", title=title, caption=caption)
    this, other = evaluation.coverage
    table.add_row("coverage: share with Q > 0", f"{this:.3f}", f"{other:.3f}", f"{this - other:+.3f}")
    labels = {
        "reliability": "reliability: rank correlation of Q between halves",
        "prediction": "prediction: of Q with the other half's long views",
    }
    for row in evaluation.comparisons:
        table.add_row(labels[row.measure], _cell(row.first), _cell(row.second), _cell(row.difference, "+"))
    return table


def _cell(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
