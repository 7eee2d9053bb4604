"""Section on the changes since the last published day: why pools paid more or less, and what moved between videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.explanation.parts import BALANCE, BETWEEN_VIDEOS, balanced
from creatorpool.explanation.pool_money import POOL_CAUSES, money_of_pools, pool_causes
from creatorpool.money import MICROS_PER_UNIT, in_units, in_whole_cents
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import (
    Block,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    signed_cents,
    signed_money,
)
from creatorpool.report.nightly.figures import Mover, explained_movers, moved_by_reason, plain_movers
from creatorpool.report.nightly.published import PaidDay, ReportDay

TOP_MOVERS = 10
SHORT = {
    "revenue": "advertisers' money",
    "platform_share": "platform's share",
    "unallocated": "not paid out",
    "pool_size": "pool size",
    "competition": "competition",
    "membership": "entered or left",
    "bounds": "floors and caps",
    "custom": "custom signals",
    "policy": "changed rules",
    BALANCE: "rest to 0",
}


def movers_section(report: ReportDay) -> Section:
    """The creators whose pool payouts changed most, with reasons if these are published."""
    lead = (
        "Pool payouts against the last published day. What a pool pays changes with its money alone; views, quality "
        "and competition move it between videos. The parts of each creator's change sum to it exactly."
    )
    before = report.before
    if before is None:
        blocks: list[Block] = [
            Paragraph("No earlier day is published, so there is nothing to compare with.", "missing")
        ]
        return Section("movers", "Changes", "What changed, and why", lead, blocks)
    changes = report.stage_rows("payout_changes")
    own = None if changes is None else changes.filter(pc.equal(changes.column("against_date"), before.day))
    if own is None or not own.num_rows:
        missing = Paragraph(
            f"The reasons are not published for this day against {before.day}. The table is computed from the payouts "
            f"of both days. To publish: creatorpool explain --date {report.day} --against {before.day}",
            "missing",
        )
        movers = plain_movers(_earned(before), _earned(report.paid), TOP_MOVERS)
        blocks = [_pools(report, before), missing, _table(movers, before)]
        return Section("movers", "Changes", "What changed, and why", lead, blocks)
    moved = balanced({name: micros for name, micros in moved_by_reason(own).items() if name in BETWEEN_VIDEOS})
    movers = explained_movers(own, TOP_MOVERS)
    blocks = [_pools(report, before), Figures([_moved(moved, report, before)], beside=_table(movers, before))]
    return Section("movers", "Changes", "What changed, and why", lead, blocks)


def _pools(report: ReportDay, before: PaidDay) -> Table:
    """What each pool paid on both days, and what its money's causes changed; rows and columns sum."""
    days = (before, report.paid)
    money = [money_of_pools(day.rows("pool_revenue").to_pylist()) for day in days]
    names = sorted({*before.pools, *report.paid.pools})
    paid = [[day.pools[name].paid_micros if name in day.pools else 0 for name in names] for day in days]
    causes = [
        pool_causes(money[0].get(name), money[1].get(name), (old, new))
        for name, old, new in zip(names, *paid, strict=True)
    ]
    first, last = (in_whole_cents(of_day) for of_day in paid)
    changes = [new - old for old, new in zip(first, last, strict=True)]
    parts = [_whole_causes(own, change) for own, change in zip(causes, changes, strict=True)]
    rows = [
        (name, in_units(old), *map(signed_money, (*own, change)), in_units(new))
        for name, old, own, change, new in zip(names, first, parts, changes, last, strict=True)
    ]
    sums = map(signed_money, map(sum, (*zip(*parts, strict=True), changes)))
    rows.append(("all pools", in_units(sum(first)), *sums, in_units(sum(last))))
    header = ("category", "paid before", *map(short, POOL_CAUSES), "change", "paid now")
    return Table(header, rows, f"Why pools paid more or less than on {before.day}, {report.currency}")


def _whole_causes(causes: Mapping[str, int], change: int) -> list[int]:
    """The causes in whole cents, which sum to `change`: the largest takes the rest, and a cause of 0 stays 0."""
    names = list(causes)
    whole = in_whole_cents(list(causes.values()))
    whole[max(range(len(names)), key=lambda k: abs(causes[names[k]]))] += change - sum(whole)
    return whole


def _earned(paid: PaidDay) -> pa.Table:
    return paid.rows("creator_payouts", "creator_id", "payout_micros")


def _table(movers: Sequence[Mover], before: PaidDay) -> Table:
    rows = [
        (
            mover.creator,
            "; ".join(f"{short(name)} {signed_money(micros)}" for name, micros in mover.reasons) or "–",
            in_units(mover.before),
            in_units(mover.now),
            signed_money(mover.change),
        )
        for mover in movers
    ]
    header = ("creator", "largest reasons", "before", "now", "change")
    return Table(header, rows, f"Creators whose pool payouts changed most since {before.day}", left=2)


def short(reason: str) -> str:
    """A reason as a short label."""
    return SHORT.get(reason, reason.replace("_", " "))


def _moved(moved: dict[str, tuple[int, int]], report: ReportDay, before: PaidDay) -> Figure:
    order = sorted(moved, key=lambda name: moved[name][1] - moved[name][0])
    bars = [
        {"label": short(name), "series": series, "value": micros / MICROS_PER_UNIT}
        for name in order
        for series, micros in zip(("given", "taken"), moved[name], strict=True)
    ]
    columns = [[moved[name][side] for name in order] for side in (0, 1)]
    cells = [[*map(signed_cents, in_whole_cents(column), column)] for column in columns]
    rows = [(short(name), *own) for name, *own in zip(order, *cells, strict=True)]
    header = ("reason", "given to some videos", "taken from others")
    table = Table(header, rows, f"Between videos, against {before.day}, {report.currency}")
    largest = short(order[0]) if order else "nothing"
    alt_text = f"Money that each reason gave to some videos and took from others since {before.day}; most by {largest}."
    chart = drawing.gains_and_losses(bars, report.currency)
    return Figure("What moved money between videos", drawing.svg(chart, alt_text), alt_text, table)
