"""How sensitive payouts are to believed numbers, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.table import Table

from creatorpool.integrity.sensitivity import Sensitivity
from creatorpool.money import in_exact_units, in_units
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole

WITHOUT_EFFECT = (
    "integrity.fake_viewer_cost_micros",
    "incentives.cost_kappa",
    "incentives.slope_attenuation",
)
"""Believed numbers on which no payout depends: they change what audits and advice say"""


def print_sensitivities(out: PlainConsole, day: date, found: Sequence[Sensitivity], currency: str) -> None:
    """Print one line per change, largest first, and name the numbers that change no payout."""
    out.print(_table(day, found, currency))
    out.print(
        f"Not a micro of the payouts depends on {', '.join(WITHOUT_EFFECT)}: these change what audit-integrity and "
        f"incentives say. docs/trust.md says where each number comes from and how to calibrate it.",
        soft_wrap=True,
    )


def _table(day: date, found: Sequence[Sensitivity], currency: str) -> Table:
    paid = in_units(round(found[0].paid), currency) if found else ""
    table = Table(title=f"Pools of {day}, {paid}: what other beliefs would move between creators", title_justify="left")
    for name in ("number", "change", "moved", "of paid", "who gains most", "who loses most"):
        table.add_column(name, justify="right" if name in ("moved", "of paid") else "left", overflow="fold")
    for own in found:
        table.add_row(
            own.number,
            own.change,
            in_units(round(own.moved)),
            f"{own.share:.2%}",
            _owned(own.gainer, own.gain),
            _owned(own.loser, own.loss),
        )
    return table


def _owned(creator: str, micros: float) -> str:
    return f"{quoted(creator)} {in_exact_units(round(micros))}" if round(micros) else "–"
