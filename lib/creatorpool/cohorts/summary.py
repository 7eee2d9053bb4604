"""The day's estimates and advice as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from creatorpool.cohorts.success_value import SuccessValue, value_sentence
from creatorpool.quoting import quoted


def summary_table(
    incentives: Sequence[Mapping[str, Any]], advice: Sequence[Mapping[str, Any]], success: SuccessValue | None = None
) -> Table:
    """One line per segment, from rows of cohort_incentives and policy_advice; `success` is the unit of money."""
    caption = f"a – is a number that the data do not carry. {value_sentence(success)}"
    table = Table(title="Entrants by segment", caption=caption)
    for name in ("segment", "entrants", "pass rate", "π′", "bounty B̂", "certified", "what to do, or why nothing"):
        table.add_column(name)
    advised = {row["segment"]: row["reason"] for row in advice}
    for row in sorted(incentives, key=lambda row: str(row["segment"])):
        slope = _cell(row, "slope_hat") + (" (slopes disagree)" if row["slopes_agree"] is False else "")
        certified = {True: "yes", False: "no", None: "–"}[row["certified"]]
        numbers = (f"{row['entrants']:,}", _cell(row, "pass_rate"), slope, _bounty(row, success))
        table.add_row(quoted(row["segment"]), *numbers, certified, advised.get(row["segment"], ""))
    return table


def _bounty(row: Mapping[str, Any], success: SuccessValue | None) -> str:
    amount = row["bounty_hat"]
    money = "" if amount is None or success is None else f", {success.money(amount)}"
    return f"{_cell(row, 'bounty_hat')}{money}"


def _cell(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "–"
    return f"{row[name]:.3g} [{row[f'{name}_lo']:.3g}, {row[f'{name}_hi']:.3g}]"
