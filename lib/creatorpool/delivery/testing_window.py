"""A delivery plan as an entrant's test: impressions and their discounted mass (formulas §3.7, §4.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.delivery.p2c import Floats, Integers
from creatorpool.errors import InputError


@dataclass(frozen=True, eq=False)
class TestingWindow:
    """Guaranteed impressions of contents over the days of their plans; (n,) arrays."""

    n: Integers
    """whole impressions: the window n of a pass model"""
    mass: Floats
    """discounted mass N of a policy"""


def testing_window(impressions: ArrayLike, delta: float) -> TestingWindow:
    """n and N of contents whose impressions are planned for one day or for several days.

    Parameters
    ----------
    impressions : (n,) or (n, days) array_like
        Planned impressions of each content over all drawers, >= 0: on the first day after entry, or on each day after.
        Fractions of an impression are dropped.
    delta : float
        Discount factor of a day, in (0, 1].

    Raises
    ------
    InputError
        If impressions have another shape, are negative or not finite, or delta is out of range.

    Notes
    -----
    A day's x impressions are spread evenly over the day, at ``day + (j − ½)/x`` for j = 1 … x, so that
    ``Σ δ^t = δ^{day + 1/(2x)} (1 − δ) / (1 − δ^{1/x})``: `creatorpool.incentives.discounted_mass` of these times.
    """
    planned = np.asarray(impressions, dtype=np.float64)
    if planned.ndim not in (1, 2) or not (np.isfinite(planned) & (planned >= 0)).all():
        raise InputError(f"impressions must be finite and >= 0, of shape (n,) or (n, days), got shape {planned.shape}")
    if not 0 < delta <= 1:
        raise InputError(f"delta must lie in (0, 1], got {delta}")
    whole = np.floor(planned if planned.ndim == 2 else planned[:, None])
    count = np.maximum(whole, 1.0)
    # (1 − δ) / (1 − δ^{1/x}), by expm1: the second difference is tiny for many impressions.
    rate = -np.log(delta)
    spread = np.where(rate > 0, np.expm1(-rate) / np.where(rate > 0, np.expm1(-rate / count), 1.0), count)
    shown = np.where(whole > 0, np.exp(-rate * (np.arange(whole.shape[1]) + 0.5 / count)) * spread, 0.0)
    return TestingWindow(whole.sum(axis=1).astype(np.int64), np.asarray(shown.sum(axis=1), dtype=np.float64))
