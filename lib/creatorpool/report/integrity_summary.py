"""The integrity audit as terminal tables and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
from rich.table import Table

from creatorpool.comparison.compare import OWN, RULES
from creatorpool.integrity.attack import BEHAVIOURS
from creatorpool.integrity.audit import AS_CONFIGURED, Finding
from creatorpool.integrity.verdict import Verdict, verdict_of
from creatorpool.money import MICROS_PER_UNIT
from creatorpool.quoting import quoted
from creatorpool.report.charts import chart_data
from creatorpool.report.console import PlainConsole
from creatorpool.stages.integrity import DayAudit

SIDE = 150
SETTINGS = {
    "unverified_weight": "signals.tiers.unverified",
    "smoothing": "quality.smoothing",
    "alpha": "allocation.alpha",
    "objective": "allocation.objective",
    "cap_share": "allocation.cap_micros at this share of the pool:",
}
"""Settings that the audit's variants change"""

NARROW = ("category", "target", "tier", "behaviour", "rule", "variant", "video")


def print_audit(out: PlainConsole, audit: DayAudit) -> None:
    """Print the verdict, an attacker's gains by rule and by setting, and the most exploitable videos."""
    if not audit.findings:
        out.print("No pool has both money and a video with effective impressions: there is nothing to attack.")
        return
    if (verdict := verdict_of(audit.findings)) is not None:
        out.print(verdict_line(verdict), style="yellow" if verdict.is_exposed else "green")
    most = max(finding.attack.fakes for finding in audit.findings)
    out.print(_rules_table(audit.findings, most))
    out.print(_variants_table(audit.findings, most))
    out.print(_exploitable_table(audit))


def verdict_line(verdict: Verdict) -> str:
    """The verdict in one sentence, in units of money."""
    fake = verdict.fake
    views = f"{fake.views_each} views" if fake.views_each > 1 else "one view"
    what = f"a fake {fake.tier} viewer with {views} that costs {_units(verdict.cost)} earns {_units(verdict.gain)}"
    if not verdict.is_exposed:
        return f"Verdict: not exposed. No attack that was tried earns more than it costs: {what}."
    if verdict.remedy is None:
        return f"Verdict: exposed. At worst, {what}; no other setting that was tried earns the attacker less."
    return f"Verdict: exposed. At worst, {what}; with {_setting(verdict.remedy)} it earns {_units(verdict.remedied)}."


def _setting(variant: str) -> str:
    """A variant as the setting that a user changes."""
    name, _, value = variant.partition("=")
    return f"{SETTINGS.get(name, name)} {value}"


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name, justify="left" if name in NARROW else "right")
    return table


def _rules_table(findings: Sequence[Finding], fakes: int) -> Table:
    """Mean gain of an attack over pools, in money and per unit of cost."""
    chosen = [
        f for f in findings if f.variant == AS_CONFIGURED and f.attack.fakes == fakes and f.target != "exploitable"
    ]
    rules = list(dict.fromkeys(f.rule for f in chosen))
    title = f"Gain of {fakes} fake viewers, mean over pools, in units of money, and in brackets per unit of cost"
    table = _table(title, "target", "tier", "behaviour", *rules)
    rows: dict[tuple[str, str, str], dict[str, list[Finding]]] = {}
    for f in chosen:
        key = (f.target, f.attack.fake.tier, f.attack.fake.behaviour)
        rows.setdefault(key, {}).setdefault(f.rule, []).append(f)
    for key, by_rule in rows.items():
        table.add_row(*key, *(_mean_gain(by_rule[rule]) for rule in rules))
    return table


def _variants_table(findings: Sequence[Finding], fakes: int) -> Table:
    """Gain of the attacks under each setting, and the largest gain of one fake viewer."""
    own = [f for f in findings if f.rule == OWN]
    behaviours = {f.attack.fake.behaviour for f in own if f.variant != AS_CONFIGURED and f.target != "exploitable"}
    typical = [f for f in own if f.attack.fakes == fakes and f.attack.fake.behaviour in behaviours]
    typical = [f for f in typical if f.target != "exploitable"]
    columns = sorted({(f.target, f.attack.fake.tier) for f in typical})
    title = f"The same under other settings, behaviour {', '.join(sorted(behaviours))}; best: one fake, any video"
    table = _table(title, "variant", *(f"{target}, {tier}" for target, tier in columns), "best")
    for variant in dict.fromkeys(f.variant for f in own):
        cells = [
            _mean_gain([f for f in typical if f.variant == variant and (f.target, f.attack.fake.tier) == column])
            for column in columns
        ]
        best = [f for f in own if f.variant == variant and f.target == "exploitable" and f.rank == 1]
        table.add_row(variant, *cells, _mean_gain(best))
    return table


def _exploitable_table(audit: DayAudit) -> Table:
    table = _table(
        "Most exploitable videos: the best single fake viewer",
        *("category", "rank", "video", "tier", "behaviour", "earned", "gain", "cost", "profit"),
    )
    for f in audit.findings:
        if f.target == "exploitable" and f.variant == AS_CONFIGURED and f.rank <= 3:
            fake = f.attack.fake
            amounts = (_units(amount) for amount in (f.earned, f.gain, float(f.cost), f.profit))
            table.add_row(
                *(quoted(f.category), str(f.rank), quoted(audit.video[f.attack.video])),
                *(fake.tier, fake.behaviour, *amounts),
            )
    return table


def _mean_gain(findings: Sequence[Finding]) -> str:
    if not findings:
        return "–"
    gain = sum(f.gain for f in findings) / len(findings)
    cost = sum(f.cost for f in findings) / len(findings)
    return f"{_units(gain)} ({_ratio(gain / cost)})" if cost else _units(gain)


def _ratio(value: float) -> str:
    """Two digits, and never as a power of ten."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _units(micros: float) -> str:
    return f"{micros / MICROS_PER_UNIT:.4f}"


def integrity_chart(audit: DayAudit) -> alt.VConcatChart:
    """Gain per fake viewer against their number, by rule and with the cost as a line, and by setting."""
    own = [f for f in audit.findings if f.target != "exploitable"]
    page: alt.VConcatChart = alt.vconcat(
        _by_rule([f for f in own if f.variant == AS_CONFIGURED]), _by_variant([f for f in own if f.rule == OWN])
    ).resolve_scale(color="independent")
    return page


def _rows(findings: Sequence[Finding], *names: str) -> list[dict[str, Any]]:
    """Mean over pools of gain and cost per fake viewer, by `names`."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for f in findings:
        fake = f.attack.fake
        facts = {
            "rule": f.rule,
            "variant": f.variant,
            "target": f"{f.target} creator",
            "fake": f"{fake.tier}, {fake.behaviour}",
            "fakes": f.attack.fakes,
        }
        groups.setdefault(tuple(facts[name] for name in names), []).append(f)
    return [
        dict(zip(names, key, strict=True))
        | {
            "gain": sum(f.gain / f.attack.fakes for f in own) / len(own) / MICROS_PER_UNIT,
            "cost": sum(f.cost / f.attack.fakes for f in own) / len(own) / MICROS_PER_UNIT,
        }
        for key, own in groups.items()
    ]


def _by_rule(findings: Sequence[Finding]) -> alt.FacetChart:
    rows = _rows(findings, "rule", "target", "fake", "fakes")
    base = alt.Chart(width=SIDE, height=SIDE)
    number = alt.X("fakes:Q", scale=alt.Scale(type="log"), title="fake viewers")
    lines = base.mark_line(point=True).encode(
        x=number, y=alt.Y("gain:Q", title="gain per fake viewer"), color=alt.Color("rule:N", sort=list(RULES))
    )
    costs = base.mark_line(color="black", strokeDash=[4, 3]).encode(x=number, y="cost:Q")
    chart: alt.FacetChart = (
        alt.layer(lines, costs, data=chart_data(rows))
        .facet(row=alt.Row("target:N", title=None), column=alt.Column("fake:N", title=None, sort=_kinds(findings)))
        .resolve_scale(y="independent")
        .properties(title="Gain per fake viewer, mean over pools; dashed: cost of one")
    )
    return chart


def _kinds(findings: Sequence[Finding]) -> list[str]:
    """Titles of panels, in the order of `BEHAVIOURS` within each tier."""
    fakes = {(f.attack.fake.tier, BEHAVIOURS.index(f.attack.fake.behaviour)) for f in findings}
    return [f"{tier}, {BEHAVIOURS[behaviour]}" for tier, behaviour in sorted(fakes)]


def _by_variant(findings: Sequence[Finding]) -> alt.FacetChart:
    behaviours = {f.attack.fake.behaviour for f in findings if f.variant != AS_CONFIGURED}
    rows = _rows([f for f in findings if f.attack.fake.behaviour in behaviours], "variant", "target", "fake", "fakes")
    chart: alt.FacetChart = (
        alt.Chart(chart_data(rows), width=2 * SIDE, height=SIDE)
        .mark_bar()
        .encode(
            x=alt.X("gain:Q", title="gain per fake viewer"),
            y=alt.Y("variant:N", title=None, sort=[AS_CONFIGURED]),
            yOffset="fakes:O",
            color=alt.Color("fakes:O", title="fake viewers"),
        )
        .facet(row=alt.Row("target:N", title=None), column=alt.Column("fake:N", title=None))
        .resolve_scale(x="independent")
        .properties(title="The same under other settings")
    )
    return chart
