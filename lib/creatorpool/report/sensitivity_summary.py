"""How sensitive payouts are to believed numbers, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from rich.table import Table

from creatorpool.integrity.sensitivity import Sensitivity
from creatorpool.money import in_units, readable_decimals
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole

WITHOUT_EFFECT = (
    "integrity.fake_viewer_cost_micros",
    "incentives.cost_kappa",
    "incentives.slope_attenuation",
)
"""Believed numbers on which no payout depends: they change what audits and advice say"""

HELD = (
    "held at a bound: scores stay within 0 and 1 and weights at most 1, so that these would have changed by more, and "
    "the amounts are those of the smaller change."
)


def print_sensitivities(out: PlainConsole, day: date, found: Sequence[Sensitivity], currency: str) -> None:
    """Print one line per change, largest first, and name the numbers that change no payout."""
    out.print(_table(day, found, currency))
    if any(own.held for own in found):
        out.print(HELD, style="dim", soft_wrap=True)
    out.print(
        f"Not a micro of the payouts depends on {', '.join(WITHOUT_EFFECT)}: these change what audit-integrity and "
        f"incentives say. docs/trust.md says where each number comes from and how to calibrate it.",
        soft_wrap=True,
    )


def _table(day: date, found: Sequence[Sensitivity], currency: str) -> Table:
    paid = in_units(round(found[0].paid), currency) if found else ""
    table = Table(title=f"Pools of {day}, {paid}: what other beliefs would move between creators", title_justify="left")
    names = ["number", "change", "moved", "of paid", "who gains most", "who loses most"]
    is_held = any(own.held for own in found)
    for name in (*names, *(["held at a bound"] if is_held else [])):
        justify: Literal["left", "right"] = "right" if name in ("moved", "of paid") else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name == "number")
    decimals = readable_decimals(max((max(own.gain, -own.loss) for own in found), default=0.0))
    for own in found:
        table.add_row(
            own.number,
            own.change,
            in_units(round(own.moved), decimals=decimals),
            f"{own.share:.2%}",
            _owned(own.gainer, own.gain, decimals),
            _owned(own.loser, own.loss, decimals),
            *([own.held] if is_held else []),
        )
    return table


def _owned(creator: str, micros: float, decimals: int) -> str:
    return f"{quoted(creator)} {in_units(round(micros), decimals=decimals)}" if round(micros) else "–"
