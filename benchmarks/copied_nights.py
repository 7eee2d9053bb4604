"""Copies of a night in the logs and ledgers of a root, so that years of nights take minutes.

A copy has the commits of the night, each with its own files under its own day: readers and writers meet as many
commits, files and ledger rows as after a night that was run. Its rows are those of the night.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.storage.checkpoints import COMMITS_PER_CHECKPOINT
from creatorpool.storage.gathered import LEDGERS
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class Night:
    """A night of `root`: its day, and the version of each table before and after it."""

    root: Path
    day: date
    before: Mapping[str, int]
    after: Mapping[str, int]

    def copy(self, number: int) -> None:
        """Append the night once more, as copy `number`, which counts from 1, of the day that follows."""
        shift = {table: number * (after - self.before[table]) for table, after in self.after.items()}
        for table, after in self.after.items():
            for version in range(self.before[table] + 1, after + 1):
                self._copy_commit(table, version, number, shift)
                if (version + shift[table]) % COMMITS_PER_CHECKPOINT == 0:
                    Warehouse(None, self.root).settle(table)

    def _copy_commit(self, table: str, version: int, number: int, shift: Mapping[str, int]) -> None:
        log = self.root / table / "_delta_log"
        actions = [json.loads(line) for line in (log / f"{version:020}.json").read_text().splitlines()]
        for action in actions:
            if file := action.get("add") or action.get("remove"):
                old = file["path"]
                file["path"] = self._path(old, number)
                values = file["partitionValues"].items()
                file["partitionValues"] = {name: self._of_copy(value, number) for name, value in values}
                if "add" in action:
                    file["size"] = self._copy_file(table, old, file["path"], number, shift)
            if transaction := action.get("txn"):
                transaction["appId"] = self._of_copy(transaction["appId"], number)
                by_claims = transaction["appId"].startswith("creatorpool/")
                transaction["version"] += shift["run_claims" if by_claims else table]
        lines = "".join(f"{json.dumps(action)}\n" for action in actions)
        (log / f"{version + shift[table]:020}.json").write_text(lines)

    def _copy_file(self, table: str, old: str, new: str, number: int, shift: Mapping[str, int]) -> int:
        """Give the copy a file of its own; return its size in bytes."""
        source, target = self.root / table / old, self.root / table / new
        target.parent.mkdir(parents=True, exist_ok=True)
        if table not in LEDGERS:
            os.link(source, target)
        else:
            with pq.ParquetFile(source) as file:
                rows = file.read()
            records = rows.to_pylist()
            for record in records:
                record["run_id"] += f"-{number}"
                for name in ("input_versions", "output_versions"):
                    record[name] = json.dumps(_shifted(json.loads(record[name]), shift))
                if record.get("sequence") is not None:
                    record["sequence"] += shift[table]
            pq.write_table(pa.Table.from_pylist(records, rows.schema), target)
        return target.stat().st_size

    def _path(self, path: str, number: int) -> str:
        folder, _, name = path.rpartition("/")
        return f"{self._of_copy(folder, number)}/{number}-{name}"

    def _of_copy(self, text: str, number: int) -> str:
        return text.replace(self.day.isoformat(), (self.day + timedelta(days=number)).isoformat())


def set_back(root: Path, nights: int) -> None:
    """Give the logs under `root` the times that they would have if a night ran each day, the last of `nights` now.

    The commits of a table are spread evenly over the nights. Times of files that commits removed stay as they are.
    """
    now = time.time()
    for log in root.glob("*/_delta_log"):
        last = max(int(commit.stem) for commit in log.glob("*.json"))
        for file in log.iterdir():
            moment = now - 86_400 * nights * (last - int(file.name[:20])) / max(last, 1)
            own = file.with_name(f"{file.name}.own")  # the root that was copied shares the file
            shutil.copyfile(file, own)
            os.utime(own, (moment, moment))
            own.replace(file)


def _shifted(versions: Mapping[str, Any], shift: Mapping[str, int]) -> dict[str, Any]:
    """Versions by table, some of them in nested entries, as the copy has them."""
    return {
        name: _shifted(value, shift)
        if isinstance(value, dict)
        else value + shift[name]
        if isinstance(value, int) and name in shift
        else value
        for name, value in versions.items()
    }
