"""A payee's month as plain text and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from creatorpool.money import in_exact_units
from creatorpool.quoting import one_line
from creatorpool.statements.creator import BOUNDS, VIDEOS_NAMED
from creatorpool.statements.month import Item, LeftOut, MonthStatement, Part
from creatorpool.statements.month_words import (
    CLOSINGS,
    LEFT_OUT,
    appeal_words,
    outage_words,
    payment_words,
    share_words,
    stop_words,
)

CSV_COLUMNS = (
    *("payee_id", "month", "currency", "kind", "booked_on", "service_date", "category", "video_id", "micros", "text"),
)
"""Columns of the CSV file. The rows of a payee and currency before the closing sum to it."""


def pools_of(item: Item) -> Iterator[tuple[str, list[Part]]]:
    """The pools of an item by name, each with its parts, the largest first."""
    for category, own in groupby(sorted(item.parts, key=lambda part: part.category), lambda part: part.category):
        yield category, sorted(own, key=lambda part: (-abs(part.micros), part.video_id))


def ends(statement: MonthStatement) -> tuple[str, str]:
    """The texts of the opening and of the closing."""
    return "carried from the month before", f"carried to the next month: {CLOSINGS[statement.balance['reason']]}"


def part_words(part: Part) -> str:
    """What is to be said of a part: the payee's share by rights, and the bound that held the payout; may be empty."""
    share = [] if part.share_ppm is None else [share_words(part.share_ppm)]
    return ", ".join([*share, BOUNDS[part.bound]] if part.bound in BOUNDS else share)


def left_out_words(found: LeftOut) -> str:
    """Why a video was not paid, or not for all its views, and on which days."""
    if found.days == 1:
        return f"{LEFT_OUT[found.reason]}, on {found.first}"
    return f"{LEFT_OUT[found.reason]}, on {found.days} days from {found.first} to {found.last}"


def as_text(statement: MonthStatement) -> str:
    """The statement as plain text; of each pool the videos with the largest amounts."""
    balance, (opening, closing) = statement.balance, ends(statement)
    rows = [("", opening, in_exact_units(statement.opening))]
    for item in statement.items:
        rows.append((item.booked_on.isoformat(), item.text, in_exact_units(item.micros)))
        rows += [("", f"  {_pool_line(category, own)}", "") for category, own in pools_of(item)]
    rows.append(("", closing, in_exact_units(statement.closing)))
    shown = [(day, one_line(text), amount) for day, text, amount in rows]
    width = max(len(text) for _, text, amount in shown if amount)
    money = max(len(amount) for *_, amount in shown)
    head = f"Payee {one_line(balance['payee_id'])}: statement of {balance['month']}, in {balance['currency']}"
    body = [f"  {day:<10}  {text:<{width}}  {amount:>{money}}".rstrip() for day, text, amount in shown]
    return "\n".join([head, *body, *_notes(statement)]) + "\n"


def _pool_line(category: str, parts: list[Part]) -> str:
    videos = [
        f"{part.video_id} {in_exact_units(part.micros)}{f' ({words})' if (words := part_words(part)) else ''}"
        for part in parts[:VIDEOS_NAMED]
    ]
    if rest := parts[VIDEOS_NAMED:]:
        videos.append(f"{len(rest):,} more {in_exact_units(sum(part.micros for part in rest))}")
    return f"{category} {in_exact_units(sum(part.micros for part in parts))}: {', '.join(videos)}"


def _notes(statement: MonthStatement) -> Iterator[str]:
    yield f"  On hold when the month ended: {in_exact_units(statement.balance['held_balance_micros'])}"
    for hold in statement.stopped_by:
        yield f"  {one_line(stop_words(hold))}"
    for payment in statement.payments:
        yield (
            f"  Payment {payment['payment_id']}, {in_exact_units(payment['amount_micros'])}: {payment_words(payment)}"
        )
    if statement.without:
        yield f"  {outage_words(statement.without)}"
    for found in statement.beside.left_out:
        yield f"  {one_line(found.video_id)}: {left_out_words(found)}"
    for appeal in statement.beside.appeals:
        yield f"  {one_line(appeal_words(appeal))}"


def csv_rows(statement: MonthStatement) -> Iterator[tuple[Any, ...]]:
    """Rows of `CSV_COLUMNS`: each pool and video of what is earned and adjusted, and each other line."""
    balance, (opening, closing) = statement.balance, ends(statement)
    own = (balance["payee_id"], balance["month"], balance["currency"])
    yield *own, "opening", "", "", "", "", statement.opening, opening
    for item in statement.items:
        at = (*own, item.kind, item.booked_on, item.service_date or "")
        if item.service_date is None:
            yield *at, "", "", item.micros, item.text
        for category, parts in pools_of(item):
            for part in parts:
                words = part_words(part)
                yield *at, category, part.video_id, part.micros, f"{item.text}; {words}" if words else item.text
    for hold in statement.stopped_by:
        yield *own, "stopped_by", "", "", "", "", 0, stop_words(hold)
    for day in statement.without:
        yield *own, "without_day", "", day, "", "", 0, outage_words([day])
    for found in statement.beside.left_out:
        yield *own, "left_out", "", "", "", found.video_id, 0, left_out_words(found)
    for appeal in statement.beside.appeals:
        video = appeal["subject_id"] if appeal["subject_kind"] == "video" else ""
        yield *own, "appeal", "", appeal["service_date"], "", video, 0, appeal_words(appeal)
    yield *own, "closing", "", "", "", "", statement.closing, closing
