"""Constants for columns that no file seems to have, and the unused columns that may hold what a constant makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from creatorpool.actions import ACTIONS
from creatorpool.ingest.sources.units import name_words

_FLAGS = frozenset({"0", "1", "0.0", "1.0", "true", "false", "t", "f", "yes", "no", "y", "n"})
_FEW = 6
"""Most values of a column that sorts its records into classes"""
_REPETITIONS = 3
"""Least number of records for each value of such a column"""
_SHORTEST_PART = 4
"""Letters of the shortest word that is looked for within other words, as `share` in `reshared`"""
_START = "2000-01-01"


@dataclass(frozen=True)
class Default:
    """The constant for a column, what it means for payouts, and words in the names of columns that may be it.

    `is_flag` and `is_class` say that a column with the values of one may be it, too, whatever its name.
    """

    value: object
    meaning: str
    words: tuple[str, ...]
    is_flag: bool = False
    is_class: bool = False


DEFAULTS: Mapping[str, Default] = {
    "trust_tier": Default(
        "unverified",
        "every viewer has the least trust",
        ("trust", "tier", "level", "verified", "verification", "checked", "confirmed", "kyc", "bot"),
        is_flag=True,
        is_class=True,
    ),
    "valid_from": Default(
        _START, "the viewer's row holds from then on", ("joined", "registered", "signup", "since", "created")
    ),
    "published_at": Default(_START, "every video is of that day", ("published", "uploaded", "posted", "created")),
    "is_compliant": Default(
        True,
        "every video may be paid",
        (
            *("complian", "moderat", "status", "state", "review", "approved", "eligible", "allowed", "visib", "policy"),
            *("ban", "banned", "blocked", "removed", "deleted", "hidden", "flagged", "violat", "takedown"),
        ),
        is_flag=True,
        is_class=True,
    ),
    "s_pos": Default(1.0, "no video is less safe than another", ("safety", "safe", "brand")),
    "s_tox": Default(0.0, "no video is toxic", ("toxic", "abus", "hate", "harm")),
    "is_pulse": Default(False, "no Pulse ads are sold", ("pulse", "premium")),
    "placement": Default("non_pulse", "all revenue is the pools'", ("placement", "pulse", "refund")),
    **{
        action.event_column: Default(
            False, "the action never happens", (action.name, *action.other_names), is_flag=True
        )
        for action in ACTIONS
    },
}
"""What stands for a missing column"""


def likely_columns(wanted: str, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Those of `columns`, unused ones with their values as text, that may hold what the constant `wanted` makes up.

    These are columns with a similar name; without one, those whose values are flags or a few classes.
    """
    default = DEFAULTS[wanted]
    similar = [name for name in columns if _is_similar(name, default.words)]
    return similar or [
        name
        for name, values in columns.items()
        if (default.is_flag and _are_flags(values)) or (default.is_class and _are_classes(values))
    ]


def _is_similar(name: str, wanted: Sequence[str]) -> bool:
    words = name_words(name)
    return any(one in words or (len(one) >= _SHORTEST_PART and one in "_".join(words)) for one in wanted)


def _are_flags(values: Sequence[str]) -> bool:
    return bool(values) and {value.strip().lower() for value in values} <= _FLAGS


def _are_classes(values: Sequence[str]) -> bool:
    number = len(set(values))
    return 2 <= number <= _FEW and len(values) >= _REPETITIONS * number
