"""The settings in which two configurations differ, in words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from creatorpool.settings import Settings

ABSENT, PRESENT = "absent", "present"
"""The words for an entry, such as a signal of one's own, that only one of the configurations has."""
_ONE_SIDED = {ABSENT, PRESENT}


@dataclass(frozen=True)
class SettingChange:
    """One key with another value in each of two configurations."""

    key: str
    """Dotted, such as ``allocation.alpha``"""
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.key} {self.first} → {self.second}"


def setting_changes(first: Settings, second: Settings, sections: Collection[str]) -> list[SettingChange]:
    """The changes from `first` to `second` in the named sections, in the order of the configuration's keys."""
    old, new = (
        {name: getattr(settings, name).model_dump(mode="json") for name in sections} for settings in (first, second)
    )
    return list(_changes(old, new, ()))


def changes_since(kept: str, settings: Settings) -> list[SettingChange]:
    """The changes to `settings` from the sections in `kept`, which `Settings.as_json` wrote to a ledger.

    A key that only one of them has is of another version of the package, and no change.
    """
    first: dict[str, Any] = json.loads(kept)
    second = {name: getattr(settings, name).model_dump(mode="json") for name in first}
    return [change for change in _changes(first, second, ()) if {change.first, change.second}.isdisjoint(_ONE_SIDED)]


def _changes(first: Mapping[str, Any], second: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[SettingChange]:
    for key in dict.fromkeys([*first, *second]):
        dotted = ".".join((*place, key))
        if key not in first or key not in second:
            yield SettingChange(dotted, *(PRESENT if key in side else ABSENT for side in (first, second)))
        elif isinstance(first[key], dict) and isinstance(second[key], dict):
            yield from _changes(first[key], second[key], (*place, key))
        elif first[key] != second[key]:
            yield SettingChange(dotted, _shown(first[key]), _shown(second[key]))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
