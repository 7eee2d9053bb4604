"""Section on the changes since the last published day, with their reasons."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.money import MICROS_PER_UNIT, in_units
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import Block, Figure, Figures, Paragraph, Section, Table, signed_money
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
}


def movers_section(report: ReportDay) -> Section:
    """The creators whose pool payouts changed most, with reasons if these are published."""
    lead = (
        "Pool payouts against the last published day. Each change is split by cause, and the parts sum to it exactly."
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
        return Section("movers", "Changes", "What changed, and why", lead, [missing, _table(movers, before)])
    figure = _reasons(moved_by_reason(own), report, before)
    movers = explained_movers(own, TOP_MOVERS)
    return Section(
        "movers", "Changes", "What changed, and why", lead, [Figures([figure], beside=_table(movers, before))]
    )


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


def _reasons(moved: dict[str, tuple[int, int]], report: ReportDay, before: PaidDay) -> Figure:
    order = sorted(moved, key=lambda name: moved[name][1] - moved[name][0])
    bars = [
        {"label": short(name), "series": series, "value": micros / MICROS_PER_UNIT}
        for name in order
        for series, micros in zip(("added", "taken"), moved[name], strict=True)
    ]
    rows = [(short(name), *map(signed_money, (*moved[name], sum(moved[name])))) for name in order]
    table = Table(("reason", "added", "taken", "net"), rows, f"All payouts against {before.day}, {report.currency}")
    largest = short(order[0]) if order else "nothing"
    alt_text = f"Money that each reason added to payouts and took from them since {before.day}; most by {largest}."
    chart = drawing.gains_and_losses(bars, report.currency)
    return Figure("What moved the money", drawing.svg(chart, alt_text), alt_text, table)
