"""Small days to attack."""

from __future__ import annotations

from typing import Any

import numpy as np

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.pool import Pool
from creatorpool.integrity.attack import ScoreRules
from creatorpool.integrity.market import Contest, Market
from creatorpool.quality.geometric import engagement_diversity
from creatorpool.quality.smoothing import ACTION_RATES
from creatorpool.settings import load_settings

CATEGORIES = ("music", "news")
CHANCES = (0.2, 0.1, 0.1, 0.1)


def score_rules(*, is_smoothed: bool = False, tiers: dict[str, float] | None = None) -> ScoreRules:
    signals = load_settings().signals
    weights = signals.action_weights.model_dump()
    return ScoreRules(signals.exponents(), weights, tiers or signals.tiers, is_smoothed)


def contests_of(
    impressions: np.ndarray, creator: np.ndarray, members: dict[str, np.ndarray], policy: SplitPolicy, **bounds: Any
) -> dict[str, Contest]:
    """Each pool with a thousand units of money."""
    names = np.array([f"v{v:03}" for v in range(creator.size)], dtype=object)
    return {
        name: Contest(
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
    """Videos with few viewers, so that some lack one kind of action and score 0; a few share both pools."""
    rng = np.random.default_rng(seed)
    viewers = rng.integers(1, 40, videos)
    verified = rng.binomial(viewers, 0.6)
    rates = {name: rng.binomial(viewers, chance) / viewers for name, chance in zip(ACTION_RATES, CHANCES, strict=True)}
    rules = score_rules(is_smoothed=is_smoothed)
    engagement = sum(rules.action_weights[name.removesuffix("_rate")] * rate for name, rate in rates.items())
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
        "engagement_rate": np.minimum(1.0, engagement),
        "engagement_diversity": engagement_diversity(np.column_stack(list(rates.values()))),
        "is_compliant": np.ones(videos, dtype=bool),
        "category": np.array(CATEGORIES, dtype=object)[first],
    }
    creator = np.array([f"g{g}" for g in rng.integers(0, 8, videos)], dtype=object)
    impressions = rules.effective_impressions(columns, rules.priors(columns))
    members = {name: np.flatnonzero((first == place) | both) for place, name in enumerate(CATEGORIES)}
    contests = contests_of(impressions, creator, members, policy or SplitPolicy("linear", 0.5, 0.3))
    return Market(columns, creator, rules, contests)
