"""Guesses which column of a foreign file is which column of ours, by its name and its values. People check them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from creatorpool.actions import ACTIONS
from creatorpool.ingest.sources.units import MONEY_WORDS, TIME_WORDS, are_moments, name_words

_VIEWER = (
    "viewer_id",
    "user_id",
    "uid",
    "user",
    "userid",
    "viewer",
    "member_id",
    "member",
    "account_id",
    "account",
    "acct",
    "customer_id",
    "customer",
)
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

NAMES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "events": {
        "event_id": ("event_id", "event_uuid", "impression_id", "log_id"),
        "viewer_id": _VIEWER,
        "video_id": _VIDEO,
        "event_ts": ("event_ts", "timestamp", "time_ms", "ts", "event_time", "time", "datetime", "exposed_time"),
        "watch_ms": (
            "watch_ms",
            "play_time_ms",
            "watch_time",
            "play_time",
            "playing_time",
            "watched",
            "watch_seconds",
            "view_time",
            "dwell_time",
            "dwell",
        ),
        "loop_count": ("loop_count", "loops", "replays"),
        **{
            action.event_column: (action.event_column, action.name, f"is_{action.name}", *action.other_names)
            for action in ACTIONS
        },
        "surface": ("surface", "tab", "page", "placement", "screen", "feed"),
        "propensity": ("propensity", "propensity_score"),
    },
    "videos": {
        "video_id": _VIDEO,
        "creator_id": (
            "creator_id",
            "author_id",
            "author",
            "creator",
            "artist_id",
            "channel_id",
            "channel",
            "uploader_id",
            "uploader",
        ),
        "length_ms": (
            "length_ms",
            "duration_ms",
            "duration_seconds",
            "video_duration",
            "duration",
            "length",
            "track_length_seconds",
            "runtime",
        ),
        "categories": ("categories", "category", "video_category", "genre", "topic", "tags", "tag"),
        "published_at": (
            "published_at",
            "uploaded_at",
            "upload_time",
            "upload_dt",
            "publish_time",
            "first_aired",
            "created_at",
        ),
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
        "date": ("date", "day", "booked_on"),
        "category": ("category", "genre", "topic"),
        "placement": ("placement",),
        "video_id": _VIDEO,
        "revenue_micros": (
            "revenue_micros",
            "revenue",
            "gross_revenue",
            "gross_amount",
            "gross",
            "amount",
            "money",
            "ad_spend",
            "spend",
            "income",
            "net_revenue",
            "net_amount",
            "net",
        ),
        "currency": ("currency", "cur"),
    },
}
"""For each column of ours the names that it has elsewhere, the likeliest first"""

_ID_WORDS = frozenset({"id", "handle", "key", "uuid", "no", "nr"})
_SUFFIXES: Mapping[str, Collection[str]] = {
    **dict.fromkeys(("viewer_id", "video_id", "creator_id", "categories", "category"), _ID_WORDS),
    **dict.fromkeys(("event_ts", "watch_ms", "length_ms", "published_at", "valid_from"), TIME_WORDS),
    "revenue_micros": MONEY_WORDS,
}
"""Last words of a name that say how a column of ours is written, and not what it is: `length_s` is a length"""


def guessed(table: str, columns: Iterable[str]) -> dict[str, str]:
    """For each column of `table` the one of `columns` whose name says that it is it, if there is one.

    The whole name counts before the name without its unit, such as `_ms`, `_eur` or `_handle`.
    """
    names = list(columns)
    found = {wanted: _whole(known, names) or _stem(wanted, known, names) for wanted, known in NAMES[table].items()}
    return {wanted: column for wanted, column in found.items() if column is not None}


def recognised(
    table: str, columns: Mapping[str, Sequence[str]], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What the names of `columns` say; a log without a time takes the first unknown column whose values are moments.

    `given` are columns of ours with their names in the files, which count before any guess.
    """
    own = {wanted: name for wanted, name in (given or {}).items() if wanted in NAMES[table] and name in columns}
    found = guessed(table, columns) | own
    if table == "events" and "event_ts" not in found:
        times = (name for name, values in columns.items() if not _has_known_name(name) and are_moments(values))
        return found if (time := next(times, None)) is None else {**found, "event_ts": time}
    return found


def _whole(known: Sequence[str], columns: Sequence[str]) -> str | None:
    by_name = {_bare(column): column for column in columns}
    return next((by_name[_bare(name)] for name in known if _bare(name) in by_name), None)


def _stem(wanted: str, known: Sequence[str], columns: Sequence[str]) -> str | None:
    by_stem = {stem: column for column in columns if (stem := _without_unit(wanted, column)) != name_words(column)}
    stems = (_without_unit(wanted, name) for name in known)
    return next((by_stem[stem] for stem in stems if stem in by_stem), None)


def _without_unit(wanted: str, name: str) -> tuple[str, ...]:
    """The words of `name` without the last ones that are units of the column `wanted`; at least one is left."""
    words = name_words(name)
    while len(words) > 1 and words[-1] in _SUFFIXES.get(wanted, ()):
        words = words[:-1]
    return words


def _has_known_name(column: str) -> bool:
    return not _ID_WORDS.isdisjoint(name_words(column)) or any(guessed(table, [column]) for table in NAMES)


def _bare(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
