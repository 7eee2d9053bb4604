"""True values behind the rows of a synthetic day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.object_]


@dataclass(frozen=True)
class KnownTruth:
    """True values of one synthetic day.

    `video_quality` and `creator_quality`, in [0, 1], determine viewers' behaviour. `clean_events` is the number of
    events of the day that ingestion must accept. `late` and `duplicates` are numbers of further events, which it
    accepts and drops. `faults` counts, by table and first broken rule, the rows that it must quarantine.
    """

    video_id: Ids
    video_quality: NDArray[np.float64]
    creator_id: Ids
    creator_quality: NDArray[np.float64]
    bot_viewers: Ids
    clean_events: int
    late: int
    duplicates: int
    faults: Mapping[str, Mapping[str, int]]

    def summary(self) -> dict[str, Any]:
        """Counts as plain numbers, for JSON."""
        return {
            "videos": len(self.video_id),
            "creators": len(self.creator_id),
            "bots": len(self.bot_viewers),
            "clean_events": self.clean_events,
            "late": self.late,
            "duplicates": self.duplicates,
            "faults": {table: dict(rules) for table, rules in self.faults.items()},
        }
