"""The reasons of payout changes as plain text: one section per pool, the largest parts first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from creatorpool.explanation.parts import BALANCE, REASON_NAMES, told
from creatorpool.money import MICROS_PER_UNIT
from creatorpool.quality_components import COMPONENTS
from creatorpool.quoting import one_line

REASONS = {
    "revenue": "what advertisers paid, after refunds",
    "platform_share": "the platform's share",
    "unallocated": "what the pool could not pay out",
    "pool_size": "the size of the pool",
    "views": "views",
    **{component.name: component.label for component in COMPONENTS},
    "custom": "custom signals",
    "competition": "competition: the effect of other videos on the price",
    "bounds": "floors and caps",
    "membership": "videos that entered or left the pool, or changed their creator",
    "policy": "changes of the platform's rules",
    "rounding": "rounding",
}
"""The text of each name of `REASON_NAMES`, in that order."""

EARLIER = "earlier restatements, whose reasons were not kept"
"""The text of the part of a booked change beside `REASONS`"""
MOVED = {**REASONS, BALANCE: "the rest to 0: the pool's change as measured at each video's payouts"}
"""The text of each reason that moves money between the videos of whole pools."""

WIDTH = 24


@dataclass(frozen=True)
class Statement:
    """The content of a statement: the rows of `payout_changes` that it sums, a title and notes."""

    title: str
    day: date
    against: date
    currency: str
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    videos: int = 3
    """Largest number of videos listed per pool; those with the largest changes come first"""
    before: str = "earned before"
    now: str = "earned now"
    """What the sums before and now are"""
    moved: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    """For whole pools, by category: micros (>= 0, <= 0) that each reason of `MOVED` gave to some videos and took from
    others; they sum to 0"""


def statement_text(statement: Statement) -> str:
    """The statement: one section per pool with the largest parts first, and the sums of all pools at the end."""
    title = f"{statement.title}: {statement.day} against {statement.against}, in {statement.currency}"
    return "\n".join([one_line(title), "", *change_lines(statement)]).rstrip() + "\n"


def change_lines(statement: Statement) -> list[str]:
    """The lines of the statement without its title."""
    categories = sorted({row["category"] for row in statement.rows})
    lines = _newly_paid(statement)
    for category in categories:
        rows = [row for row in statement.rows if row["category"] == category]
        lines += [f"Pool {one_line(category)}", *_sums(statement, rows), *_moved(statement.moved.get(category, {}))]
        lines += [*_videos(rows, statement.videos), ""]
    if len(categories) != 1:
        total = [*_sums(statement, statement.rows), *_moved(_all_moved(statement))]
        lines += [f"All {len(categories)} pools", *total, ""]
    return [*lines, *(f"Note: {one_line(note)}" for note in statement.notes)]


def _newly_paid(statement: Statement) -> list[str]:
    """A sentence if nothing was paid on the day compared with: all of the money is new, and no reason says more."""
    if sum(row["payout_micros"] for row in statement.rows) == 0 or any(
        row["against_payout_micros"] for row in statement.rows
    ):
        return []
    if statement.day == statement.against:  # money that was added to the day later
        return []
    by_pool = {row["category"]: 0 for row in statement.rows}
    for row in statement.rows:
        by_pool[row["category"]] += row["payout_micros"]
    amounts = ", ".join(f"{one_line(name)} {exact_money(micros)}" for name, micros in sorted(by_pool.items()) if micros)
    return [
        f"First paid day: no payout on {statement.against}, {exact_money(sum(by_pool.values()))} on {statement.day} "
        f"(pools: {amounts}), so all of it is new",
        "",
    ]


def exact_money(micros: int, *, signed: bool = False) -> str:
    """Micros as units with all six decimals and thousands separated; `signed` adds + to gains."""
    sign = "-" if micros < 0 else "+" if signed and micros > 0 else ""
    return f"{sign}{abs(micros) // MICROS_PER_UNIT:,}.{abs(micros) % MICROS_PER_UNIT:06d}"


def _sums(statement: Statement, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    every = list(rows)
    total = {name: sum(row[f"{name}_micros"] for row in every) for name in ("against_payout", "payout", "change")}
    reasons = summed_reasons(every)
    largest = sorted(REASON_NAMES, key=lambda name: -abs(reasons[name]))
    changed = [
        f"{exact_money(reasons[name], signed=True):>{WIDTH}}  {REASONS[name]}" for name in largest if reasons[name]
    ]
    label = "change, the sum of these" if changed else "change"
    return [
        f"{exact_money(total['against_payout']):>{WIDTH}}  {statement.before}",
        *changed,
        f"{exact_money(total['change'], signed=True):>{WIDTH}}  {label}",
        f"{exact_money(total['payout']):>{WIDTH}}  {statement.now}",
    ]


def largest_reasons(row: Mapping[str, Any], most: int = 3) -> str:
    """The largest parts of a row of `adjustment_parts` on one line: ``-0.500000 views, +0.020000 competition``."""
    texts = {name: text.partition(":")[0] for name, text in REASONS.items()} | {"earlier": EARLIER}
    micros = told(row) | {"earlier": row["earlier_micros"]}
    largest = sorted((name for name in texts if micros[name]), key=lambda name: -abs(micros[name]))
    rest = [f"{len(largest) - most} smaller parts"] if len(largest) > most else []
    return ", ".join([*(f"{exact_money(micros[name], signed=True)} {texts[name]}" for name in largest[:most]), *rest])


def _moved(reasons: Mapping[str, tuple[int, int]]) -> list[str]:
    """What moved money between the videos of whole pools, the most first."""
    found = [(name, gained, lost) for name, (gained, lost) in reasons.items() if gained or lost]
    if not found:
        return []
    found.sort(key=lambda entry: entry[2] - entry[1])
    return [
        "  Moved between videos, which does not change the total: given to some, taken from others",
        *(
            f"{exact_money(gained, signed=True):>{WIDTH}} {exact_money(lost):>{WIDTH - 8}}  {MOVED[name]}"
            for name, gained, lost in found
        ),
    ]


def _all_moved(statement: Statement) -> dict[str, tuple[int, int]]:
    total: dict[str, tuple[int, int]] = {}
    for reasons in statement.moved.values():
        for name, (gained, lost) in reasons.items():
            before = total.get(name, (0, 0))
            total[name] = (before[0] + gained, before[1] + lost)
    return total


def summed_reasons(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Micros by reason over rows of `payout_changes`, in the order of `REASON_NAMES`."""
    each = [told(row) for row in rows]
    return {name: sum(micros[name] for micros in each) for name in REASON_NAMES}


def _videos(rows: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    if most == 0 or len(rows) < 2:
        return []
    moved = [row for row in rows if row["change_micros"]]
    moved.sort(key=lambda row: (-abs(row["change_micros"]), row["video_id"]))
    if not moved:
        return []
    named = [
        f"{one_line(row['video_id'])} {exact_money(row['change_micros'], signed=True)}{_entry(row)}"
        for row in moved[:most]
    ]
    rest = f", {len(moved) - most} more" if len(moved) > most else ""
    return [f"  Changed most: {', '.join(named)}{rest}"]


def _entry(row: Mapping[str, Any]) -> str:
    if not row["against_payout_micros"]:
        return " (newly paid)"
    return "" if row["payout_micros"] else " (not paid any more)"


def owned_change(row: Mapping[str, Any], creator: str | None) -> Mapping[str, Any]:
    """The row as `creator` sees it: a video that changed its creator counts as entered or left (part `membership`)."""
    before, now = row["against_creator_id"], row["creator_id"]
    if creator is None or before in (None, now):
        return row
    against, paid = (row["against_payout_micros"], 0) if before == creator else (0, row["payout_micros"])
    own = {"against_payout_micros": against, "payout_micros": paid, "change_micros": paid - against}
    return dict(row) | {f"{name}_micros": 0 for name in REASON_NAMES} | own | {"membership_micros": paid - against}
