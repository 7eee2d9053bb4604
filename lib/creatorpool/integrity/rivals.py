"""What the same attack earns under other rules: they look at views alone, not at quality."""

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
    """Micros that an attack earns the video's creator by each of the other rules, in the pools that the video shares.

    Parameters
    ----------
    viewing : mapping
        Who watched what in each pool, by category.
    creators_share : float
        As `creatorpool.comparison.rules.scaled_user` takes it.
    """
    gains: dict[str, float] = {}
    for category, place in market.places_of(attack.video).items():
        contest = market.contests[category]
        own = market.creator[contest.videos] == market.creator[attack.video]
        before = _shares(viewing[category], own.size, creators_share)
        attacked = viewing[category].with_viewers(place, attack.fakes, attack.fake.views_each)
        after = _shares(attacked, own.size, creators_share)
        for rule, shares in after.items():
            gain = (math.fsum(shares[own]) - math.fsum(before[rule][own])) * contest.pool.money
            gains[rule] = gains.get(rule, 0.0) + gain
    return gains


def _shares(viewing: Viewing, videos: int, creators_share: float) -> dict[str, Floats]:
    return other_shares(viewing.views_by_video(videos), viewing, creators_share)
