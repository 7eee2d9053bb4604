"""Broken rows of every kind that a file with typed columns can hold, each with the rule that it breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from creatorpool.synthetic.event_rows import DAY_MICROS, EVENT_SCHEMA, day_start
from creatorpool.synthetic.market import SyntheticMarket

Row = dict[str, Any]

CONFLICT = "event_id_conflict"


@dataclass(frozen=True)
class BrokenEvents:
    """Rows to add to a day's events, and the numbers that are late, repeat an event or break each rule."""

    rows: pa.Table
    late: int
    duplicates: int
    faults: Counter[str]


def _set(**values: Any) -> Callable[[Row], Row]:
    return lambda row: row | values


def _event_faults(day: date) -> list[tuple[str, Callable[[Row], Row]]]:
    """(broken rule, change to a good row); a changed row gets a new id unless the change sets the id."""
    after, long_before = day_start(day) + DAY_MICROS, day_start(day) - 40 * DAY_MICROS
    return [
        ("event_id_not_null", _set(event_id=None)),
        ("event_id_min_length", _set(event_id=" ")),
        ("viewer_id_not_null", _set(viewer_id=None)),
        ("viewer_known", _set(viewer_id="viewer-nobody")),
        ("video_known", _set(video_id="video-nowhere")),
        ("event_ts_not_null", _set(event_ts=None)),
        ("event_ts_in_window", _set(event_ts=after)),
        ("event_ts_in_window", _set(event_ts=long_before)),
        ("watch_ms_not_null", _set(watch_ms=None)),
        ("watch_ms_in_range", _set(watch_ms=-5_000)),
        ("watch_ms_in_range", _set(watch_ms=10**12)),
        ("loop_count_in_range", _set(loop_count=-1)),
        ("liked_not_null", _set(liked=None)),
        ("propensity_in_range", _set(propensity=1.5)),
        ("propensity_finite", _set(propensity=float("nan"))),
        ("test_slot_in_range", _set(test_slot=0)),
    ]


def broken_events(market: SyntheticMarket, day: date, sample: pa.Table) -> BrokenEvents | None:
    """Broken, late and repeated rows made from `sample`, rows of the day; None if `dirty_share` is 0."""
    if market.dirty_share == 0:
        return None
    kinds = _event_faults(day)
    each = max(1, round(market.dirty_share * market.n_events / (len(kinds) + 3)))
    each = min(each, sample.num_rows // (len(kinds) + 3))
    good = sample.slice(0, each * (len(kinds) + 3)).to_pylist()
    rows: list[Row] = []
    for index, (_, change) in enumerate(kinds):
        part = good[index * each : (index + 1) * each]
        rows += [change(row | {"event_id": f"{row['event_id']}-broken-{index}"}) for row in part]
    late, twice, differing = (good[i * each : (i + 1) * each] for i in range(len(kinds), len(kinds) + 3))
    rows += [row | {"event_id": f"{row['event_id']}-late", "event_ts": day_start(day) - 1} for row in late]
    rows += twice
    rows += [row | {"watch_ms": row["watch_ms"] + 1} for row in differing]
    faults = Counter({rule: 0 for rule, _ in kinds})
    for rule, _ in kinds:
        faults[rule] += each
    # Ingestion refuses both rows with the id.
    faults[CONFLICT] = 2 * each
    return BrokenEvents(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), late=each, duplicates=each, faults=faults)


VIEWER_FAULTS: tuple[tuple[str, Row], ...] = (
    ("trust_tier_known", {"viewer_id": "viewer-broken-tier", "trust_tier": "celebrity"}),
    ("trust_tier_not_null", {"viewer_id": "viewer-broken-null", "trust_tier": None}),
    ("viewer_id_min_length", {"viewer_id": "", "trust_tier": "verified"}),
)
VIDEO_FAULTS: tuple[tuple[str, Row], ...] = (
    ("length_ms_in_range", {"video_id": "video-broken-length", "length_ms": 0}),
    ("s_pos_in_range", {"video_id": "video-broken-positive", "s_pos": 1.5}),
    ("s_tox_in_range", {"video_id": "video-broken-toxic", "s_tox": -0.1}),
    ("s_pos_finite", {"video_id": "video-broken-nan", "s_pos": float("nan")}),
    ("categories_not_empty", {"video_id": "video-broken-category", "categories": []}),
    ("creator_id_not_null", {"video_id": "video-broken-creator", "creator_id": None}),
)


def with_broken_rows(rows: pa.Table, faults: tuple[tuple[str, Row], ...]) -> pa.Table:
    """`rows`, followed by a changed copy of its first row for each fault."""
    template = rows.slice(0, 1).to_pylist()[0]
    broken = pa.Table.from_pylist([template | change for _, change in faults], schema=rows.schema)
    return pa.concat_tables([rows, broken])
