"""The warnings at the top of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from creatorpool.money import in_units
from creatorpool.report.nightly.blocks import listed, percent
from creatorpool.report.nightly.checks import refused
from creatorpool.report.nightly.published import ReportDay

COVERAGE_FALL = 0.1
"""Fall of a pool's coverage since the last published day from which the report warns"""

REFUSED_SHARE = 0.01
"""Share of a table's delivered rows in quarantine from which the report warns"""

KKT_RESIDUAL = 1e-6
"""KKT residual, as a share of the money that was split, above which the report warns that the split is not optimal"""


@dataclass(frozen=True)
class Notice:
    """One warning, and the anchor of the section with details."""

    text: str
    anchor: str


def warnings_of(report: ReportDay) -> list[Notice]:
    """All warnings of the day; warnings on money come first."""
    return [*_pools(report), *_coverage(report), *_contracts(report), *_delivered(report), *_estimates(report)]


def _pools(report: ReportDay) -> Iterator[Notice]:
    alike: dict[str, list[str]] = {}
    for category, pool in report.paid.pools.items():
        if pool.warning:
            alike.setdefault(re.sub(r"[0-9][0-9.e-]*", "#", pool.warning), []).append(category)
    for categories in alike.values():
        # One line for a warning that many pools share, so that it does not hide the other warnings.
        first = f"Pool {categories[0]}: {report.paid.pools[categories[0]].warning}"
        rest = f"; the same in {listed(categories[1:])}" if len(categories) > 1 else ""
        yield Notice(f"{first}{rest}.", "pools")
    for category, pool in report.paid.pools.items():
        if pool.unallocated_micros and not pool.warning:
            left = in_units(pool.unallocated_micros, report.currency)
            yield Notice(f"Pool {category}: {left} stays unallocated.", "pools")
        residual = pool.max_kkt_residual
        if residual is not None and residual > KKT_RESIDUAL:
            yield Notice(
                f"Pool {category}: the split is not optimal: its KKT residual is {residual:.1e} of the pool.", "pools"
            )


def _coverage(report: ReportDay) -> Iterator[Notice]:
    if report.before is None:
        return
    for category, pool in report.before.pools.items():
        now = report.paid.pools.get(category)
        if now is None:
            yield Notice(f"Pool {category} was paid on {report.before.day} and has no pool on this day.", "pools")
        elif pool.coverage is not None and now.coverage is not None and pool.coverage - now.coverage >= COVERAGE_FALL:
            fall = f"from {percent(pool.coverage)} to {percent(now.coverage)}"
            yield Notice(f"Pool {category}: coverage fell {fall} since {report.before.day}.", "coverage")


def _contracts(report: ReportDay) -> Iterator[Notice]:
    for severity in ("error", "warning"):
        own = [row for row in report.results if not row["passed"] and row["severity"] == severity]
        names = [f"{row['contract']} ({row['rule'].replace('_', ' ')})" for row in own]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        if own:
            rules = f"{len(own)} rule{'s' if len(own) > 1 else ''}"
            shown = ", ".join(names[:5]) + more if more else listed(names)
            yield Notice(f"{rules} of severity {severity} broken: {shown}.", "checks")


def _delivered(report: ReportDay) -> Iterator[Notice]:
    for table, of in refused(report).items():
        share = of["quarantined"] / max(1, of["read"])
        if share >= REFUSED_SHARE:
            text = f"{of['quarantined']:,} of {of['read']:,} delivered {table} ({percent(share)}) went to quarantine."
            yield Notice(text, "checks")


def _estimates(report: ReportDay) -> Iterator[Notice]:
    for row in report.records("cohort_incentives") or ():
        if row["slopes_agree"] is False:
            yield Notice(f"Newcomers, {row['segment']}: the two estimates of the slope disagree.", "incentives")
        if row["certified"] is False:
            yield Notice(f"Newcomers, {row['segment']}: the target bounty is not certified.", "incentives")
    for row in report.records("continuation_values") or ():
        if row["method"] == "realised" and row["spread_lo"] is not None and row["spread_lo"] <= 0:
            text = "graduating may bring no more exposure than failing (the interval of ΔG contains 0 or less)"
            yield Notice(f"Newcomers, {row['segment']}: {text}.", "incentives")
