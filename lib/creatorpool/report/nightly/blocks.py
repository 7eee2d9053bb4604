"""The building blocks of the report's sections; the template of `page` defines how each looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from creatorpool.money import CENT, in_units

Tone = Literal["plain", "missing", "warning", "good"]

NOT_KNOWN = "–"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str
    tone: Tone = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True)
class Table:
    """Rows of text cells; the first `left` columns hold text, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    left: int = 1
    folded: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    """A chart as SVG, with a text for screen readers and the table of its data."""

    title: str
    svg: str
    alt: str
    table: Table
    kind: str = "figure"


@dataclass(frozen=True)
class Figures:
    """Charts side by side if the page is wide enough, and a table beside them."""

    figures: Sequence[Figure]
    beside: Table | None = None
    kind: str = "figures"


@dataclass(frozen=True)
class Tile:
    """One headline number."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """Headline numbers side by side."""

    tiles: Sequence[Tile]
    kind: str = "tiles"


Block = Paragraph | Table | Figures | Tiles


@dataclass(frozen=True)
class Section:
    """A part of the page with its heading; `anchor` names it in links, `short` in the list of sections."""

    anchor: str
    short: str
    title: str
    lead: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def not_published(what: str, command: str) -> Paragraph:
    """A paragraph that `what` is not published, with the command that publishes it."""
    return Paragraph(f"{what} not published for this day. To publish: {command}", "missing")


def number(value: float | None, form: str = ".3f") -> str:
    """A number as text; a dash for None and NaN."""
    return NOT_KNOWN if value is None or value != value else format(value, form)


def percent(value: float | None, digits: int = 1) -> str:
    """A share as text in percent; a dash for None and NaN."""
    return number(value, f".{digits}%")


def signed_money(micros: int) -> str:
    """Micros as units with sign and two decimals; amounts that would round to 0.00 as micros (µ)."""
    if micros and abs(micros) < 5_000:
        return f"{micros:+,} µ"
    return f"{'+' if micros > 0 else ''}{in_units(micros)}".replace("-", "−")


def signed_cents(shown: int, exact: int) -> str:
    """`signed_money` of the amount `shown` in whole cents for `exact` micros; less than half a cent stays in micros."""
    return signed_money(shown or (exact if abs(exact) < CENT // 2 else 0))


def listed(words: Sequence[str]) -> str:
    """The words as one list: 'a, b and c'."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)
