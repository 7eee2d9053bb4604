"""Viewers, creators and videos of a synthetic market, drawn from its seed and the same on all days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creatorpool.synthetic.market import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

REGIONS = ("west", "mid", "east")
TOXIC, EDUCATIONAL = 0, 1
"""Positions of the two videos with fixed ids."""

_ZIPF_EXPONENT, _ZIPF_SHIFT = 1.05, 8.0
_TOXIC_VIEW_SHARE = 0.015
_EDUCATIONAL_VIEWS = 400
_BOOSTED_SHARE = 0.02
_PUBLISHED_FROM = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
_YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True)
class Viewers:
    """(n,) arrays. A bot is a liker (many likes, short views) or a looper (complete views, no actions)."""

    ids: pa.Array
    is_verified: Bools
    region: Ints
    is_liker: Bools
    is_looper: Bools
    since: Ints


@dataclass(frozen=True)
class Videos:
    """(n,) arrays; `second_category` is -1 if there is none, and `popularity` sums to 1."""

    ids: pa.Array
    creator: Ints
    quality: Floats
    length_ms: Ints
    category: Ints
    second_category: Ints
    published: Ints
    is_compliant: Bools
    s_pos: Floats
    s_tox: Floats
    is_pulse: Bools
    popularity: Floats
    is_boosted: Bools


@dataclass(frozen=True)
class Population:
    """The market's viewers, videos and creators. The last `n_entrants` videos and creators are those of entrants."""

    viewers: Viewers
    videos: Videos
    creator_ids: pa.Array
    creator_quality: Floats


def draw_population(market: SyntheticMarket) -> Population:
    """Draw the market's population; it depends on the market only, not on a day."""
    rng = np.random.default_rng([market.seed, 0])
    creators = market.creators + market.n_entrants
    # Most creators have middle qualities; the first two made the two videos with fixed ids.
    quality = rng.beta(2.0, 2.2, creators)
    quality[:2] = 0.12, 0.96
    return Population(
        viewers=_draw_viewers(market, rng),
        videos=_draw_videos(market, quality, rng),
        creator_ids=_creator_ids(market),
        creator_quality=quality,
    )


def numbered(prefix: str, numbers: NDArray[np.integer], digits: int) -> list[str]:
    """Ids such as ``viewer-000017``: `prefix` and each number with `digits` digits."""
    return [f"{prefix}{number:0{digits}d}" for number in numbers.tolist()]


def _draw_viewers(market: SyntheticMarket, rng: np.random.Generator) -> Viewers:
    n = market.viewers
    is_bot = rng.random(n) < market.bot_share
    is_liker = is_bot & (rng.random(n) < 0.5)
    return Viewers(
        ids=pa.array(numbered("viewer-", np.arange(n), 7)),
        is_verified=~is_bot & (rng.random(n) < market.verified_share),
        region=rng.integers(0, len(REGIONS), n),
        is_liker=is_liker,
        is_looper=is_bot & ~is_liker,
        since=_PUBLISHED_FROM + rng.integers(0, _YEAR_SECONDS, n),
    )


def _draw_videos(market: SyntheticMarket, creator_quality: Floats, rng: np.random.Generator) -> Videos:
    n = market.videos + market.n_entrants
    creator = rng.integers(2, market.creators, n)
    creator[:2] = 0, 1
    creator[market.videos :] = np.arange(market.creators, market.creators + market.n_entrants)
    quality = np.clip(creator_quality[creator] + rng.normal(0, 0.08, n), 0.01, 0.99)
    quality[:2] = creator_quality[:2]
    popularity = _popularity(market, n, rng)
    # The positive score falls a little with toxicity; most videos are safe at any quality.
    s_tox = _share(rng.beta(1.2, 9.0, n))
    s_pos = _share(1 - 0.5 * s_tox - rng.beta(1.5, 12.0, n))
    s_tox[:2], s_pos[:2] = (0.9, 0.02), (0.55, 0.98)
    is_pulse = popularity >= np.quantile(popularity, 1 - market.pulse_share)
    is_compliant = rng.random(n) >= market.noncompliant_share
    is_pulse[:2], is_compliant[:2] = False, True
    category, second = _draw_categories(market, n, rng)
    return Videos(
        ids=pa.array([TOXIC_VIDEO, EDUCATIONAL_VIDEO, *_video_ids(market)]),
        creator=creator,
        quality=quality,
        length_ms=_draw_lengths(n, rng),
        category=category,
        second_category=second,
        published=_PUBLISHED_FROM + rng.integers(0, _YEAR_SECONDS, n),
        is_compliant=is_compliant,
        s_pos=s_pos,
        s_tox=s_tox,
        is_pulse=is_pulse,
        popularity=popularity,
        is_boosted=_draw_boosted(market, n, rng),
    )


def _share(values: Floats) -> Floats:
    return np.asarray(np.round(np.clip(values, 0, 1), 4), dtype=np.float64)


def _popularity(market: SyntheticMarket, n: int, rng: np.random.Generator) -> Floats:
    """Shifted Zipf weights in random order; the toxic video gets a large share, the educational one a small share."""
    weight: Floats = np.power(rng.permutation(n) + _ZIPF_SHIFT, -_ZIPF_EXPONENT)
    weight[market.videos :] = 0.0  # entrants' videos get only their test impressions
    fixed = np.array([_TOXIC_VIEW_SHARE, min(0.01, _EDUCATIONAL_VIEWS / market.n_events)])
    weight[:2] = 0.0
    weight *= (1 - fixed.sum()) / weight.sum()
    weight[:2] = fixed
    return weight


def _draw_categories(market: SyntheticMarket, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    count = len(market.categories)
    category = rng.integers(0, count, n)
    other = (category + rng.integers(1, count, n)) % count
    second = np.where(rng.random(n) < market.two_category_share, other, -1)
    # The two videos with fixed ids get fitting categories, if the market has them.
    for position, name in ((TOXIC, "news"), (EDUCATIONAL, "education")):
        if name in market.categories:
            category[position], second[position] = market.categories.index(name), -1
    return category, second


def _draw_lengths(n: int, rng: np.random.Generator) -> Ints:
    length = np.clip(np.exp(rng.normal(10.2, 0.6, n)), 5_000, 180_000).astype(np.int64)
    length[:2] = 21_000, 58_000
    return length


def _draw_boosted(market: SyntheticMarket, n: int, rng: np.random.Generator) -> Bools:
    """(n,) whether the video's creator pays for bots."""
    boosted = rng.random(n) < _BOOSTED_SHARE
    boosted[2] = True  # at least one
    boosted[:2] = False
    boosted[market.videos :] = False
    return boosted


def _video_ids(market: SyntheticMarket) -> list[str]:
    ordinary = numbered("video-", np.arange(2, market.videos), 6)
    return ordinary + numbered("video-entrant-", np.arange(market.n_entrants), 5)


def _creator_ids(market: SyntheticMarket) -> pa.Array:
    ordinary = numbered("creator-", np.arange(2, market.creators), 6)
    entrants = numbered("creator-entrant-", np.arange(market.n_entrants), 5)
    return pa.array(["creator-outrage", "creator-teacher", *ordinary, *entrants])
