"""Success chances of test slots that differ (formulas §3.3, S4 (41), (44))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.types import Curve, Floats


class SlotChances(NamedTuple):
    """p_j and its derivatives p_j′ and p_j″ in q, each of q's shape with a last axis for the slots."""

    chance: Floats
    slope: Floats
    curvature: Floats


class Slots(Protocol):
    """The slots of a test, earliest first: a window of n uses the first n."""

    @property
    def count(self) -> int:
        """Number of slots."""
        ...

    def chances(self, q: Floats) -> SlotChances:
        """Success chances of all slots at (m,) qualities: (m, count) arrays."""
        ...


@dataclass(frozen=True)
class DecayingSlots:
    """p_j = ω_j g(q): audience weights common to all entrants, such as novelty that decays (S4 (44))."""

    weights: Floats
    """(count,) ω_j in [0, 1]"""
    link: Curve

    def __init__(self, weights: ArrayLike, link: Curve) -> None:
        values = checked_numbers("weights", weights, 0.0, 1.0)
        if values.ndim != 1 or values.size == 0:
            raise InputError(f"weights must hold one number per slot, got shape {values.shape}")
        object.__setattr__(self, "weights", values)
        object.__setattr__(self, "link", link)

    @property
    def count(self) -> int:
        """Number of slots."""
        return self.weights.size

    def chances(self, q: Floats) -> SlotChances:
        """ω_j g(q) and derivatives, (m, count)."""
        parts = (self.link.value(q), self.link.slope(q), self.link.curvature(q))
        return SlotChances(*(np.multiply.outer(part, self.weights) for part in parts))


@dataclass(frozen=True)
class LinkedSlots:
    """p_j = g_j(q): one link per slot (S4 (41))."""

    links: Sequence[Curve]

    def __post_init__(self) -> None:
        if not self.links:
            raise InputError("links must hold one link per slot, at least one, got none")

    @property
    def count(self) -> int:
        """Number of slots."""
        return len(self.links)

    def chances(self, q: Floats) -> SlotChances:
        """g_j(q) and derivatives, (m, count)."""
        return SlotChances(
            np.stack([link.value(q) for link in self.links], axis=-1),
            np.stack([link.slope(q) for link in self.links], axis=-1),
            np.stack([link.curvature(q) for link in self.links], axis=-1),
        )
