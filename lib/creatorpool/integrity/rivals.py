"""The gain of an attack under other rules, which use views and not quality."""

from __future__ import annotations

import math
from collections.abc import Mapping

from creatorpool.comparison.compare import other_shares
from creatorpool.comparison.rules import Viewing
from creatorpool.integrity.market import Attack, Market
from creatorpool.numerics.types import Floats


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
        before = _shares(viewing[category], own.size, creators_share)
        attacked = viewing[category].with_viewers(index, attack.fakes, attack.fake.views_each)
        after = _shares(attacked, own.size, creators_share)
        for rule, shares in after.items():
            gain = (math.fsum(shares[own]) - math.fsum(before[rule][own])) * market_pool.pool.money
            gains[rule] = gains.get(rule, 0.0) + gain
    return gains


def _shares(viewing: Viewing, videos: int, creators_share: float) -> dict[str, Floats]:
    return other_shares(viewing.views_by_video(videos), viewing, creators_share)
