"""Section on newcomers: the incentives dashboard of S4 §5.4 and D.4, one line per segment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from creatorpool.cohorts.success_value import SuccessValue, value_sentence, with_money
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import (
    NOT_KNOWN,
    Block,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    not_published,
    number,
    percent,
)
from creatorpool.report.nightly.figures import intervals, kpis
from creatorpool.report.nightly.published import ReportDay, Row

REALISED = "realised"
LEAD = (
    "Results of the newcomers' test: the share that graduates, the effect of quality on that share (the slope π′ and "
    "the leverage ℓ = π′/π), the value of graduation (ΔG), and the bounty that closes the gap. Lines show intervals."
)


def incentives_section(report: ReportDay) -> Section:
    """The dashboard, or a note that it is not published."""
    incentives = report.records("cohort_incentives")
    if incentives is None:
        command = f"creatorpool incentives --date {report.day}"
        return Section(
            "incentives",
            "Newcomers",
            "Newcomers' incentives",
            LEAD,
            [not_published("Estimates of incentives are", command)],
        )
    run = report.run_of("policy_advice")
    success = None if run is None else SuccessValue.of_facts(run.rows)
    advice = {row["segment"]: row for row in report.records("policy_advice") or ()}
    values = [row for row in report.records("continuation_values") or () if row["method"] == REALISED]
    blocks: list[Block] = [
        Figures([*_curves(incentives), *_estimates(incentives, values), *_prices(advice)]),
        Paragraph(value_sentence(success)),
        _policies(incentives, advice, success),
        _kpi_table(incentives, advice),
        _advice(advice),
    ]
    reasons = [f"{row['segment']}: {row['reason']}" for row in incentives if row["reason"]]
    notes = [Paragraph(f"Estimates that the data do not allow are left out. {' · '.join(reasons)}")] if reasons else []
    return Section("incentives", "Newcomers", "Newcomers' incentives", LEAD, [*blocks, *notes])


def _interval(row: Mapping[str, Any] | None, name: str, form: str = ".3g") -> str:
    if row is None or row[name] is None:
        return "–"
    return f"{row[name]:{form}} [{row[f'{name}_lo']:{form}}, {row[f'{name}_hi']:{form}}]"


def _curves(incentives: Sequence[Row]) -> list[Figure]:
    points, curves, rows = [], [], []
    for row in incentives:
        for bin_ in json.loads(row["pass_curve"]) if row["pass_curve"] else ():
            rate = bin_["passes"] / bin_["entrants"] if bin_["entrants"] else None
            base = {"segment": row["segment"], "quality": bin_["proxy"]}
            points += [] if rate is None else [{**base, "pass_rate": rate}]
            curves += [] if bin_["fitted"] is None else [{**base, "probability": bin_["fitted"]}]
            counted = (f"{bin_['entrants']:,}", percent(rate), percent(bin_["fitted"]))
            rows.append((row["segment"], number(bin_["proxy"]), *counted))
    if not points:
        return []
    segments = [row["segment"] for row in incentives]
    alt_text = "Share of newcomers that graduates by the quality proxy at entry, with the fitted curve. " + "; ".join(
        f"{row['segment']} {percent(row['pass_rate'])} overall" for row in incentives
    )
    drawn = drawing.svg(drawing.pass_curves(points, curves, segments), alt_text)
    table = Table(("segment", "proxy", "newcomers", "graduated", "fitted"), rows, "Pass curves")
    return [Figure("Who graduates", drawn, alt_text, table)]


def _estimates(incentives: Sequence[Row], values: Sequence[Row]) -> list[Figure]:
    panels: tuple[tuple[str, str, Sequence[Row], str | None], ...] = (
        ("pass_rate", "Pass rate", incentives, ".0%"),
        ("slope_hat", "Slope π′ at the median", incentives, None),
        ("leverage", "Leverage ℓ", incentives, None),
        ("spread", "Continuation spread ΔG", values, None),
        ("bounty_hat", "Bounty that closes the gap", incentives, None),
    )
    return [figure for name, title, rows, form in panels for figure in _panel(name, title, rows, form)]


def _panel(name: str, title: str, rows: Sequence[Row], form: str | None) -> list[Figure]:
    found = intervals(rows, name)
    if not found:
        return []
    alt_text = f"{title} by segment with intervals: " + "; ".join(
        f"{row['label']} {row['value']:.3g} from {row['low']:.3g} to {row['high']:.3g}" for row in found
    )
    table = Table(
        ("segment", title, "low", "high"),
        [(row["label"], *(f"{row[place]:.4g}" for place in ("value", "low", "high"))) for row in found],
    )
    return [
        Figure(
            title,
            drawing.svg(drawing.interval_dots(found, title[0].lower() + title[1:], form), alt_text),
            alt_text,
            table,
        )
    ]


def _prices(advice: Mapping[str, Row]) -> list[Figure]:
    figures = []
    for gain, price, title in (
        ("mv_n", "lambda_imp", "Gain of one more impression, MV_N"),
        ("mv_b", "lambda_cash", "Gain of one more expected dollar, MV_B"),
    ):
        bars = [{"label": name, "value": row[gain]} for name, row in advice.items() if row[gain] is not None]
        if not bars:
            continue
        common = next((row[price] for row in advice.values() if row[price] is not None), None)
        rows = [(name, number(row[gain], ".4g"), number(row[price], ".4g")) for name, row in advice.items()]
        alt_text = f"{title}, by segment, beside the common shadow price {number(common, '.3g')}: " + "; ".join(
            f"{bar['label']} {bar['value']:.3g}" for bar in bars
        )
        drawn = drawing.svg(drawing.gains_and_price(bars, common, "platform value"), alt_text)
        figures.append(Figure(title, drawn, alt_text, Table(("segment", "gain today", "shadow price"), rows)))
    return figures


def _policies(incentives: Sequence[Row], advice: Mapping[str, Row], success: SuccessValue | None) -> Table:
    rows = []
    for row in incentives:
        own = advice.get(row["segment"])
        bounty = None if own is None else own["current_bounty"]
        rows.append(
            (
                row["segment"],
                f"{row['entrants']:,}",
                f"{row['threshold_k']} of {row['window_n']}",
                NOT_KNOWN if bounty is None else with_money(bounty, success, ".3g"),
                _advised_bounty(row, success),
                _interval(row, "discounted_mass"),
                _interval(row, "expected_spend"),
                {True: "yes", False: "no", None: "–"}[row["certified"]],
            )
        )
    header = (
        "segment",
        "newcomers",
        "bar",
        "bounty now",
        "bounty that closes the gap",
        "test impressions each",
        "expected spend each",
        "certified",
    )
    return Table(header, rows, "Today's policy and its results")


def _advised_bounty(row: Row, success: SuccessValue | None) -> str:
    amount = row["bounty_hat"]
    return NOT_KNOWN if amount is None else with_money(amount, success, ".3g")


def _kpi_table(incentives: Sequence[Row], advice: Mapping[str, Row]) -> Table:
    rows = []
    for row in incentives:
        own = advice.get(row["segment"])
        of = kpis(row, own)
        rows.append(
            (
                row["segment"],
                number(of["quality_lift"], "+.3f"),
                percent(of["discovery_rate"]),
                number(of["dollars_per_incentive"], ".3g"),
                number(of["lambda_imp"], ".3g"),
                number(of["lambda_cash"], ".3g"),
                number(None if own is None else own["exchange_rate"], ".3g"),
            )
        )
    header = (
        *("segment", "quality lift of the advice", "discovery rate", "spend per unit of incentive 1/ℓ"),
        *("price of impressions", "price of cash", "dollars for an impression"),
    )
    return Table(header, rows, "Outcomes to watch")


def _advice(advice: Mapping[str, Row]) -> Table:
    rows = [
        (
            name,
            f"n {row['current_n']}, k {row['current_k']}, B {number(row['current_bounty'], '.3g')}",
            f"n {row['advised_n']}, k {row['advised_k']}, B {number(row['advised_bounty'], '.3g')}"
            if row["advised_n"] is not None
            else "–",
            row["reason"] or "–",
        )
        for name, row in advice.items()
    ]
    return Table(("segment", "now", "advised", "reason"), rows, "Advice", left=4)
