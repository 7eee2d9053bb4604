"""Guesses which column of a foreign file is which column of ours, by its name and its values. People check them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from creatorpool.actions import ACTIONS

_VIEWER = ("viewer_id", "user_id", "uid", "user", "userid", "member_id", "account_id", "customer_id")
_VIDEO = (
    "video_id",
    "item_id",
    "vid",
    "video",
    "item",
    "photo_id",
    "pid",
    "track_id",
    "post_id",
    "content_id",
    "clip_id",
    "clip",
)
_ALSO_SHARES = ("forward", "forwarded", "is_forward", "repost", "reposted")

NAMES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "events": {
        "event_id": ("event_id", "event_uuid", "impression_id", "log_id"),
        "viewer_id": _VIEWER,
        "video_id": _VIDEO,
        "event_ts": ("event_ts", "timestamp", "time_ms", "ts", "event_time", "time", "datetime", "exposed_time"),
        "watch_ms": ("watch_ms", "play_time_ms", "watch_time", "play_time", "playing_time", "watched", "watch_seconds"),
        "loop_count": ("loop_count", "loops", "replays"),
        **{
            action.event_column: (
                action.event_column,
                action.name,
                f"is_{action.name}",
                *(_ALSO_SHARES if action.event_column == "shared" else ()),
            )
            for action in ACTIONS
        },
        "surface": ("surface", "tab", "page", "placement"),
        "propensity": ("propensity", "propensity_score"),
    },
    "videos": {
        "video_id": _VIDEO,
        "creator_id": ("creator_id", "author_id", "author", "creator", "artist_id", "channel_id", "uploader_id"),
        "length_ms": (
            "length_ms",
            "duration_ms",
            "duration_seconds",
            "video_duration",
            "duration",
            "length",
            "track_length_seconds",
        ),
        "categories": ("categories", "category", "video_category", "genre", "topic", "tags", "tag"),
        "published_at": ("published_at", "upload_time", "upload_dt", "publish_time", "created_at"),
        "is_compliant": ("is_compliant", "compliant"),
        "s_pos": ("s_pos", "safety_score"),
        "s_tox": ("s_tox", "toxicity", "toxicity_score"),
        "is_pulse": ("is_pulse",),
    },
    "viewers": {
        "viewer_id": _VIEWER,
        "trust_tier": ("trust_tier", "tier"),
        "region": ("region", "country"),
        "valid_from": ("valid_from", "registered_at", "created_at", "signup_date"),
    },
    "ad_revenue": {
        "date": ("date", "day"),
        "category": ("category", "genre", "topic"),
        "placement": ("placement",),
        "video_id": _VIDEO,
        "revenue_micros": ("revenue_micros", "revenue", "amount", "ad_spend", "spend"),
        "currency": ("currency",),
    },
}
"""For each column of ours the names that it has elsewhere, the likeliest first"""

_EPOCHS = ((1e14, "microseconds"), (1e11, "milliseconds"), (1e8, "seconds"))
_LONGEST_SECONDS = 1_000
"""Times whose median is less are taken for seconds where their name does not tell"""


def guessed(table: str, columns: Iterable[str]) -> dict[str, str]:
    """For each column of `table` the one of `columns` that seems to be it, if there is one."""
    known = {_bare(column): column for column in columns}
    found = {}
    for wanted, names in NAMES[table].items():
        match = next((known[_bare(name)] for name in names if _bare(name) in known), None)
        if match is not None:
            found[wanted] = match
    return found


def epoch_unit(values: Sequence[str]) -> str | None:
    """The unit in which numbers seem to count from 1970; None if they are no numbers, or too small for a moment."""
    typical = _typical(values)
    return next((unit for least, unit in _EPOCHS if typical is not None and typical >= least), None)


def factor_to_ms(name: str, values: Sequence[str]) -> int:
    """1 if durations seem to be milliseconds, 1000 if they seem to be seconds."""
    if re.search("ms$|milli", name.lower()):
        return 1
    typical = _typical(values)
    return 1000 if "sec" in name.lower() or (typical is not None and typical < _LONGEST_SECONDS) else 1


def _typical(values: Sequence[str]) -> float | None:
    try:
        return median(map(float, values)) if values else None
    except ValueError:
        return None


def _bare(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
