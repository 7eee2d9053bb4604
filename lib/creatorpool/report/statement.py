"""The reasons of payout changes as plain text: for one creator, one video or the whole day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.explanation.parts import BETWEEN_VIDEOS, REASON_NAMES, balanced
from creatorpool.explanation.pool_money import pool_causes
from creatorpool.stages.explained_day import ExplainedDay
from creatorpool.stages.explanation import Explanation
from creatorpool.statements.text import REASONS, Statement, exact_money, owned_change, statement_text
from creatorpool.tables import sum_exact

__all__ = ["REASONS", "Statement", "exact_money", "statement_of", "statement_text"]


def statement_of(explanation: Explanation, creator: str | None = None, video: str | None = None) -> Statement:
    """The statement for one creator or one video; without both, for all creators together.

    Raises
    ------
    InputError
        If the video, or the creator's videos, shared no pool on either day.
    """
    title, chosen = "All creators", explanation.changes
    if creator is not None:
        title = f"Creator {creator}"
        chosen = chosen.where((F.col("creator_id") == creator) | (F.col("against_creator_id") == creator))
    if video is not None:
        title = f"Video {video}" if creator is None else f"{title}, video {video}"
        chosen = chosen.where(F.col("video_id") == video)
    is_whole_day = creator is None and video is None
    sums = _by_pool(chosen) if is_whole_day else []
    rows = [_of_pool(row, explanation) for row in sums]
    if not is_whole_day:
        rows = [owned_change(row.asDict(), creator) for row in chosen.collect()]
    before, after = explanation.before, explanation.after
    if not rows:
        raise InputError(f"{title}: shared no pool of {before.day} or {after.day}: check the id")
    notes = [f"rules of the platform changed: {line}" for line in explanation.policy_changes]
    currency = next(iter(after.ledger.values())).currency
    pulse = [_pulse(day, creator, video) for day in (before, after)]
    if any(pulse):
        notes.append(f"Pulse money comes beside the pools: {exact_money(pulse[0])} before, {exact_money(pulse[1])} now")
    moved = {
        row["category"]: balanced({name: (row[f"{name}_gained"], row[f"{name}_lost"]) for name in BETWEEN_VIDEOS})
        for row in sums
    }
    return Statement(title, after.day, before.day, currency, rows, notes, videos=0 if is_whole_day else 3, moved=moved)


def _by_pool(changes: DataFrame) -> list[Mapping[str, Any]]:
    """The money of each pool, and what each part gave to some of its videos (`_gained`) and took from others."""
    parts = {f"{name}_gained": F.greatest(f"{name}_micros", F.lit(0)) for name in BETWEEN_VIDEOS}
    parts |= {f"{name}_lost": F.least(f"{name}_micros", F.lit(0)) for name in BETWEEN_VIDEOS}
    names = (*(f"{name}_micros" for name in ("against_payout", "payout", "change")), *parts)
    sums = changes.withColumns(parts).groupBy("category").agg(*(sum_exact(name).alias(name) for name in names))
    return [row.asDict() for row in sums.collect()]


def _of_pool(row: Mapping[str, Any], explanation: Explanation) -> Mapping[str, Any]:
    """The row of a whole pool: only what its money comes from is a reason of its change."""
    first, second = (day.money.get(row["category"]) for day in (explanation.before, explanation.after))
    causes = pool_causes(first, second, (row["against_payout_micros"], row["payout_micros"]))
    reasons = dict.fromkeys(REASON_NAMES, 0) | causes
    return {**row, **{f"{name}_micros": micros for name, micros in reasons.items()}}


def _pulse(day: ExplainedDay, creator: str | None, video: str | None) -> int:
    chosen = day.video_payouts
    for column, name in (("creator_id", creator), ("video_id", video)):
        chosen = chosen if name is None else chosen.where(F.col(column) == name)
    return chosen.agg(sum_exact("pulse_micros")).collect()[0][0] or 0
