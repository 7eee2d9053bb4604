"""The audit: the attacks that are tried on each target video, with their gains and costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from creatorpool.comparison.compare import OWN, other_shares
from creatorpool.comparison.rules import Viewing
from creatorpool.integrity.attack import BEHAVIOURS, FakeViewer, fake_viewer
from creatorpool.integrity.market import Attack, Market
from creatorpool.numerics.types import Floats

AS_CONFIGURED = "as_configured"
SHORTLIST = 3
"""Factor: this many times the wanted videos are solved exactly, because the estimate that ranks them is not exact."""


@dataclass(frozen=True)
class AuditPlan:
    """The attacks to try."""

    costs: Mapping[str, int]
    """Cost of one fake viewer, micros, by tier"""
    fakes: Sequence[int]
    replays: int
    small_quantile: float
    most_exploitable: int

    def fake_viewers(self, behaviours: Sequence[str] = BEHAVIOURS) -> list[FakeViewer]:
        """Every kind of fake viewer with one of `behaviours`, by tier."""
        return [fake_viewer(tier, behaviour, self.replays) for tier in sorted(self.costs) for behaviour in behaviours]


@dataclass(frozen=True)
class Finding:
    """The result of one attack, micros."""

    category: str
    rule: str
    variant: str
    target: str
    rank: int
    attack: Attack
    earned: float
    """The creator's earnings without the attack in the pools of the video; NaN under other rules"""
    gain: float
    marginal: float
    """Gain of one more fake viewer"""
    cost: int
    """Cost of all fake viewers"""

    @property
    def profit(self) -> float:
        """Gain less cost."""
        return self.gain - self.cost


def audit_targets(
    market: Market, targets: Mapping[str, Mapping[str, int]], plan: AuditPlan, variant: str, fakes: Sequence[FakeViewer]
) -> Iterator[Finding]:
    """Attacks by each kind and number of fakes on each of `targets` (by pool and name), under creatorpool's rule."""
    for category, videos in targets.items():
        for target, video in videos.items():
            for fake in fakes:
                gains = {k: market.gain(Attack(video, k, fake)) for k in _with_next(plan.fakes)}
                for k in plan.fakes:
                    yield Finding(
                        *(category, OWN, variant, target, 1, Attack(video, k, fake), market.earned(video)),
                        *(gains[k], gains[k + 1] - gains[k], k * plan.costs[fake.tier]),
                    )


def audit_rivals(
    market: Market,
    viewing: Mapping[str, Viewing],
    targets: Mapping[str, Mapping[str, int]],
    plan: AuditPlan,
    creators_share: float,
) -> Iterator[Finding]:
    """The same attacks under the other rules, which do not use trust and actions."""
    for category, videos in targets.items():
        for target, video in videos.items():
            for fake in plan.fake_viewers():
                gains = {
                    k: gains_under_other_rules(market, viewing, Attack(video, k, fake), creators_share)
                    for k in _with_next(plan.fakes)
                }
                for k in plan.fakes:
                    for rule, gain in gains[k].items():
                        yield Finding(
                            *(category, rule, AS_CONFIGURED, target, 1, Attack(video, k, fake), float("nan")),
                            *(gain, gains[k + 1][rule] - gain, k * plan.costs[fake.tier]),
                        )


def most_exploitable(market: Market, plan: AuditPlan, variant: str) -> Iterator[Finding]:
    """In each pool, the videos on which one fake viewer, of the best kind for the video, makes the most profit."""
    if plan.most_exploitable == 0:
        return
    kinds = plan.fake_viewers()
    profit = np.stack([market.estimated_gains(fake) - plan.costs[fake.tier] for fake in kinds])
    best, value = profit.argmax(axis=0), profit.max(axis=0)
    for category, market_pool in market.pools.items():
        likely = market_pool.videos[np.argsort(-value[market_pool.videos], kind="stable")]
        shortlist = likely[: SHORTLIST * plan.most_exploitable].tolist()
        attacks = [Attack(video, 1, kinds[best[video]]) for video in shortlist]
        gains = [(market.gain(attack), attack) for attack in attacks]
        gains.sort(key=lambda pair: (plan.costs[pair[1].fake.tier] - pair[0], pair[1].video))
        for rank, (gain, attack) in enumerate(gains[: plan.most_exploitable], 1):
            more = market.gain(replace(attack, fakes=2)) - gain
            yield Finding(
                *(category, OWN, variant, "exploitable", rank, attack, market.earned(attack.video)),
                *(gain, more, plan.costs[attack.fake.tier]),
            )


def _with_next(fakes: Sequence[int]) -> list[int]:
    return sorted({k + step for k in fakes for step in (0, 1)})


def gains_under_other_rules(
    market: Market, viewing: Mapping[str, Viewing], attack: Attack, creators_share: float
) -> dict[str, float]:
    """Micros that an attack earns the video's creator under each of the other rules, in the pools of the video.

    Parameters
    ----------
    viewing : mapping
        The viewing in each pool, by category.
    creators_share : float
        As in `creatorpool.comparison.rules.scaled_user`.
    """
    gains: dict[str, float] = {}
    for category, index in market.indices_in_pools(attack.video).items():
        market_pool = market.pools[category]
        own = market.creator[market_pool.videos] == market.creator[attack.video]
        before = _other_shares(viewing[category], own.size, creators_share)
        attacked = viewing[category].with_viewers(index, attack.fakes, attack.fake.views_each)
        after = _other_shares(attacked, own.size, creators_share)
        for rule, shares in after.items():
            gain = (math.fsum(shares[own]) - math.fsum(before[rule][own])) * market_pool.pool.money
            gains[rule] = gains.get(rule, 0.0) + gain
    return gains


def _other_shares(viewing: Viewing, videos: int, creators_share: float) -> dict[str, Floats]:
    return other_shares(viewing.views_by_video(videos), viewing, creators_share)
