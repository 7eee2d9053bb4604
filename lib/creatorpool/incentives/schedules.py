"""Schedules of guaranteed impressions: discounted mass, earliest schedule (formulas §3.7, S4 (13), (29))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts, checked_numbers
from creatorpool.incentives.poisson_binomial import PoissonBinomialModel
from creatorpool.incentives.slots import DecayingSlots
from creatorpool.incentives.types import Curve, Floats, Integers


def discounted_mass(times: ArrayLike, delta: ArrayLike) -> Floats:
    """``N = Σ_j δ^{t_j}`` over the last axis of `times`.

    Parameters
    ----------
    times : (..., n) array_like
        Periods after entry in which test impressions are shown, >= 0, in any order.
    delta : array_like
        Discount factor of a period, in (0, 1]; broadcasts with the leading axes of `times`.

    Returns
    -------
    (...) float64 array or scalar

    Raises
    ------
    InputError
        If a time is negative or delta is outside (0, 1].
    """
    when = np.atleast_1d(checked_numbers("times", times, 0.0))
    mass: Floats = np.power(_checked_delta(delta)[..., None], when).sum(axis=-1)
    return mass[()]


def earliest_schedule(n: int, caps: ArrayLike, eligible: ArrayLike | None = None) -> Integers:
    """The (n,) periods, ascending, of the earliest schedule of `n` impressions that the caps allow.

    Parameters
    ----------
    n : int
        Impressions to place, >= 1.
    caps : (T,) array_like of int
        Largest number of test impressions in each period, >= 0.
    eligible : (T,) array_like of bool, optional
        Periods in which the entrant may be shown; all by default.

    Raises
    ------
    InputError
        If the caps sum to less than `n`, shapes differ or a value is out of range.

    Notes
    -----
    Moving an impression to an earlier period raises Σ δ^t and does not change n, π or π′. So the earliest feasible
    schedule has the largest mass for every δ (formulas §3.7, S4 (13), (29)).
    """
    wanted, room = int(checked_counts("n", n, 1)), checked_counts("caps", caps, 0)
    if room.ndim != 1:
        raise InputError(f"caps must hold one count per period, got shape {room.shape}")
    if eligible is not None:
        allowed = np.asarray(eligible, dtype=np.bool_)
        if allowed.shape != room.shape:
            raise InputError(f"eligible must have the shape of caps, {room.shape}, got {allowed.shape}")
        room = np.where(allowed, room, 0)
    if room.sum() < wanted:
        raise InputError(f"the caps allow {room.sum()} test impressions, fewer than n = {wanted}")
    return np.repeat(np.arange(room.size), np.minimum(room, wanted))[:wanted]


@dataclass(frozen=True)
class Window:
    """Discounted mass and pass model of a scheduled test."""

    mass: float
    """N"""
    model: PoissonBinomialModel


def scheduled_window(times: ArrayLike, delta: float, novelty: ArrayLike, link: Curve) -> Window:
    """Mass and pass model of a test shown at (n,) `times` to an audience whose interest decays (S4 (44)).

    Parameters
    ----------
    times : (n,) array_like of int
        Periods of the impressions.
    delta : float
        Discount factor of a period, in (0, 1].
    novelty : (T,) array_like
        ω_t in [0, 1], the weight of the success chance in period t.
    link : Curve
        g: the success chance in period t is ω_t g(q).

    Raises
    ------
    InputError
        If a value is out of range or novelty does not cover the last period of the test.
    """
    when, weight = checked_counts("times", times, 0), checked_numbers("novelty", novelty, 0.0, 1.0)
    if when.ndim != 1 or weight.ndim != 1 or when.size == 0:
        raise InputError(f"times and novelty must be lists, got shapes {when.shape} and {weight.shape}")
    if when.max() >= weight.size:
        raise InputError(f"novelty must cover the last period of the test, {when.max()}, got {weight.size} periods")
    mass = float(discounted_mass(when, delta))
    return Window(mass, PoissonBinomialModel(DecayingSlots(weight[np.sort(when)], link)))


def _checked_delta(delta: ArrayLike) -> Floats:
    factor = checked_numbers("delta", delta, 0.0, 1.0)
    if (factor == 0).any():
        raise InputError("delta must lie in (0, 1], got 0")
    return factor
