"""The planning problem of a day: contents, drawers, capacities, guarantees (formulas §4.4, S3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.delivery.positions import PositionClasses, position_classes
from creatorpool.delivery.response import Floats, ResponseCurves, response_curves
from creatorpool.errors import InputError

# Pairs of content and drawer of a small day.
SMALL_PAIRS = 12


@dataclass(frozen=True, eq=False)
class DeliveryProblem:
    """One day of n contents in m drawers.

    Raises
    ------
    InputError
        If a shape or a value breaks its rule; the message names the element.
    """

    curves: ResponseCurves
    """clicks of each content in each drawer"""
    positions: Sequence[ArrayLike]
    """capacities of each drawer's positions, impressions per day >= 0; an empty array means no rule of positions"""
    total: float
    """R: impressions of all drawers together, >= 0; inf for no limit"""
    drawer_capacity: Floats = field(default_factory=lambda: np.array(np.nan))
    """(m,) C(s_j), impressions per day >= 0; by default the sum of the drawer's positions"""
    min_impressions: Floats = field(default_factory=lambda: np.array(0.0))
    """scalar or (n,) guaranteed impressions over all drawers, >= 0"""
    min_clicks: Floats = field(default_factory=lambda: np.array(0.0))
    """scalar or (n,) guaranteed expected clicks, >= 0"""
    views_per_click: Floats = field(default_factory=lambda: np.array(1.0))
    """scalar or (n, m): ρ, views per click, >= 0"""

    def __post_init__(self) -> None:
        n, m = self.curves.shape
        if len(self.positions) != m:
            raise InputError(f"positions must hold one array per drawer, {m}, got {len(self.positions)}")
        capacities = [_amounts(f"positions[{j}]", p, (np.size(p),), 0.0) for j, p in enumerate(self.positions)]
        summed = np.array([p.sum() if p.size else np.nan for p in capacities])
        given = np.broadcast_to(np.asarray(self.drawer_capacity, dtype=np.float64), (m,))
        drawers = np.where(np.isnan(given), summed, given)
        if np.isnan(drawers).any():
            raise InputError(f"drawer {np.argmax(np.isnan(drawers))} has neither positions nor a capacity: give one")
        if not self.total >= 0:
            raise InputError(f"total must be >= 0, got {self.total}")
        fields = {
            "positions": tuple(capacities),
            "drawer_capacity": _amounts("drawer_capacity", drawers, (m,), 0.0),
            "min_impressions": _amounts("min_impressions", self.min_impressions, (n,), 0.0),
            "min_clicks": _amounts("min_clicks", self.min_clicks, (n,), 0.0),
            "views_per_click": _amounts("views_per_click", self.views_per_click, (n, m), 0.0),
            "total": min(float(self.total), float(drawers.sum())),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        classes = position_classes(capacities, n)
        object.__setattr__(self, "_classes", classes)
        most = np.minimum(np.minimum(classes.top, drawers), self.total)
        object.__setattr__(self, "_most", np.where(self.curves.known, most, 0.0))
        best = self.curves.largest_rate(self.most).max(axis=1)
        object.__setattr__(self, "_impressions_per_click", 1.0 / np.where(best > 0, best, 1.0))

    @classmethod
    def of(
        cls,
        r: ArrayLike,
        y_max: ArrayLike,
        x0: ArrayLike,
        y0: ArrayLike,
        *,
        positions: Sequence[ArrayLike],
        total: float,
        ctr: ArrayLike | None = None,
        drawer_capacity: ArrayLike = np.nan,
        min_impressions: ArrayLike = 0.0,
        min_clicks: ArrayLike = 0.0,
        views_per_click: ArrayLike = 1.0,
    ) -> DeliveryProblem:
        """The problem from arrays: the curves' parameters as in `response_curves`, the rest as in the class."""
        return cls(
            response_curves(r, y_max, x0, y0, ctr),
            positions,
            total,
            np.asarray(drawer_capacity),
            np.asarray(min_impressions),
            np.asarray(min_clicks),
            np.asarray(views_per_click),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(contents, drawers)."""
        return self.curves.shape

    @property
    def is_small(self) -> bool:
        """Whether there are few enough pairs of content and drawer for a search on a grid."""
        return self.most.size <= SMALL_PAIRS

    @property
    def classes(self) -> PositionClasses:
        """The rule of positions."""
        classes: PositionClasses = object.__getattribute__(self, "_classes")
        return classes

    @property
    def most(self) -> Floats:
        """(n, m) most impressions of a pair if nothing else were shown."""
        most: Floats = object.__getattribute__(self, "_most")
        return most

    @property
    def impressions_per_click(self) -> Floats:
        """(n,) impressions that a missing click counts for: impressions per click at the content's best rate."""
        worth: Floats = object.__getattribute__(self, "_impressions_per_click")
        return worth


def _amounts(name: str, values: ArrayLike, shape: tuple[int, ...], low: float) -> Floats:
    try:
        amounts = np.broadcast_to(np.asarray(values, dtype=np.float64), shape).copy()
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers that broadcast to shape {shape}: {error}") from error
    fits = np.isfinite(amounts) & (amounts >= low)
    if not fits.all():
        at = np.argwhere(~fits)[0]
        raise InputError(f"{name}{at.tolist()} must be finite and >= {low:g}, got {amounts[tuple(at)]}")
    return amounts
