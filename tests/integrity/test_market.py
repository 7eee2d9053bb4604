"""Gains of attacks: exact payouts, bounds, and the ranking of the most exploitable videos."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tests.integrity.markets import CATEGORIES, random_market

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import pool_creators
from creatorpool.comparison.rules import Viewing
from creatorpool.integrity.attack import BEHAVIOURS, fake_viewer
from creatorpool.integrity.audit import (
    AS_CONFIGURED,
    AuditPlan,
    audit_rivals,
    audit_targets,
    gains_under_other_rules,
    most_exploitable,
)
from creatorpool.integrity.market import Attack, Market, MarketPool, index_in_pool

ACT = fake_viewer("verified", "act", 2)
PLAN = AuditPlan({"unverified": 1_000, "verified": 100_000}, [1, 10], 3, 0.1, 4)


def viewing_of(market: Market, seed: int) -> dict[str, Viewing]:
    rng = np.random.default_rng(seed)
    viewing = {}
    for name, market_pool in market.pools.items():
        videos = market_pool.videos.size
        rows = rng.choice(videos * 6, 3 * videos, replace=False)
        depth = rows % 6 + 1
        viewing[name] = Viewing(rows // 6, depth, depth * rng.integers(1, 4, rows.size))
    return viewing


def test_gain_is_the_change_of_the_creators_money_over_the_pools_shared() -> None:
    market = random_market(2)
    video = next(v for v in range(30) if len(market.pools_of(v)) == 2)
    impressions = market.impressions_under(Attack(video, 3, ACT))
    expected = 0.0
    for market_pool in market.pools.values():
        own = market.creator[market_pool.videos] == market.creator[video]
        for m, sign in ((impressions, 1), (market.effective_impressions, -1)):
            expected += sign * market_pool.pool.split(market_pool.policy, m[market_pool.videos]).payout[own].sum()

    assert market.gain(Attack(video, 3, ACT)) == pytest.approx(expected, rel=1e-9)
    assert expected > 0


def test_gain_in_a_log_pool_without_bounds_is_the_closed_form() -> None:
    market = random_market(6, policy=SplitPolicy("log", 1.0, 0.3))
    video = int(market.pools["music"].videos[0])
    alone = replace(market, creator=np.array([f"g{v}" for v in range(30)], dtype=object))
    after = alone.impressions_under(Attack(video, 2, ACT))
    expected = sum(
        1e9 * (after[video] / after[market_pool.videos].sum() - alone.effective_impressions[video] / before.sum())
        for market_pool in alone.pools.values()
        if video in market_pool.videos
        for before in [alone.effective_impressions[market_pool.videos]]
    )

    assert alone.gain(Attack(video, 2, ACT)) == pytest.approx(expected, rel=1e-9)


def test_cap_bounds_the_gain_of_an_attack() -> None:
    market = random_market(2)
    pools = {
        name: replace(market_pool, pool=replace(market_pool.pool, cap=120_000_000))
        for name, market_pool in market.pools.items()
    }
    capped = replace(market, pools=pools)
    alone = replace(capped, creator=np.array([f"g{v}" for v in range(30)], dtype=object))
    video = int(alone.pools["music"].videos[0])

    assert alone.earned(video, alone.impressions_under(Attack(video, 10_000, ACT))) <= 120_000_000 * len(
        alone.pools_of(video)
    ) * (1 + 1e-9)


@pytest.mark.parametrize("is_smoothed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_estimated_gains_rank_the_best_video_near_the_top(seed: int, is_smoothed: bool) -> None:
    market = random_market(seed, is_smoothed=is_smoothed)
    exact = np.array([market.gain(Attack(video, 1, ACT)) for video in range(30)])
    alone = replace(market, creator=np.array([f"g{v}" for v in range(30)], dtype=object))
    order = np.argsort(-alone.estimated_gains(ACT), kind="stable")
    found = list(most_exploitable(market, replace(PLAN, costs={"verified": 0}, replays=1), AS_CONFIGURED))

    assert int(exact.argmax()) in order[:6]
    assert max(finding.gain for finding in found) >= exact.max() * (1 - 1e-9)


def test_estimated_gains_of_one_viewer_among_many_are_close() -> None:
    market = random_market(1, videos=400, policy=SplitPolicy("log", 0.7, 0.5))
    alone = replace(market, creator=np.array([f"g{v}" for v in range(400)], dtype=object))
    estimate = alone.estimated_gains(ACT)
    for video in range(0, 400, 40):
        assert estimate[video] == pytest.approx(alone.gain(Attack(video, 1, ACT)), rel=0.05, abs=1e-4 * 1e9)


def capped(market: Market, cap: float) -> Market:
    """The same day with this cap on every creator's earnings from each pool."""

    def with_cap(one: MarketPool) -> MarketPool:
        pool = one.pool
        return replace(one, pool=replace(pool, creators=pool_creators(pool.creator, np.full(pool.creator.size, cap))))

    return replace(market, pools={name: with_cap(one) for name, one in market.pools.items()})


@pytest.mark.parametrize("seed", range(4))
def test_attacks_raise_no_creator_above_the_cap_and_a_capped_one_gains_nothing(seed: int) -> None:
    market = capped(random_market(seed), 170e6)
    of_capped = 0
    for video in range(30):
        earned, gain = market.earned(video), market.gain(Attack(video, 40, ACT))
        pools = market.pools_of(video)
        most = 0.0
        for name in pools:
            pool = market.pools[name].pool
            most += float(pool.creators.cap[pool.creators.label == market.creator[video]][0])
        assert earned + gain <= most * (1 + 1e-12)
        if earned >= most * (1 - 1e-12):
            assert gain == pytest.approx(0, abs=1)
            assert market.estimated_gains(ACT)[video] == pytest.approx(0, abs=1)
            of_capped += 1
    assert of_capped > 0


def test_typical_videos_are_the_best_of_a_small_and_the_largest_creator() -> None:
    market = random_market(4)
    for name, market_pool in market.pools.items():
        m = market.effective_impressions[market_pool.videos]
        total: dict[str, float] = {}
        for creator, own in zip(market.creator[market_pool.videos], m, strict=True):
            total[creator] = total.get(creator, 0.0) + own
        ranked = sorted((size, creator) for creator, size in total.items() if size > 0)
        videos = market.typical_videos(name, 0.0)
        for target, (_, creator) in (("small", ranked[0]), ("large", ranked[-1])):
            assert market.creator[videos[target]] == creator
            own = [market.effective_impressions[v] for v in market_pool.videos if market.creator[v] == creator]
            assert market.effective_impressions[videos[target]] == max(own)


def test_gains_under_other_rules_have_the_bounds_of_the_paper() -> None:
    market = random_market(8)
    viewing = viewing_of(market, 8)
    for video in range(0, 30, 5):
        for fakes in (1, 20):
            replay = Attack(video, fakes, fake_viewer("unverified", "replay", 50))
            gains = gains_under_other_rules(market, viewing, replay, 0.5)
            bound = {"scaled_user": 0.0, "user_centric": 0.0}
            for name in market.pools_of(video):
                viewers = int(viewing[name].viewers()[1].sum())
                bound["scaled_user"] += 1e9 * fakes / (0.5 * (viewers + fakes))
                bound["user_centric"] += 1e9 * fakes / (viewers + fakes)
            assert gains["equal"] == 0
            assert gains["pro_rata"] > 0
            assert all(gains[rule] <= most * (1 + 1e-9) for rule, most in bound.items())


def test_pro_rata_gain_by_hand() -> None:
    market = random_market(8)
    viewing = viewing_of(market, 8)
    video = next(v for v in range(30) if market.pools_of(v) == ["music"])
    market_pool = market.pools["music"]
    views = np.bincount(viewing["music"].video, viewing["music"].views, market_pool.videos.size)
    own = market.creator[market_pool.videos] == market.creator[video]
    gain = gains_under_other_rules(market, viewing, Attack(video, 7, ACT), 0.5)["pro_rata"]

    assert gain == pytest.approx(1e9 * ((views[own].sum() + 7) / (views.sum() + 7) - views[own].sum() / views.sum()))


def test_audit_covers_every_attack_and_counts_marginals_and_costs() -> None:
    market = random_market(5)
    targets = {name: market.typical_videos(name, 0.1) for name in CATEGORIES}
    findings = list(audit_targets(market, targets, PLAN, AS_CONFIGURED, PLAN.fake_viewers()))

    assert len(findings) == len(CATEGORIES) * 2 * 2 * len(BEHAVIOURS) * 2
    for finding in findings:
        attack = finding.attack
        assert finding.cost == attack.fakes * PLAN.costs[attack.fake.tier]
        assert finding.profit == finding.gain - finding.cost
        more = replace(attack, fakes=attack.fakes + 1)
        assert finding.gain + finding.marginal == pytest.approx(market.gain(more), rel=1e-9)
    rivals = list(audit_rivals(market, viewing_of(market, 5), targets, PLAN, 0.5))
    assert {finding.rule for finding in rivals} == {"pro_rata", "user_centric", "scaled_user", "equal"}
    assert len(rivals) == 4 * len(findings)


def test_most_exploitable_videos_are_sorted_by_gain() -> None:
    market = random_market(7)
    for name in CATEGORIES:
        own = [f for f in most_exploitable(market, PLAN, AS_CONFIGURED) if f.category == name]
        assert [finding.rank for finding in own] == [1, 2, 3, 4]
        assert all(one.profit >= other.profit for one, other in itertools.pairwise(own))
        assert all(index_in_pool(market.pools[name], finding.attack.video) is not None for finding in own)
    assert not list(most_exploitable(market, replace(PLAN, most_exploitable=0), AS_CONFIGURED))
