"""The agent's state as one row of numbers a session: what the replay memory holds (formulas §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from creatorpool.recommend.observation import Observation
from creatorpool.recommend.simulator_market import Array

CONTEXT = 9
"""minutes, videos, skips, last category, last outcome, two interests, region, age"""
PARTS = 5
"""of a candidate: final score, similarity, popularity, is_interest, category"""


@dataclass(frozen=True)
class StateLayout:
    """Sizes of the state: categories stay whole numbers here, networks spread them out."""

    categories: int
    candidates: int

    @property
    def size(self) -> int:
        """Numbers in a row."""
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
