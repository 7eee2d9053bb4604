"""Small days for attacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from creatorpool.actions import ACTION_RATES
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.pool import Pool
from creatorpool.integrity.market import Market, MarketPool
from creatorpool.quality.engagement import engagement_components
from creatorpool.quality.formula import QualityFormula
from creatorpool.settings import load_settings

CATEGORIES = ("music", "news")


def quality_formula(*, is_smoothed: bool = False) -> QualityFormula:
    return QualityFormula.of(load_settings().signals, is_smoothed=is_smoothed)


def market_pools_of(
    impressions: np.ndarray, creator: np.ndarray, members: dict[str, np.ndarray], policy: SplitPolicy, **bounds: Any
) -> dict[str, MarketPool]:
    """Pools with a thousand units of money each."""
    names = np.array([f"v{v:03}" for v in range(creator.size)], dtype=object)
    return {
        name: MarketPool(
            Pool(
                category=name,
                money=1_000_000_000,
                video=names[videos],
                creator=creator[videos],
                effective_impressions=impressions[videos],
                floor=bounds.get("floor", 0),
                cap=bounds.get("cap"),
            ),
            policy,
            videos,
        )
        for name, videos in members.items()
    }


def random_market(
    seed: int, videos: int = 30, policy: SplitPolicy | None = None, *, is_smoothed: bool = False
) -> Market:
    """Videos with few viewers, so that some lack a kind of action and have quality 0; a few are in both pools."""
    rng = np.random.default_rng(seed)
    viewers = rng.integers(1, 40, videos)
    verified = rng.binomial(viewers, 0.6)
    rates = {name: rng.binomial(viewers, 0.2 if name == "like_rate" else 0.1) / viewers for name in ACTION_RATES}
    formula = quality_formula(is_smoothed=is_smoothed)
    both = rng.random(videos) < 0.2
    first = rng.integers(0, 2, videos)
    columns = {
        "views": viewers + rng.integers(0, 10, videos),
        "viewers": viewers,
        "trust_weight": 1.0 * verified + 0.8 * (viewers - verified),
        "watch_completion": rng.uniform(0.1, 0.9, videos),
        "rewatch": rng.binomial(viewers, 0.3) / viewers,
        "safety": rng.uniform(0.3, 1.0, videos),
        **rates,
        **engagement_components(rates, formula.action_weights),
        "is_compliant": np.ones(videos, dtype=bool),
        "category": np.array(CATEGORIES, dtype=object)[first],
    }
    creator = np.array([f"g{g}" for g in rng.integers(0, 8, videos)], dtype=object)
    impressions = formula.effective_impressions(columns, formula.priors(columns))
    members = {name: np.flatnonzero((first == place) | both) for place, name in enumerate(CATEGORIES)}
    pools = market_pools_of(impressions, creator, members, policy or SplitPolicy("linear", 0.5, 0.3))
    return Market(columns, creator, formula, pools)
