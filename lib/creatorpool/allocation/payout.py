"""What each video gets at a price: the closed form, row by row, for any batch of rows (formulas §2.3, §2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.allocation.objective import BATCH, Objective
from creatorpool.errors import InputError
from creatorpool.numerics.compiled import on_slices
from creatorpool.numerics.types import Codes, Floats

BOUNDS = ("interior", "floor", "cap", "creator_cap")
INTERIOR, FLOOR, CAP, CREATOR_CAP = range(4)


@dataclass(frozen=True)
class Price:
    """The price of money in a pool, in the units of `Objective`.

    Not `ranked`: a video with x < anchor pays ``numerator / (delta + pole_slope * (anchor - x))``. `anchor` is the
    largest pole not above the price, so `delta`, the distance from it, loses no digits however close they lie. A video
    whose pole is above the price gets its cap.

    `ranked` (nothing but order counts: a linear program, or money left when every video of weight is at its cap):
    x > anchor gets its cap, x < anchor its floor, and those at the anchor share equally, ``pool / delta`` each.
    """

    ranked: bool
    anchor: float
    delta: float


@dataclass(frozen=True)
class RowPrices:
    """One `Price` a video, (n,) arrays, where some creators' caps bind."""

    ranked: NDArray[np.bool_]
    anchor: Floats
    delta: Floats


@dataclass(frozen=True)
class CreatorPrices:
    """Own prices of the (G,) creators whose caps bind; others have the pool's price."""

    creator: NDArray[Any]  # labels, ascending
    ranked: NDArray[np.bool_]
    anchor: Floats
    delta: Floats
    eta: Floats  # multipliers η_g of the creators' caps, objective per money, >= 0

    def place(self, creator: NDArray[Any]) -> NDArray[np.intp]:
        """Where each video's creator stands among these, -1 if not at all."""
        return place_among(self.creator, creator)

    def at(self, place: NDArray[np.intp], price: Price) -> Price | RowPrices:
        """The price of each video whose creator stands at `place`; `price` is the pool's."""
        is_own = place >= 0
        if not is_own.any():
            return price
        return RowPrices(
            np.where(is_own, self.ranked[place], price.ranked),
            np.where(is_own, self.anchor[place], price.anchor),
            np.where(is_own, self.delta[place], price.delta),
        )

    def eta_at(self, place: NDArray[np.intp]) -> Floats:
        """η of each video's creator, 0 where the cap does not bind."""
        return np.where(place >= 0, self.eta[place], 0.0) if self.eta.size else np.zeros(place.size)


def place_among(label: NDArray[Any], creator: NDArray[Any]) -> NDArray[np.intp]:
    """Where each of the (n,) creators stands among the ascending labels, -1 if not at all."""
    if label.size == 0:
        return np.full(creator.size, -1)
    place = np.minimum(np.searchsorted(label, creator), label.size - 1)
    return np.where(label[place] == creator, place, -1)


@dataclass(frozen=True)
class Dual:
    """The solution of a pool's dual: enough to fill in any video's payout."""

    objective: Objective
    price: Price
    nu: float  # multiplier of the pool constraint, objective per money
    creators: CreatorPrices | None = None


def payout_from_dual(
    dual: Dual,
    effective_impressions: ArrayLike,
    floor: ArrayLike | None = None,
    cap: ArrayLike | None = None,
    creator: ArrayLike | None = None,
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
    creator : (n,) array_like, optional
        Their creators, needed where creators have caps.

    Returns
    -------
    payout : (n,) float64 array
        Money. The bits of a row do not depend on the other rows given.
    bound : (n,) int8 array
        Index into `BOUNDS`: what holds the payout. A payout at the implicit floor 0 counts as 'floor'. One that the
        pool's price alone would make larger is held by its creator's cap, at the floor too.

    Raises
    ------
    InputError
        If creators have caps and `creator` is missing.
    """
    m = np.ascontiguousarray(effective_impressions, dtype=np.float64)
    lo = np.asarray(0.0 if floor is None else floor, dtype=np.float64)
    hi = np.asarray(np.inf if cap is None else cap, dtype=np.float64)
    place = None
    if dual.creators is not None:
        if creator is None:
            raise InputError("creator must be given: creators of this pool have caps")
        place = dual.creators.place(np.asarray(creator))
    payout = dual.objective.numerators(m)
    return payout, pay_in_place(payout, dual, m, lo, hi, place)


def pay_in_place(
    numerator: Floats, dual: Dual, m: Floats, floor: Floats, cap: Floats, place: NDArray[np.intp] | None
) -> Codes:
    """Turn the (n,) numerators into payouts, and return what holds each; `place` is that of each video's creator."""
    bound = np.empty(m.size, dtype=np.int8)
    lo, hi = np.broadcast_to(floor, m.shape), np.broadcast_to(cap, m.shape)

    def pay(first: int, end: int) -> None:
        for start in range(first, end, BATCH):
            rows = slice(start, min(start + BATCH, end))
            own = None if dual.creators is None or place is None else place[rows]
            _pay(numerator[rows], dual, m[rows], lo[rows], hi[rows], own, bound[rows])

    on_slices(pay, m.size)
    return bound


def _pay(
    payout: Floats, dual: Dual, m: Floats, lo: Floats, hi: Floats, place: NDArray[np.intp] | None, bound: Codes
) -> None:
    price: Price | RowPrices = dual.price
    own = np.zeros(0, dtype=np.intp)
    if dual.creators is not None and place is not None:
        price, own = dual.creators.at(place, dual.price), np.flatnonzero(place >= 0)
    at_pools_price = payout[own]
    if own.size:
        _respond(at_pools_price, dual.objective, m[own], lo[own], hi[own], dual.price)
    _respond(payout, dual.objective, m, lo, hi, price)
    # Arithmetic on the comparisons' bytes: half the time of assigning by mask.
    at_floor, at_cap = (payout <= lo).view(np.int8), (payout >= hi).view(np.int8)
    np.add(at_floor * np.int8(FLOOR), (at_cap > at_floor).view(np.int8) * np.int8(CAP), out=bound)
    bound[own[payout[own] < at_pools_price]] = CREATOR_CAP


def _respond(payout: Floats, objective: Objective, m: Floats, lo: Floats, hi: Floats, price: Price | RowPrices) -> None:
    # As `kernels.respond`; the last bit of a payout of the whole pool must not exceed it.
    x = objective.scaled(m)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance = price.delta + objective.pole_slope * (price.anchor - x)
        payout /= distance
        if distance.min() <= 0:
            payout[distance <= 0] = np.inf
        if np.any(price.ranked):
            equal = np.full(m.shape, objective.pool) / price.delta
            equal[x < price.anchor] = 0.0
            equal[x > price.anchor] = np.inf
            np.copyto(payout, equal, where=price.ranked)
    np.maximum(payout, lo, out=payout)
    np.minimum(payout, hi, out=payout)
    np.minimum(payout, objective.pool, out=payout)
