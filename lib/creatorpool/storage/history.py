"""Which commits of a table changed rows of which day, as its log tells: commits that only move rows do not count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from pyarrow import fs

from creatorpool.storage.staged import filesystem_of


@dataclass
class DayChanges:
    """The last version that changed each day's rows, and the last one that may have changed any day's."""

    by_day: dict[date, int] = field(default_factory=dict)
    of_any: int = -1

    def since(self, day: date, version: int) -> bool:
        """Whether rows of `day` may have changed after `version`."""
        return max(self.of_any, self.by_day.get(day, -1)) > version


def day_changes(table_path: str, first: int, last: int) -> DayChanges:
    """Changes of a table that is partitioned by `date` in versions `first` to `last`, both included."""
    changes = DayChanges()
    storage, base = filesystem_of(table_path)
    for version in range(first, last + 1):
        for day in _changed_days(storage, f"{base}/_delta_log/{version:020}.json"):
            if day is None:
                changes.of_any = version
            else:
                changes.by_day[date.fromisoformat(day)] = version
    return changes


def _changed_days(storage: fs.FileSystem, commit: str) -> Iterator[str | None]:
    """The day of each file that a commit added or removed; None where the log does not say it."""
    try:
        with storage.open_input_stream(commit) as stream:
            lines = stream.read().decode().splitlines()
    except FileNotFoundError:
        yield None  # a log that was cleaned up: nobody can tell any more
        return
    for line in lines:
        action = json.loads(line)
        file = action.get("add") or action.get("remove")
        if file and file["dataChange"]:
            yield (file.get("partitionValues") or {}).get("date")
