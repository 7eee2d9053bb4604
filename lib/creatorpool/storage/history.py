"""Finds in a table's log which commits changed which day's rows. Commits that only move rows do not count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from creatorpool.storage.places import Place


class DayChanges:
    """Files that commits added to a table's days, or removed from them, in the order of the commits."""

    def __init__(self) -> None:
        self._files: dict[date, list[tuple[int, str, bool]]] = {}
        self._unknown = -1

    def note(self, version: int, day: str | None, path: str, *, is_added: bool) -> None:
        """Record one file of one commit; without `day` the file may belong to any day."""
        if day is None:
            self._unknown = version
        else:
            self._files.setdefault(date.fromisoformat(day), []).append((version, path, is_added))

    def since(self, day: date, version: int) -> bool:
        """Whether `day` may have other rows now than at `version`; False if all changes were undone."""
        if self._unknown > version:
            return True
        before: dict[str, bool] = {}
        now: dict[str, bool] = {}
        for changed, path, is_added in self._files.get(day, []):
            if changed > version:
                before.setdefault(path, not is_added)
                now[path] = is_added
        return before != now


def day_changes(table: Place, first: int, last: int) -> DayChanges:
    """Changes in versions `first` to `last`, both included, of a table that is partitioned by `date`."""
    changes = DayChanges()
    log = table / "_delta_log"
    for version in range(first, last + 1):
        for day, path, is_added in _changed_files(log / f"{version:020}.json"):
            changes.note(version, day, path, is_added=is_added)
    return changes


def _changed_files(commit: Place) -> Iterator[tuple[str | None, str, bool]]:
    """Day, path and whether it was added (else removed) of each file of a commit; day None if the log has none."""
    try:
        lines = commit.read_text("utf-8").splitlines()
    except FileNotFoundError:
        yield None, "", True  # the log was cleaned up, so any day may have changed
        return
    for line in lines:
        action = json.loads(line)
        file = action.get("add") or action.get("remove")
        if file and file["dataChange"]:
            yield (file.get("partitionValues") or {}).get("date"), file["path"], "add" in action
