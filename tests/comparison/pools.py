"""Small pools to compare splits of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from creatorpool.allocation.pool_creators import pool_creators
from creatorpool.comparison.pool import Pool


def random_pool(seed: int, videos: int = 12, *, floor: int = 0, cap: int | None = None, unrated: float = 0.2) -> Pool:
    """A pool of a thousand units of money with videos of very different sizes, some with quality 0."""
    rng = np.random.default_rng(seed)
    impressions = np.exp(rng.normal(0, 1.5, videos)) * 100 * (rng.random(videos) >= unrated)
    impressions[0] = max(impressions[0], 1.0)
    return Pool(
        category="music",
        money=1_000_000_000,
        video=np.array([f"v{v:03}" for v in range(videos)], dtype=object),
        creator=np.array([f"g{g}" for g in rng.integers(0, max(2, videos // 3), videos)], dtype=object),
        effective_impressions=impressions,
        floor=floor,
        cap=cap,
    )


def capped_pool(seed: int, share: float, **options: int) -> Pool:
    """The same pool with a cap of `share` of the money on every creator except the first."""
    pool = random_pool(seed, videos=24, **options)
    cap = np.where(pool.creator == pool.creator.min(), np.nan, share * pool.money)
    return replace(pool, creators=pool_creators(pool.creator, cap))
