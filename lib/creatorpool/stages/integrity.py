"""The stage `integrity`: what fake viewers would earn on the published day, under its own rules and other rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.rules import Viewing
from creatorpool.errors import ConfigurationError
from creatorpool.integrity.audit import (
    AS_CONFIGURED,
    AuditPlan,
    Finding,
    audit_rivals,
    audit_targets,
    most_exploitable,
)
from creatorpool.integrity.market import Market
from creatorpool.settings import Settings
from creatorpool.stages.comparison import day_viewing
from creatorpool.stages.configuration import PAYOUT_SECTIONS, use_ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_market import DayVideos
from creatorpool.stages.published_day import (
    PublishedDay,
    publish_study,
    published_day,
)
from creatorpool.stages.runner import Stage

INTEGRITY = "integrity"
STAGE = Stage(
    INTEGRITY,
    ("pool_payouts", "video_signals", "video_quality", "events", "viewers", "videos"),
    (*PAYOUT_SECTIONS, "integrity"),
)
WHAT_IF_BEHAVIOURS = ("act",)
"""Variants of the settings are audited with this behaviour only: it is enough to show the effect of each setting."""


@dataclass(frozen=True)
class DayAudit:
    """All findings, and the ids of the videos and creators that they name by position."""

    findings: Sequence[Finding]
    video: NDArray[Any]
    creator: NDArray[Any]


def publish_audit(context: RunContext, categories: Collection[str] = ()) -> DayAudit:
    """Publish table `integrity_audit` for the day's published pools, or for `categories`.

    An attack is measured in those of the audited pools that the attacked video shares (formulas §2.11).

    Raises
    ------
    ConfigurationError
        If the configuration differs from that of the published day, or the audit's tiers or weights are not usable;
        else as `published_day`.
    """
    day = published_day(context, categories)
    use_ledger_settings(context, [pool.row for pool in day.pools.values()])
    _require_tiers(context.settings)
    audits: list[DayAudit] = []

    def compute() -> list[dict[str, Any]]:
        day_videos = DayVideos.read(context, day)
        market = day_videos.market(context.settings, day)
        viewing = day_viewing(context, day, {name: day.pools[name] for name in market.pools})
        findings = list(_findings(context, day, day_videos, market, viewing))
        audits.append(DayAudit(findings, day_videos.video, day_videos.creator))
        return _records(context, day, audits[0])

    publish_study(context, STAGE, day, compute)
    return audits[0]


def _require_tiers(settings: Settings) -> None:
    """Raise ConfigurationError for an unknown tier, or a weight that an unverified viewer must not have.

    This is not part of the validation of the configuration, because the audit's settings must not stop payouts.
    """
    tiers, audit = settings.signals.tiers, settings.integrity
    if unknown := sorted(set(audit.fake_viewer_cost_micros) - set(tiers)):
        raise ConfigurationError(
            f"integrity.fake_viewer_cost_micros: {unknown} are not in signals.tiers, {sorted(tiers)}"
        )
    if too_large := [weight for weight in audit.unverified_weights if weight >= tiers["verified"]]:
        raise ConfigurationError(
            f"integrity.unverified_weights must be below signals.tiers.verified, {tiers['verified']}, got {too_large}"
        )


def _findings(
    context: RunContext, day: PublishedDay, day_videos: DayVideos, market: Market, viewing: Mapping[str, Viewing]
) -> Iterator[Finding]:
    plan = _plan(context.settings)
    quantile = plan.small_quantile
    targets = {category: market.typical_videos(category, quantile) for category in market.pools}
    yield from audit_targets(market, targets, plan, AS_CONFIGURED, plan.fake_viewers())
    yield from audit_rivals(market, viewing, targets, plan, 1.0 - context.settings.pools.platform_share)
    yield from most_exploitable(market, plan, AS_CONFIGURED)
    for variant, changed in _variants(context, day, day_videos, market):
        yield from audit_targets(changed, targets, plan, variant, plan.fake_viewers(WHAT_IF_BEHAVIOURS))
        yield from most_exploitable(changed, plan, variant)


def _plan(settings: Settings) -> AuditPlan:
    audit, limit = settings.integrity, settings.signals.max_daily_views_per_viewer
    return AuditPlan(
        costs=audit.fake_viewer_cost_micros,
        fakes=sorted(set(audit.fake_viewers)),
        replays=audit.replays if limit is None else min(audit.replays, limit),
        small_quantile=audit.small_creator_quantile,
        most_exploitable=audit.most_exploitable,
    )


def _variants(
    context: RunContext, day: PublishedDay, day_videos: DayVideos, market: Market
) -> Iterator[tuple[str, Market]]:
    """Names and markets of the same day, each with one setting changed."""
    settings = context.settings
    for weight in settings.integrity.unverified_weights:
        tiers = dict(settings.signals.tiers) | {"unverified": weight}
        yield f"unverified_weight={weight:g}", day_videos.reweighted(context, day, market, tiers)
    smoothing = "none" if market.formula.is_smoothed else "empirical_bayes"
    formula = replace(market.formula, is_smoothed=not market.formula.is_smoothed)
    yield f"smoothing={smoothing}", replace(market, formula=formula)
    for alpha in settings.integrity.alpha:
        yield f"alpha={alpha:g}", _with_policy(market, partial(replace, alpha=alpha))
    objective = "log" if settings.allocation.objective == "linear" else "linear"
    yield f"objective={objective}", _with_policy(market, partial(replace, objective=objective))
    for share in settings.integrity.cap_shares:
        yield f"cap_share={share:g}", _capped(market, share)


def _with_policy(market: Market, change: Callable[[SplitPolicy], SplitPolicy]) -> Market:
    pools = {
        name: replace(market_pool, policy=change(market_pool.policy)) for name, market_pool in market.pools.items()
    }
    return replace(market, pools=pools)


def _capped(market: Market, share: float) -> Market:
    pools = {
        name: replace(market_pool, pool=replace(market_pool.pool, cap=math.ceil(share * market_pool.pool.money)))
        for name, market_pool in market.pools.items()
    }
    return replace(market, pools=pools)


def _records(context: RunContext, day: PublishedDay, audit: DayAudit) -> list[dict[str, Any]]:
    return [_record(context, day, audit, finding) for finding in audit.findings]


def _record(context: RunContext, day: PublishedDay, audit: DayAudit, finding: Finding) -> dict[str, Any]:
    attack, gain = finding.attack, round(finding.gain)
    return {
        "date": context.day,
        "category": finding.category,
        "rule": finding.rule,
        "variant": finding.variant,
        "target": finding.target,
        "rank": finding.rank,
        "trust_tier": attack.fake.tier,
        "behaviour": attack.fake.behaviour,
        "fake_viewers": attack.fakes,
        "views_each": attack.fake.views_each,
        "video_id": audit.video[attack.video],
        "creator_id": audit.creator[attack.video],
        "earned_micros": None if math.isnan(finding.earned) else round(finding.earned),
        "gain_micros": gain,
        "marginal_micros": round(finding.marginal),
        "cost_micros": finding.cost,
        "profit_micros": gain - finding.cost,
        "pays_off": gain > finding.cost,
        "allocation_run_id": day.pools[finding.category].row.run_id,
    }
