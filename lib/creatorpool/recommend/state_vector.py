"""The agent's state as one row of numbers per session, as the replay memory stores it (formulas §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from creatorpool.recommend.observation import Observation
from creatorpool.recommend.simulator_market import Array

CONTEXT = 9
"""Numbers per session: minutes, videos, skips, last category, last outcome, two interests, region, age"""
PARTS = 5
"""Numbers per candidate: final score, similarity, popularity, is_interest, category"""


@dataclass(frozen=True)
class StateLayout:
    """Sizes of the state. Categories are whole numbers here; networks encode them as one-hot vectors."""

    categories: int
    candidates: int

    @property
    def size(self) -> int:
        """Length of a row."""
        return CONTEXT + PARTS * self.candidates


def state_vector(xp: Any, observation: Observation) -> Array:
    """(n, `StateLayout.size`) rows; `xp` is numpy or jax.numpy."""
    context = (
        observation.minutes,
        observation.videos,
        observation.skips,
        observation.last_category,
        observation.last_outcome,
        observation.predicted[:, 0],
        observation.predicted[:, 1],
        observation.region,
        observation.age,
    )
    slate = observation.slate
    parts = (slate.score, slate.similarity, slate.popularity, slate.is_interest, slate.category)
    columns = [column[:, None] for column in context] + list(parts)
    return xp.concatenate([column.astype(xp.float32) for column in columns], axis=1)
