"""Views as rows of the events file, in order of time, in parts of the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.actions import ACTION_FLAGS
from creatorpool.synthetic.behaviour import Views, ViewSampler
from creatorpool.synthetic.market import SyntheticMarket
from creatorpool.synthetic.population import Ints, Population

EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("viewer_id", pa.string()),
        ("video_id", pa.string()),
        ("event_ts", pa.timestamp("us", "UTC")),
        ("watch_ms", pa.int64()),
        ("loop_count", pa.int32()),
        *((flag, pa.bool_()) for flag in ACTION_FLAGS),
        ("surface", pa.string()),
        ("test_slot", pa.int32()),
        ("propensity", pa.float64()),
    ]
)
DAY_MICROS = 86_400_000_000
WINDOW_N, THRESHOLD_K = 20, 6
"""Guaranteed test impressions of every entrant, and successes needed to pass."""

_CHUNK = 1 << 20
_SURFACES = pa.array(["feed", "feed", "feed", "search", "profile"])


def event_chunks(market: SyntheticMarket, population: Population, day: date) -> Iterator[pa.Table]:
    """The day's clean events in tables of about a million: `market.n_events`, then the entrants' test impressions."""
    sampler = ViewSampler(population)
    chunks = -(-market.n_events // _CHUNK)
    bounds = np.linspace(0, market.n_events, chunks + 1).astype(np.int64)
    for chunk, (first, last) in enumerate(pairwise(bounds.tolist())):
        rng = np.random.default_rng([market.seed, 1, day.toordinal(), chunk])
        size = last - first
        views = sampler.draw(size, rng)
        part = DAY_MICROS // chunks
        micros = day_start(day) + chunk * part + np.sort(rng.integers(0, part, size))
        ids = _event_ids(f"event-{day:%Y%m%d}-", np.arange(first, last))
        yield event_table(population, views, ids, micros, _SURFACES.take(pa.array(rng.integers(0, 5, size))))
    if market.n_entrants:
        yield _test_impressions(market, population, sampler, day)


def event_table(population: Population, views: Views, ids: pa.Array, micros: Ints, surface: pa.Array) -> pa.Table:
    """Rows of the events file from n views, ids, microseconds of Unix time and surfaces; without test slots."""
    n = len(views.video)
    columns = {
        "event_id": ids,
        "viewer_id": population.viewers.ids.take(pa.array(views.viewer)),
        "video_id": population.videos.ids.take(pa.array(views.video)),
        "event_ts": pa.array(micros).cast(EVENT_SCHEMA.field("event_ts").type),
        "watch_ms": pa.array(views.watch_ms),
        "loop_count": pa.array(views.loop_count.astype(np.int32), mask=~views.loops_logged),
        **{name: pa.array(done) for name, done in views.actions.items()},
        "surface": surface,
        "test_slot": pa.nulls(n, pa.int32()),
        "propensity": pa.nulls(n, pa.float64()),
    }
    return pa.table(columns, schema=EVENT_SCHEMA)


def day_start(day: date) -> int:
    """Midnight UTC of `day` in microseconds of Unix time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _test_impressions(market: SyntheticMarket, population: Population, sampler: ViewSampler, day: date) -> pa.Table:
    """Each entrant's guaranteed impressions, spread over the day and shown to viewers who are not bots."""
    rng = np.random.default_rng([market.seed, 2, day.toordinal()])
    n = market.n_entrants * WINDOW_N
    slot = np.tile(np.arange(1, WINDOW_N + 1), market.n_entrants)
    video = np.repeat(np.arange(market.videos, market.videos + market.n_entrants), WINDOW_N)
    people = np.flatnonzero(~(population.viewers.is_liker | population.viewers.is_looper))
    views = sampler.watch(rng.choice(people, n), video, rng)
    micros = day_start(day) + (slot - 1) * (DAY_MICROS // WINDOW_N) + rng.integers(0, DAY_MICROS // WINDOW_N, n)
    ids = _event_ids(f"event-{day:%Y%m%d}-test-", np.arange(n))
    table = event_table(population, views, ids, micros, pa.array(["feed"] * n))
    table = _with_column(table, "test_slot", pa.array(slot.astype(np.int32)))
    propensity = np.round(rng.uniform(0.02, 0.3, n), 4)
    return _with_column(table, "propensity", pa.array(propensity))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(EVENT_SCHEMA.get_field_index(name), EVENT_SCHEMA.field(name), values)


def _event_ids(prefix: str, numbers: Ints) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(prefix, digits, "")
