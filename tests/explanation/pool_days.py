"""Small generated pools on two days, paid as a night pays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from tests.allocation.filled_pools import filled

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import pool_creators
from creatorpool.allocation.split import PoolTerms, split_pool
from creatorpool.explanation.decomposition import DayPolicy, PoolState
from creatorpool.explanation.pool_money import PoolMoney
from creatorpool.explanation.pricing import PaidVideos, published_price, published_state
from creatorpool.quality.geometric import geometric_quality
from creatorpool.quality_components import COMPONENT_NAMES

EXPONENTS = dict(zip(COMPONENT_NAMES, (0.35, 0.25, 0.15, 0.10, 0.15), strict=True))


@dataclass(frozen=True)
class PoolDay:
    """The inputs of one pool on one day."""

    money: int
    views: np.ndarray  # (n,)
    components: np.ndarray  # (n, 5)
    floor: int = 0
    cap: float = np.inf
    creator: np.ndarray | None = None  # (n,) ids; by default each video has its own creator
    creator_caps: Mapping[str, int] = field(default_factory=dict)  # micros, by id; other creators have no cap

    def paid(self, policy: DayPolicy) -> PaidVideos:
        """The pool as published under `policy`."""
        quality = geometric_quality(self.components, list(policy.exponents.values()), np.ones(self.views.size, bool))
        m = self.views * quality
        creator = np.array([f"c{v}" for v in range(m.size)]) if self.creator is None else self.creator
        cap = None if np.isinf(self.cap) else int(self.cap)
        terms = PoolTerms("music", self.money, self.floor, cap, policy.split)
        of_creators = None
        if self.creator_caps:
            of_creators = pool_creators(creator, np.array([self.creator_caps.get(one, np.nan) for one in creator]))
        rows = filled(split_pool(terms, m, of_creators)[0], m, creator)
        floor, caps = terms.bounds(m)
        components = dict(zip(policy.exponents, self.components.T, strict=True))
        return PaidVideos(
            effective_impressions=m,
            floor=floor.astype(float),
            cap=caps,
            payout=rows["payout_micros"].astype(float),
            bound=rows["bound"],
            creator=creator,
            views=self.views.astype(float),
            components=components,
        )

    def state(self, policy: DayPolicy):
        """The pool's `PoolState` and its micros."""
        videos = self.paid(policy)
        return published_state(published_price(videos, self.money, policy), videos), videos.payout.astype(np.int64)


def half_of(money: float) -> PoolMoney:
    """A pool of `money` micros, half of what advertisers paid."""
    return PoolMoney(2 * round(money), 0.5, round(money))


def halves(before: PoolState, after: PoolState) -> tuple[PoolMoney, PoolMoney]:
    """The same of two days' pools."""
    return half_of(before.money), half_of(after.money)


policies = st.builds(
    DayPolicy,
    split=st.builds(
        SplitPolicy,
        objective=st.sampled_from(["linear", "log"]),
        alpha=st.sampled_from([0.3, 0.5, 1.0]),
        lambda_eff=st.sampled_from([0.0, 0.3, 0.999, 1.0]),
    ),
    exponents=st.just(EXPONENTS),
)


@st.composite
def pool_days(draw, n: int, *, bounded: bool = True, zeros: bool = True) -> PoolDay:
    """A feasible pool of n videos; ties and qualities of 0 are likely."""
    share = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]) if zeros else st.floats(0.01, 1.0)
    views = np.array(draw(st.lists(st.sampled_from([1, 2, 10, 1000]), min_size=n, max_size=n)))
    components = np.array(draw(st.lists(st.lists(share, min_size=5, max_size=5), min_size=n, max_size=n)))
    components[0] = np.maximum(components[0], 0.1)  # at least one video can be paid
    rated = int(np.count_nonzero(components.min(axis=1) > 0))
    money = draw(st.integers(1_000, 10**9))
    if not bounded:
        return PoolDay(money, views, components)
    floor = draw(st.sampled_from([0, money // (2 * n)]))
    cap = draw(st.sampled_from([np.inf, float(money // rated + 1), 1.5 * money // rated + 1]))
    return PoolDay(money, views, components, floor, cap)


@st.composite
def capped_days(draw, n: int, *, zeros: bool = True) -> PoolDay:
    """A feasible pool of n videos with capped creators, sometimes with a floor and a cap per video."""
    day = draw(pool_days(n, bounded=False, zeros=zeros))
    creator = np.array(draw(st.lists(st.sampled_from(["ann", "bob", "cleo"]), min_size=n, max_size=n)))
    floor = draw(st.sampled_from([0, day.money // (4 * n)]))
    shares = {name: draw(st.sampled_from([0.0, 0.0001, 0.1, 0.3])) for name in ("ann", "bob")}
    caps = {name: floor * int(np.sum(creator == name)) + int(share * day.money) for name, share in shares.items()}
    cap = draw(st.sampled_from([np.inf, float(day.money // 2), float(day.money)]))
    rated = day.components.min(axis=1) > 0
    most = 0.0
    for name in set(creator):
        own = creator == name
        most += min(
            caps.get(name, np.inf),
            cap * np.sum(own & rated) + floor * np.sum(own & ~rated) if np.any(own & rated) else floor * np.sum(own),
        )
    money = int(min(day.money, most))  # the money that the caps allow
    assume(money >= n * floor)
    return PoolDay(money, day.views, day.components, floor, cap, creator, caps)
