"""Why the adjustments of a published day were booked, as plain text: for one creator, one video or everybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.errors import InputError, MissingTableError
from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.quoting import one_line
from creatorpool.runs.pools import day_outputs, require_published_pools
from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.restatement import PULSE
from creatorpool.stages.adjustment_parts import PARTS
from creatorpool.stages.restatement import VIDEOS
from creatorpool.statements.month_words import RESTATEMENTS
from creatorpool.statements.text import Statement, change_lines, exact_money
from creatorpool.tables import Warehouse

_KEY = ["category", "video_id"]
_LABELS = ("published for these videos", "settled for them")
_PART_COLUMNS = [f"{name}_micros" for name in REASON_NAMES]


def adjustment_text(warehouse: Warehouse, day: date, creator: str | None = None, video: str | None = None) -> str:
    """The parts of all changes that restatements of `day` have booked, with sums by pool; no engine is needed.

    Raises
    ------
    MissingTableError
        If the day is not published, or no adjustment of it is booked.
    InputError
        If nothing is booked for the creator or video.
    """
    ledger = require_published_pools(warehouse, day)
    booked = published_arrow(warehouse, VIDEOS, [day])
    if not booked.num_rows:
        raise MissingTableError(f"no adjustment of {day} is booked: run `creatorpool restate --date {day}`")
    chosen = {"creator_id": creator, "video_id": video}
    own = _of(booked, chosen)
    who = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in chosen.items() if value is not None)
    if not own.num_rows:
        raise InputError(f"nothing is booked for {who} of {day}: check the id")
    earned = warehouse.read_arrow("pool_payouts", day=day, version=day_outputs(ledger)["pool_payouts"])
    rows = _rows(own, _of(published_arrow(warehouse, PARTS, [day]), chosen), earned, is_summed=not who)
    currency = next(iter(ledger.values())).currency
    told = Statement(who, day, day, currency, rows, _notes(own, rows), 0 if not who else 3, *_LABELS)
    title = f"Adjustments of {day} for {who or 'all creators'}, in {currency}"
    return "\n".join([one_line(title), "", *change_lines(told)]).rstrip() + "\n"


def _of(rows: pa.Table, chosen: Mapping[str, str | None]) -> pa.Table:
    for name, value in chosen.items():
        rows = rows if value is None else rows.filter(pc.equal(rows.column(name), value))
    return rows


def _rows(booked: pa.Table, parts: pa.Table, earned: pa.Table, *, is_summed: bool) -> list[dict[str, Any]]:
    """Rows as of `payout_changes`, by pool and video, or by pool: from what is published to what is settled."""
    sums = [(name, "sum") for name in _PART_COLUMNS]
    by_video = parts.group_by(_KEY).aggregate(sums)
    change = booked.group_by(_KEY).aggregate([("change_micros", "sum")])
    paid = earned.select([*_KEY, "payout_micros"]).rename_columns([*_KEY, "published"])
    both = by_video.join(change, _KEY).join(paid, _KEY)
    if is_summed:
        names = [name for name in both.column_names if name not in _KEY]
        both = both.group_by("category").aggregate([(name, "sum") for name in names])
        both = both.rename_columns([name.removesuffix("_sum") for name in both.column_names])
    rows = []
    for row in both.sort_by([(name, "ascending") for name in _KEY if name in both.column_names]).to_pylist():
        against, added = row["published"] or 0, row["change_micros_sum"]
        money = {"against_payout_micros": against, "payout_micros": against + added, "change_micros": added}
        own = {name: row[f"{name}_sum"] for name in _PART_COLUMNS}
        rows.append({"category": row["category"], "video_id": row.get("video_id"), **own, **money})
    return rows


def _notes(booked: pa.Table, rows: list[dict[str, Any]]) -> list[str]:
    """Why and when each restatement booked, what it booked of Pulse money, and what has no parts."""
    names = ["sequence", "booked_on", "policy", "reason_code", "note"]
    runs = booked.group_by(names).aggregate([("change_micros", "sum")]).sort_by("sequence").to_pylist()
    notes = [
        f"restatement {run['sequence']}, booked on {run['booked_on']} under {run['policy']}: "
        f"{exact_money(run['change_micros_sum'], signed=True)}, {RESTATEMENTS[run['reason_code']]}"
        f"{': ' + run['note'] if run['note'] else ''}"
        for run in runs
    ]
    pulse = pc.sum(booked.filter(pc.equal(booked.column("category"), PULSE)).column("change_micros")).as_py() or 0
    total = pc.sum(booked.column("change_micros")).as_py()
    if pulse:
        notes.append(f"of it, {exact_money(pulse, signed=True)} is Pulse money beside the pools")
    if rest := total - pulse - sum(row["change_micros"] for row in rows):
        notes.append(f"{exact_money(rest, signed=True)} was booked by versions that kept no parts")
    return notes
