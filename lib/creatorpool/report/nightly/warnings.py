"""The warnings at the top of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pyarrow.compute as pc

from creatorpool.allocation.idle_efficiency import idle_sentence, is_idle, other_warnings
from creatorpool.allocation.unfunded import EarlierPools, unfunded_warnings
from creatorpool.money import in_units
from creatorpool.report.nightly.blocks import listed, percent
from creatorpool.report.nightly.checks import delivered
from creatorpool.report.nightly.coverage import report_coverage
from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.pools import PoolRun

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
    is_note: bool = False
    """Whether it is good to know only: nobody has to act on it"""


def warnings_of(report: ReportDay) -> list[Notice]:
    """All warnings of the day, in the order in which a payer acts on them.

    Videos that are paid nothing come first, then pool money that is left, broken feeds, refused rows and estimates, and
    last what is only good to know.
    """
    return [
        *(
            *_coverage(report),
            *_unfunded(report),
            *_falls(report),
            *_pools(report),
            *_contracts(report),
            *_delivered(report),
        ),
        *(*_estimates(report), *_idle_weight(report)),
    ]


def _coverage(report: ReportDay) -> Iterator[Notice]:
    coverage = report_coverage(report)
    if warning := coverage.warning(report.limits.coverage_loss_warning):
        yield Notice(f"{warning}.", "coverage")


def _unfunded(report: ReportDay) -> Iterator[Notice]:
    coverage = report_coverage(report)
    found = unfunded_warnings(coverage, _funded(report), _earlier_pools(report))
    for number, warning in enumerate(found, 1):
        total = f" {coverage.unpaid_line(_paid_videos(report))}" if number == len(found) else ""
        yield Notice(f"{warning[0].upper()}{warning[1:]}.{total}", "coverage")


def _funded(report: ReportDay) -> set[str]:
    """The categories with revenue; not each has a pool if only some pools are paid yet."""
    return set(report.paid.rows("pool_revenue", "category").column("category").to_pylist())


def _earlier_pools(report: ReportDay) -> EarlierPools:
    before = report.before
    if before is None:
        return EarlierPools()
    return EarlierPools(before.day, {name: row.pool_micros for name, row in before.pools.items()}, report.currency)


def _paid_videos(report: ReportDay) -> int:
    paid = report.paid.rows("video_payouts", "payout_micros").column("payout_micros")
    return pc.sum(pc.greater(paid, 0)).as_py() or 0


def _pools(report: ReportDay) -> Iterator[Notice]:
    alike: dict[str, list[tuple[str, str]]] = {}
    for category, pool in report.paid.pools.items():
        for warning in other_warnings(pool.warning):
            alike.setdefault(re.sub(r"[0-9][0-9.,e-]*", "#", warning), []).append((category, warning))
    for (category, warning), *others in alike.values():
        # One line for a warning that many pools share, so that it does not hide the other warnings.
        rest = f"; the same in {listed([name for name, _ in others])}" if others else ""
        yield Notice(f"Pool {category}: {warning}{rest}.", "pools")
    for category, pool in report.paid.pools.items():
        if pool.unallocated_micros and not other_warnings(pool.warning):
            left = in_units(pool.unallocated_micros, report.currency)
            yield Notice(f"Pool {category}: {left} stays unallocated.", "pools")
        residual = pool.max_kkt_residual
        if residual is not None and residual > KKT_RESIDUAL:
            yield Notice(
                f"Pool {category}: the split is not optimal: its KKT residual is {residual:.1e} of the pool.", "pools"
            )


def _idle_weight(report: ReportDay) -> Iterator[Notice]:
    """One note for each rule whose weight of efficiency moves next to nothing; a day nearly always has one rule."""
    pools = list(report.paid.pools.values())
    idle = sorted((pool for pool in pools if is_idle(pool.warning)), key=_efficiency_rule)
    for _, alike in groupby(idle, key=_efficiency_rule):
        own = list(alike)
        sentence = idle_sentence(own[0], own, len(pools), report.currency)
        yield Notice(f"{sentence[0].upper()}{sentence[1:]}.", "pools", is_note=True)


def _efficiency_rule(pool: PoolRun) -> tuple[str, float]:
    return pool.objective, pool.lambda_eff


def _falls(report: ReportDay) -> Iterator[Notice]:
    if report.before is None:
        return
    unfunded = set(report_coverage(report).eligible) - _funded(report)
    for category, pool in report.before.pools.items():
        now = report.paid.pools.get(category)
        if now is None and category in unfunded:
            continue  # told already
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
    for table, of in delivered(report).items():
        if of.refused_share >= REFUSED_SHARE:
            share = percent(of.refused_share)
            text = f"{of.quarantined:,} of {of.rows:,} delivered {table} ({share}) went to quarantine."
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
