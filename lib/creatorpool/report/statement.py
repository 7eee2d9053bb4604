"""Why payouts changed, in plain text: for one creator or video, and for the whole day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.explanation.parts import PARTS
from creatorpool.money import MICROS_PER_UNIT
from creatorpool.pipeline.explanation import ExplainedDay, Explanation
from creatorpool.tables import sum_exact

REASONS = {
    "pool_size": "the size of the pool",
    "views": "views",
    "watch_completion": "watch completion",
    "engagement_rate": "engagement rate",
    "engagement_diversity": "engagement diversity",
    "rewatch": "rewatching",
    "safety": "safety",
    "custom": "further signals",
    "competition": "competition: what other videos did to the price",
    "bounds": "floors and caps",
    "membership": "videos that entered or left the pool, or changed hands",
    "policy": "changed rules of the platform",
    "rounding": "rounding",
}
"""Each part in words."""

WIDTH = 24


@dataclass(frozen=True)
class Statement:
    """What a statement is about: the rows of `payout_changes` that it sums, and words around them."""

    title: str
    day: date
    against: date
    currency: str
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    videos: int = 3
    """Most videos named in each pool, those whose payouts changed most"""


def statement_text(statement: Statement) -> str:
    """The statement: a section a pool, its parts with the largest first, the sums of all pools at the end."""
    categories = sorted({row["category"] for row in statement.rows})
    lines = [f"{statement.title}: {statement.day} against {statement.against}, in {statement.currency}", ""]
    for category in categories:
        rows = [row for row in statement.rows if row["category"] == category]
        lines += [f"Pool {category}", *_sums(rows), *_videos(rows, statement.videos), ""]
    if len(categories) != 1:
        lines += [f"All {len(categories)} pools", *_sums(statement.rows), ""]
    lines += [f"Note: {note}" for note in statement.notes]
    return "\n".join(lines).rstrip() + "\n"


def exact_money(micros: int, *, signed: bool = False) -> str:
    """Every micro, with thousands separated."""
    sign = "-" if micros < 0 else "+" if signed and micros > 0 else ""
    return f"{sign}{abs(micros) // MICROS_PER_UNIT:,}.{abs(micros) % MICROS_PER_UNIT:06d}"


def _sums(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    every = list(rows)
    total = {
        name: sum(row[f"{name}_micros"] for row in every) for name in (*PARTS, "against_payout", "payout", "change")
    }
    parts = sorted(PARTS, key=lambda name: (-abs(total[name]), PARTS.index(name)))
    changed = [
        f"{exact_money(total[name], signed=True):>{WIDTH}}  {REASONS[name]}" for name in parts if total[name] != 0
    ]
    words = "change, the sum of these" if changed else "change"
    return [
        f"{exact_money(total['against_payout']):>{WIDTH}}  earned before",
        *changed,
        f"{exact_money(total['change'], signed=True):>{WIDTH}}  {words}",
        f"{exact_money(total['payout']):>{WIDTH}}  earned now",
    ]


def _videos(rows: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    if most == 0 or len(rows) < 2:
        return []
    moved = [row for row in rows if row["change_micros"]]
    moved.sort(key=lambda row: (-abs(row["change_micros"]), row["video_id"]))
    if not moved:
        return []
    named = [f"{row['video_id']} {exact_money(row['change_micros'], signed=True)}" for row in moved[:most]]
    rest = f", {len(moved) - most} more" if len(moved) > most else ""
    return [f"  Changed most: {', '.join(named)}{rest}"]


def statement_of(explanation: Explanation, creator: str | None = None, video: str | None = None) -> Statement:
    """The statement for one creator or one video, or without either for all creators together.

    Raises
    ------
    InputError
        If neither day paid pools that a video of the creator, or the video, shared.
    """
    title, chosen = "All creators", explanation.changes
    if creator is not None:
        title = f"Creator {creator}"
        chosen = chosen.where((F.col("creator_id") == creator) | (F.col("against_creator_id") == creator))
    if video is not None:
        title = f"Video {video}" if creator is None else f"{title}, video {video}"
        chosen = chosen.where(F.col("video_id") == video)
    is_whole_day = creator is None and video is None
    rows = _by_pool(chosen) if is_whole_day else [_owned(row.asDict(), creator) for row in chosen.collect()]
    before, after = explanation.before, explanation.after
    if not rows:
        raise InputError(f"{title}: shared no pool of {before.day} or {after.day}")
    notes = [f"rules of the platform changed: {line}" for line in explanation.policy_changes]
    currency = next(iter(after.ledger.values()))["currency"]
    pulse = [_pulse(day, creator, video) for day in (before, after)]
    if any(pulse):
        notes.append(f"Pulse money comes beside the pools: {exact_money(pulse[0])} before, {exact_money(pulse[1])} now")
    return Statement(title, after.day, before.day, currency, rows, notes, videos=0 if is_whole_day else 3)


def _owned(row: dict[str, Any], creator: str | None) -> dict[str, Any]:
    """The row as `creator` sees it: a video that changed hands has entered or left what the creator earns from."""
    before, now = row["against_creator_id"], row["creator_id"]
    if creator is None or before in (None, now):
        return row
    against, paid = (row["against_payout_micros"], 0) if before == creator else (0, row["payout_micros"])
    own = {"against_payout_micros": against, "payout_micros": paid, "change_micros": paid - against}
    return row | {f"{name}_micros": 0 for name in PARTS} | own | {"membership_micros": paid - against}


def _by_pool(changes: DataFrame) -> list[Mapping[str, Any]]:
    names = ("against_payout", "payout", "change", *PARTS)
    sums = changes.groupBy("category").agg(*(sum_exact(f"{name}_micros").alias(f"{name}_micros") for name in names))
    return [row.asDict() for row in sums.collect()]


def _pulse(day: ExplainedDay, creator: str | None, video: str | None) -> int:
    chosen = day.video_payouts
    for column, name in (("creator_id", creator), ("video_id", video)):
        chosen = chosen if name is None else chosen.where(F.col(column) == name)
    return chosen.agg(sum_exact("pulse_micros")).collect()[0][0] or 0
