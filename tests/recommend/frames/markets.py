"""A small market's tables in a warehouse, as after an ingestion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.cohorts.markets import frame, ingest_run

from creatorpool.actions import ACTION_FLAGS
from creatorpool.runs.ledger import publish_run
from creatorpool.synthetic.event_rows import EVENT_SCHEMA
from creatorpool.tables import Warehouse

LENGTH_MS = 20_000
CATEGORIES = ("animals", "food", "tech")
REGIONS = ("east", "mid", "west", None)
_WATCHED = {"liked": 20_000, "watched": 15_000, "skipped": 1_000, "other": 5_000}


@dataclass(frozen=True)
class SmallMarket:
    """Columns of drawn events, and attributes of videos and viewers; positions are in the order of ids."""

    day: list[date]
    viewer: np.ndarray
    video: np.ndarray
    action: np.ndarray
    categories: list[list[str]]
    is_compliant: np.ndarray
    region: list[str | None]

    @property
    def viewer_ids(self) -> list[str]:
        return [f"viewer-{number:03d}" for number in range(len(self.region))]

    @property
    def video_ids(self) -> list[str]:
        return [f"video-{number:03d}" for number in range(len(self.categories))]


def draw_market(
    days: list[date], *, events: int = 600, viewers: int = 40, videos: int = 30, seed: int = 5
) -> SmallMarket:
    """Events spread evenly over `days`; the last viewer and the last video have none; one video is not compliant."""
    rng = np.random.default_rng(seed)
    return SmallMarket(
        day=[days[number * len(days) // events] for number in range(events)],
        viewer=rng.integers(0, viewers - 1, events),
        video=np.minimum(rng.geometric(0.12, events) - 1, videos - 2),
        action=rng.choice(list(_WATCHED), events),
        categories=[sorted(rng.choice(CATEGORIES, 1 + (number % 5 == 0), replace=False)) for number in range(videos)],
        is_compliant=np.arange(videos) != 2,
        region=[REGIONS[number % 4] for number in range(viewers)],
    )


def publish_market(warehouse: Warehouse, market: SmallMarket, scratch: Path) -> None:
    """Store the market's rows, and publish the ingestion of each of its days."""
    assert warehouse.session is not None
    rows = {"events": event_rows(market), "viewers": viewer_rows(market), "videos": video_rows(market)}
    versions = {
        table: warehouse.append(frame(warehouse.session, content, scratch, table), table)
        for table, content in rows.items()
    }
    for day in sorted(set(market.day)):
        publish_run(warehouse, ingest_run(day, versions))


def event_rows(market: SmallMarket) -> pa.Table:
    """The table `events`."""
    n = len(market.day)
    moments = [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=s) for s, day in enumerate(market.day)
    ]
    no = pa.array([False] * n)
    columns = {
        "event_id": [f"event-{number:05d}" for number in range(n)],
        "viewer_id": np.array(market.viewer_ids)[market.viewer],
        "video_id": np.array(market.video_ids)[market.video],
        "event_ts": moments,
        "watch_ms": np.array([_WATCHED[action] for action in market.action]),
        "loop_count": pa.nulls(n, pa.int32()),
        **dict.fromkeys(ACTION_FLAGS, no),
        "liked": pa.array(market.action == "liked"),
        "surface": pa.nulls(n, pa.string()),
        "test_slot": pa.nulls(n, pa.int32()),
        "propensity": pa.nulls(n, pa.float64()),
    }
    return pa.table(columns, schema=EVENT_SCHEMA).append_column("date", pa.array(market.day, pa.date32()))


def viewer_rows(market: SmallMarket) -> pa.Table:
    """The table `viewers`."""
    n = len(market.region)
    return pa.table(
        {
            "viewer_id": market.viewer_ids,
            "trust_tier": ["verified"] * n,
            "region": pa.array(market.region, pa.string()),
            "valid_from": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * n, pa.timestamp("us", "UTC")),
        }
    )


def video_rows(market: SmallMarket) -> pa.Table:
    """The table `videos`."""
    n = len(market.categories)
    return pa.table(
        {
            "video_id": market.video_ids,
            "creator_id": ["creator"] * n,
            "length_ms": pa.array([LENGTH_MS] * n),
            "categories": pa.array(market.categories, pa.list_(pa.string())),
            "published_at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * n, pa.timestamp("us", "UTC")),
            "is_compliant": pa.array(market.is_compliant),
            "s_pos": [0.9] * n,
            "s_tox": [0.1] * n,
            "is_pulse": [False] * n,
        }
    )
