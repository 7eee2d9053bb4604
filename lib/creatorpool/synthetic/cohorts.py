"""Entrants with known truth over several days: qualities, tests, bars, and impressions after the test.

A success is a complete view with a like; a failure is a view of a third of the video without any action. Every sensible
success rule therefore finds the same outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creatorpool.actions import ACTION_FLAGS
from creatorpool.errors import InputError
from creatorpool.synthetic.event_rows import DAY_MICROS, EVENT_SCHEMA, day_start
from creatorpool.synthetic.population import Bools, Floats, Ints

LENGTH_MS = 30_000
_VIEWERS = 500
_TIMES = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class CohortSegment:
    """Entrants of one segment, and their terms."""

    name: str
    entrants: int
    quality: tuple[float, float] = (8.0, 12.0)
    """Beta parameters of the true quality, the success probability of an impression"""
    proxy_noise: float = 0.0
    """standard deviation of the proxy around the quality"""
    window_n: int = 20
    threshold_k: int = 8
    revenue_share: float = 0.5
    views_after_pass: float = 3.0
    """impressions per day after a passed test"""
    views_after_fail: float = 1.0
    """impressions per day after a failed test"""


@dataclass(frozen=True)
class CohortMarket:
    """Parameters that determine every byte of the days from `first_day` on.

    Raises
    ------
    InputError
        If there is no segment, a segment has no entrant, or entry_days is out of range.
    """

    segments: tuple[CohortSegment, ...]
    first_day: date
    entry_days: int
    """days from `first_day` over which entrants enter, uniformly"""
    days: int
    """days with events from `first_day`"""
    slot_hours: float = 1.0
    """hours between test impressions"""
    propensity_share: float = 1.0
    """share of the impressions after the test whose propensity is logged"""
    seed: int = 11

    def __post_init__(self) -> None:
        if not self.segments or min(segment.entrants for segment in self.segments) < 1:
            raise InputError("segments must hold at least one segment, and each segment at least one entrant")
        if not 1 <= self.entry_days <= self.days:
            raise InputError(f"entry_days must lie in 1 … {self.days}, got {self.entry_days}")


@dataclass(frozen=True)
class Cohorts:
    """All entrants with their true values, (m,) arrays in the order of `creator_id`, and their events."""

    market: CohortMarket
    creator_id: pa.Array
    segment: Ints
    """position of each entrant's segment"""
    quality: Floats
    proxy: Floats
    entered: Ints
    """microseconds of Unix time"""
    successes: Ints
    events: pa.Table
    """columns of the events file and `date`, in order of time"""

    @property
    def passed(self) -> Bools:
        """(m,) whether each entrant reached the bar."""
        bars = np.array([segment.threshold_k for segment in self.market.segments])
        return np.asarray(self.successes >= bars[self.segment])

    def expected_after(self, segment: int, passed: bool, delta: float, horizon_days: int) -> float:
        """Expected exposure after the test, discounted by `delta` per day, up to `horizon_days` after entry."""
        terms = self.market.segments[segment]
        rate = terms.views_after_pass if passed else terms.views_after_fail
        end = self.market.slot_hours * (terms.window_n - 1) / 24.0
        periods = np.arange(horizon_days)
        lasting = np.clip(periods + 1.0 - np.maximum(periods, end), 0.0, 1.0)
        return float(rate * (lasting * delta**periods).sum())


def draw_cohorts(market: CohortMarket) -> Cohorts:
    """Draw all entrants and events of `market`; equal markets give equal cohorts."""
    rng = np.random.default_rng([market.seed, 7])
    sizes = [segment.entrants for segment in market.segments]
    segment = np.repeat(np.arange(len(sizes)), sizes)
    total = segment.size
    laws = np.array([terms.quality for terms in market.segments])[segment]
    quality = rng.beta(laws[:, 0], laws[:, 1])
    noise = np.array([terms.proxy_noise for terms in market.segments])[segment]
    proxy: Floats = np.clip(rng.normal(quality, noise), 0.0, 1.0).round(6)
    entered = day_start(market.first_day) + rng.integers(0, market.entry_days * DAY_MICROS, total)
    window = np.array([terms.window_n for terms in market.segments])[segment]
    slots = _Views.of_test(market, quality, entered, window, rng)
    successes = np.bincount(slots.entrant, weights=slots.is_success, minlength=total).astype(np.int64)
    bars = np.array([terms.threshold_k for terms in market.segments])[segment]
    after = _Views.after_test(market, segment, successes >= bars, quality, slots, rng)
    ids = pa.array([f"creator-new-{number:07d}" for number in range(total)])
    events = _event_rows(market, slots.joined(after), rng)
    return Cohorts(market, ids, segment, quality, proxy, entered, successes, events)


@dataclass(frozen=True)
class _Views:
    """(v,) arrays, one entry per view of an entrant's video; `slot` is 0 outside the test."""

    entrant: Ints
    micros: Ints
    slot: Ints
    is_success: Bools

    @staticmethod
    def of_test(market: CohortMarket, quality: Floats, entered: Ints, window: Ints, rng: np.random.Generator) -> _Views:
        entrant = np.repeat(np.arange(entered.size), window)
        slot = np.arange(entrant.size) - np.repeat(np.cumsum(window) - window, window) + 1
        micros = entered[entrant] + ((slot - 1) * market.slot_hours / 24.0 * DAY_MICROS).astype(np.int64)
        return _Views(entrant, micros, slot, rng.random(entrant.size) < quality[entrant])

    @staticmethod
    def after_test(
        market: CohortMarket,
        segment: Ints,
        passed: Bools,
        quality: Floats,
        slots: _Views,
        rng: np.random.Generator,
    ) -> _Views:
        """Views at a constant rate from the last slot to the end of the last day."""
        rates = np.array([(terms.views_after_fail, terms.views_after_pass) for terms in market.segments])
        finish = np.zeros(quality.size, dtype=np.int64)
        np.maximum.at(finish, slots.entrant, slots.micros)
        span = np.maximum(day_start(market.first_day) + market.days * DAY_MICROS - finish, 0)
        count = rng.poisson(rates[segment, passed.astype(np.int64)] * span / DAY_MICROS)
        entrant = np.repeat(np.arange(quality.size), count)
        micros = finish[entrant] + 1 + (rng.random(entrant.size) * (span[entrant] - 1)).astype(np.int64)
        return _Views(entrant, micros, np.zeros_like(entrant), rng.random(entrant.size) < quality[entrant])

    def joined(self, other: _Views) -> _Views:
        names = ("entrant", "micros", "slot", "is_success")
        return _Views(*(np.concatenate([getattr(part, name) for part in (self, other)]) for name in names))


def _event_rows(market: CohortMarket, views: _Views, rng: np.random.Generator) -> pa.Table:
    """Views within the market's days as rows in order of time, with their `date`."""
    end = day_start(market.first_day) + market.days * DAY_MICROS
    order = np.argsort(views.micros, kind="stable")
    order = order[views.micros[order] < end]
    size, success = order.size, views.is_success[order]
    numbers = pc.utf8_lpad(pa.array(np.arange(size)).cast(pa.string()), 10, "0")
    owner = pc.utf8_lpad(pa.array(views.entrant[order]).cast(pa.string()), 7, "0")
    viewer = pc.utf8_lpad(pa.array(rng.integers(0, _VIEWERS, size)).cast(pa.string()), 5, "0")
    slot = views.slot[order].astype(np.int32)
    is_logged = (slot == 0) & (rng.random(size) < market.propensity_share)
    micros = pa.array(views.micros[order]).cast(_TIMES)
    nothing = pa.array(np.zeros(size, dtype=np.bool_))
    columns = {
        "event_id": pc.binary_join_element_wise("event-new-", numbers, ""),
        "viewer_id": pc.binary_join_element_wise("viewer-", viewer, ""),
        "video_id": pc.binary_join_element_wise("video-new-", owner, ""),
        "event_ts": micros,
        "watch_ms": pa.array(np.where(success, LENGTH_MS, LENGTH_MS // 3)),
        "loop_count": pa.array(success.astype(np.int32)),
        **dict.fromkeys(ACTION_FLAGS, nothing),
        "liked": pa.array(success),
        "surface": pa.array(["feed"] * size),
        "test_slot": pa.array(slot, mask=slot == 0),
        "propensity": pa.array(np.round(rng.uniform(0.02, 0.3, size), 4), mask=~is_logged),
    }
    return pa.table(columns, schema=EVENT_SCHEMA).append_column("date", pc.cast(micros, pa.date32()))


def entrants_rows(cohorts: Cohorts) -> pa.Table:
    """Rows of the entrants file."""
    terms = [cohorts.market.segments[position] for position in cohorts.segment.tolist()]
    return pa.table(
        {
            "creator_id": cohorts.creator_id,
            "entered_at": pa.array(cohorts.entered).cast(_TIMES),
            "segment": pa.array([each.name for each in terms]),
            "quality_proxy": pa.array(cohorts.proxy),
            "window_n": pa.array([each.window_n for each in terms], pa.int32()),
            "threshold_k": pa.array([each.threshold_k for each in terms], pa.int32()),
            "revenue_share": pa.array([each.revenue_share for each in terms]),
        }
    )


def video_rows(cohorts: Cohorts) -> pa.Table:
    """Rows of the videos file: one video per entrant."""
    total = len(cohorts.creator_id)
    return pa.table(
        {
            "video_id": pc.replace_substring(cohorts.creator_id, "creator-", "video-"),
            "creator_id": cohorts.creator_id,
            "length_ms": pa.array(np.full(total, LENGTH_MS)),
            "categories": pa.array([["comedy"]] * total),
            "published_at": pa.array(cohorts.entered).cast(_TIMES),
            "is_compliant": pa.array([True] * total),
            "s_pos": pa.array(np.full(total, 0.9)),
            "s_tox": pa.array(np.full(total, 0.05)),
            "is_pulse": pa.array([False] * total),
        }
    )


def write_cohort_days(folder: Path, market: CohortMarket) -> Cohorts:
    """Write each day of `market` to `folder`/<day> in the native layout, ready for ingestion; return the truth."""
    cohorts = draw_cohorts(market)
    for number in range(market.days):
        day = market.first_day + timedelta(days=number)
        for name, rows in _day_tables(cohorts, day):
            path = folder / day.isoformat() / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, path, compression="zstd")
    return cohorts


def _day_tables(cohorts: Cohorts, day: date) -> Iterator[tuple[str, pa.Table]]:
    """Tables delivered on `day`; dimensions hold all entrants on every day, as if all had entered."""
    is_of_day = pc.equal(cohorts.events["date"], pa.scalar(day, pa.date32()))
    viewers = [f"viewer-{number:05d}" for number in range(_VIEWERS)]
    since = pa.array([day_start(cohorts.market.first_day)] * _VIEWERS).cast(_TIMES)
    yield "events", cohorts.events.filter(is_of_day).drop_columns(["date"])
    yield "videos", video_rows(cohorts)
    yield "entrants", entrants_rows(cohorts)
    tiers = pa.array(["verified"] * _VIEWERS)
    regions = pa.array(["west"] * _VIEWERS)
    yield "viewers", pa.table({"viewer_id": viewers, "trust_tier": tiers, "region": regions, "valid_from": since})
    revenue = {"date": [day], "category": ["comedy"], "placement": ["non_pulse"], "video_id": pa.nulls(1, pa.string())}
    yield "ad_revenue", pa.table({**revenue, "revenue_micros": pa.array([5_000_000]), "currency": ["USD"]})
