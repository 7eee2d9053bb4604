"""What each video gets at a price: the closed form, row by row, for any batch of a pool's rows (formulas §2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.compiled import on_slices
from creatorpool.allocation.objective import BATCH, Objective
from creatorpool.allocation.types import Codes, Floats

BOUNDS = ("interior", "floor", "cap", "creator_cap")
INTERIOR, FLOOR, CAP, CREATOR_CAP = range(4)


@dataclass(frozen=True)
class Price:
    """The price of money in a pool, in the units of `Objective`; arrays hold one price a video.

    Not `ranked`: a video with x < anchor pays ``numerator / (delta + pole_slope * (anchor - x))``. `anchor` is the
    largest pole not above the price, so `delta`, the distance from it, loses no digits however close they lie. A video
    whose pole is above the price gets its cap.

    `ranked` (nothing but order counts: a linear program, or money left when every video of weight is at its cap):
    x > anchor gets its cap, x < anchor its floor, and those at the anchor share equally, ``1 / delta`` each.
    """

    ranked: bool | NDArray[np.bool_]
    anchor: float | Floats
    delta: float | Floats
    by_creator: bool | NDArray[np.bool_] = False  # the price is a capped creator's own, above the pool's


@dataclass(frozen=True)
class Dual:
    """The solution of a pool's dual: enough to fill in any video's payout."""

    objective: Objective
    price: Price
    nu: float  # multiplier of the pool constraint, objective per money


def payout_from_dual(
    dual: Dual,
    effective_impressions: ArrayLike,
    floor: ArrayLike | None = None,
    cap: ArrayLike | None = None,
    price: Price | None = None,
) -> tuple[Floats, Codes]:
    """Payouts of any rows of a pool, from the pool's dual.

    Parameters
    ----------
    dual : Dual
        From `Allocation.dual`.
    effective_impressions : (n,) array_like
        Of these rows, >= 0.
    floor, cap : scalar or (n,) array_like, optional
        Their bounds, money.
    price : Price, optional
        The rows' own prices where creators have caps (`CreatorPrices.of`); the pool's price otherwise.

    Returns
    -------
    payout : (n,) float64 array
        Money. The bits of a row do not depend on the other rows given.
    bound : (n,) int8 array
        Index into `BOUNDS`: what holds the payout. A payout at the implicit floor 0 counts as 'floor'.
    """
    m = np.ascontiguousarray(effective_impressions, dtype=np.float64)
    lo = np.broadcast_to(np.asarray(0.0 if floor is None else floor, dtype=np.float64), m.shape)
    hi = np.broadcast_to(np.asarray(np.inf if cap is None else cap, dtype=np.float64), m.shape)
    payout, bound = np.empty(m.size), np.empty(m.size, dtype=np.int8)

    def fill(first: int, end: int) -> None:
        for start in range(first, end, BATCH):
            rows = slice(start, min(start + BATCH, end))
            local = _price_of_rows(dual.price if price is None else price, rows)
            _fill(dual.objective, m[rows], lo[rows], hi[rows], local, payout[rows], bound[rows])

    on_slices(fill, m.size)
    return payout, bound


def _price_of_rows(price: Price, rows: slice) -> Price:
    if np.ndim(price.delta) == 0:
        return price
    columns = (price.ranked, price.anchor, price.delta, price.by_creator)
    return Price(*(np.asarray(column)[rows] for column in columns))


def _fill(
    objective: Objective,
    m: Floats,
    lo: Floats,
    hi: Floats,
    price: Price,
    payout: Floats,
    bound: Codes,
) -> None:
    # The same operations in the same order as `kernels.respond`, so that both give the same bits.
    x = objective.scaled(m)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance = price.delta + objective.pole_slope * (price.anchor - x)
        free = np.where(distance > 0, objective.numerator(x) / distance, np.inf)
        if np.any(price.ranked):
            equal = np.where(x < price.anchor, 0.0, np.where(x > price.anchor, np.inf, 1.0 / np.asarray(price.delta)))
            free = np.where(price.ranked, equal, free)
    np.minimum(np.maximum(free, lo), np.minimum(hi, objective.pool), out=payout)
    bound[:] = np.where(price.by_creator, CREATOR_CAP, INTERIOR)
    bound[payout >= hi] = CAP
    bound[payout <= lo] = FLOOR
