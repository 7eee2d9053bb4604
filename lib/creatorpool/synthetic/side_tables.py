"""Viewers, videos, revenue and entrants of a synthetic market, as Arrow tables in the native layout."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from creatorpool.synthetic.event_rows import THRESHOLD_K, WINDOW_N, day_start
from creatorpool.synthetic.market import SyntheticMarket
from creatorpool.synthetic.population import REGIONS, Floats, Ints, Population

CURRENCY = "USD"
_PULSE_REVENUE_FACTOR = 3.0
_TIMES = pa.timestamp("us", "UTC")


def viewers_table(population: Population) -> pa.Table:
    """Rows of the viewers file."""
    viewers = population.viewers
    return pa.table(
        {
            "viewer_id": viewers.ids,
            "trust_tier": pa.array(["unverified", "verified"]).take(pa.array(viewers.is_verified.astype(np.int8))),
            "region": pa.array(REGIONS).take(pa.array(viewers.region)),
            "valid_from": _from_seconds(viewers.since),
        }
    )


def videos_table(market: SyntheticMarket, population: Population) -> pa.Table:
    """Rows of the videos file."""
    videos = population.videos
    return pa.table(
        {
            "video_id": videos.ids,
            "creator_id": population.creator_ids.take(pa.array(videos.creator)),
            "length_ms": pa.array(videos.length_ms),
            "categories": _category_lists(market, videos.category, videos.second_category),
            "published_at": _from_seconds(videos.published),
            "is_compliant": pa.array(videos.is_compliant),
            "s_pos": pa.array(videos.s_pos),
            "s_tox": pa.array(videos.s_tox),
            "is_pulse": pa.array(videos.is_pulse),
        }
    )


def revenue_table(market: SyntheticMarket, population: Population, day: date) -> pa.Table:
    """Rows of the ad_revenue file of `day`: one per category, and one per Pulse video."""
    videos = population.videos
    rates = np.array([market.revenue_micros_per_event[name] for name in market.categories], dtype=np.float64)
    pooled = _pooled_revenue(market, rates)
    pulse = np.flatnonzero(videos.is_pulse)
    beside = videos.popularity[pulse] * market.n_events * rates[videos.category[pulse]] * _PULSE_REVENUE_FACTOR
    names = pa.array(market.categories)
    n = len(rates) + len(pulse)
    return pa.table(
        {
            "date": pa.array([day] * n, pa.date32()),
            "category": pa.concat_arrays([names, names.take(pa.array(videos.category[pulse]))]),
            "placement": pa.array(["non_pulse"] * len(rates) + ["pulse"] * len(pulse)),
            "video_id": pa.concat_arrays([pa.nulls(len(rates), pa.string()), videos.ids.take(pa.array(pulse))]),
            "revenue_micros": pa.array(np.concatenate([pooled, beside]).astype(np.int64)),
            "currency": pa.array([CURRENCY] * n),
        }
    )


def entrants_table(market: SyntheticMarket, population: Population, day: date) -> pa.Table:
    """Rows of the entrants file: creators who enter on `day`, with a noisy proxy of their quality."""
    n = market.n_entrants
    rng = np.random.default_rng([market.seed, 3, day.toordinal()])
    quality = population.creator_quality[market.creators :]
    return pa.table(
        {
            "creator_id": population.creator_ids.slice(market.creators),
            "entered_at": pa.array(np.full(n, day_start(day))).cast(_TIMES),
            "segment": pa.array(market.categories).take(pa.array(population.videos.category[market.videos :])),
            "quality_proxy": pa.array(np.round(np.clip(quality + rng.normal(0, 0.1, n), 0, 1), 4)),
            "window_n": pa.array(np.full(n, WINDOW_N, dtype=np.int32)),
            "threshold_k": pa.array(np.full(n, THRESHOLD_K, dtype=np.int32)),
            "revenue_share": pa.array(np.full(n, 0.5)),
        }
    )


def _pooled_revenue(market: SyntheticMarket, rates: Floats) -> Floats:
    return rates * market.n_events / len(rates)


def _category_lists(market: SyntheticMarket, category: Ints, second: Ints) -> pa.Array:
    both = np.column_stack([category, second]).ravel()
    kept = both >= 0
    offsets = np.concatenate([[0], np.cumsum(kept.reshape(-1, 2).sum(axis=1))]).astype(np.int32)
    names = pa.array(market.categories).take(pa.array(both[kept]))
    return pa.ListArray.from_arrays(pa.array(offsets), names)


def _from_seconds(seconds: Ints) -> pa.Array:
    return pa.array(seconds * 1_000_000).cast(_TIMES)
