"""Small pools on two days, made up and paid as the night pays them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from creatorpool.allocation import allocate
from creatorpool.explanation.decomposition import Policy
from creatorpool.explanation.pricing import PaidVideos, published_price, published_state
from creatorpool.money import round_to_total
from creatorpool.quality.geometric import geometric_quality

EXPONENTS = {
    "watch_completion": 0.35,
    "engagement_rate": 0.25,
    "engagement_diversity": 0.15,
    "rewatch": 0.1,
    "safety": 0.15,
}


@dataclass(frozen=True)
class PoolDay:
    """One pool on one day: what it was given."""

    money: int
    views: np.ndarray  # (n,)
    components: np.ndarray  # (n, 5)
    floor: int = 0
    cap: float = np.inf

    def paid(self, policy: Policy, held: np.ndarray | None = None) -> PaidVideos:
        """The pool as published under `policy`; the payouts of `held` videos are called capped by their creators."""
        quality = geometric_quality(self.components, list(policy.exponents.values()), np.ones(self.views.size, bool))
        m = self.views * quality
        floor = np.full(m.size, float(self.floor))
        cap = np.where(m > 0, self.cap, floor)
        dial = {"alpha": policy.alpha, "lambda_eff": policy.lambda_eff, "objective": policy.objective}
        split = allocate(m, self.money, floor=floor, cap=cap, **dial)
        bound = split.bound.astype("<U11")
        if held is not None:
            bound[held] = "creator_cap"
        micros = round_to_total(split.payout, self.money, lower=floor, upper=cap)
        components = dict(zip(policy.exponents, self.components.T, strict=True))
        return PaidVideos(m, floor, cap, micros.astype(float), bound, self.views.astype(float), components)

    def state(self, policy: Policy):
        """The pool's `PoolState` and its micros."""
        videos = self.paid(policy)
        return published_state(published_price(videos, self.money, policy), videos), videos.payout.astype(np.int64)


policies = st.builds(
    Policy,
    objective=st.sampled_from(["linear", "log"]),
    alpha=st.sampled_from([0.3, 0.5, 1.0]),
    lambda_eff=st.sampled_from([0.0, 0.3, 0.999, 1.0]),
    exponents=st.just(EXPONENTS),
)


@st.composite
def pool_days(draw, n: int, *, bounded: bool = True, zeros: bool = True) -> PoolDay:
    """A feasible pool of n videos; ties and qualities of 0 are likely."""
    share = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]) if zeros else st.floats(0.01, 1.0)
    views = np.array(draw(st.lists(st.sampled_from([1, 2, 10, 1000]), min_size=n, max_size=n)))
    components = np.array(draw(st.lists(st.lists(share, min_size=5, max_size=5), min_size=n, max_size=n)))
    components[0] = np.maximum(components[0], 0.1)  # somebody must be payable
    rated = int(np.count_nonzero(components.min(axis=1) > 0))
    money = draw(st.integers(1_000, 10**9))
    if not bounded:
        return PoolDay(money, views, components)
    floor = draw(st.sampled_from([0, money // (2 * n)]))
    cap = draw(st.sampled_from([np.inf, float(money // rated + 1), 1.5 * money // rated + 1]))
    return PoolDay(money, views, components, floor, cap)
