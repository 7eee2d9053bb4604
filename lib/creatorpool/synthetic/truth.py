"""What is known of a synthetic day beyond its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.object_]


@dataclass(frozen=True)
class KnownTruth:
    """The truth behind one synthetic day.

    `video_quality` and `creator_quality`, in [0, 1], are what drives behaviour. `clean_events` are the rows of the day
    that ingestion must accept; `late` and `duplicates` are extra ones that it accepts and drops; `faults` counts, by
    table and rule, the rows that it must quarantine and their first broken rule.
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
        """Counts, fit for JSON."""
        return {
            "videos": len(self.video_id),
            "creators": len(self.creator_id),
            "bots": len(self.bot_viewers),
            "clean_events": self.clean_events,
            "late": self.late,
            "duplicates": self.duplicates,
            "faults": {table: dict(rules) for table, rules in self.faults.items()},
        }
