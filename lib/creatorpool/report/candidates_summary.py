"""A summary of a day's candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table


def candidates_table(facts: Mapping[str, Any]) -> Table:
    """Counts of the day from its ledger row, and the sources of the candidates."""
    total = facts["candidates"]
    table = Table("what", "number", "of the candidates", title="Candidates")
    table.columns[1].justify = table.columns[2].justify = "right"
    table.add_row("neighbours of videos", f"{facts['item_similarity']:,}", "")
    table.add_row("viewers with candidates", f"{facts['viewers']:,}", "")
    table.add_row("candidates", f"{total:,}", "")
    for name, words in (("similar", "similar to what the viewer liked"), ("of_interest", "in a category of interest")):
        table.add_row(words, f"{facts[name]:,}", f"{facts[name] / total:.1%}" if total else "–")
    return table
