"""Closed forms of the continuation values for simple engines (formulas §3.11, S4 C.2–C.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.continuation import horizon_periods
from creatorpool.incentives.types import Floats


def constant_inclusion_value(inclusion: ArrayLike, delta: float, start: int = 0) -> Floats:
    """``G = δ^{t0} ρ/(1 − δ)`` for constant inclusion probabilities ρ >= 0: the two-band and the frozen-index engine.

    Raises
    ------
    InputError
        If delta is outside (0, 1), start is negative or an inclusion is out of range.
    """
    _check_discount(delta, start)
    return delta**start * checked_numbers("inclusion", inclusion, 0.0)[()] / (1.0 - delta)


def relaxation_value(first: ArrayLike, steady: float, rate: float, delta: float, start: int = 0) -> Floats:
    """``G_b = δ^{t0} [p_ss/(1−δ) + (p_b − p_ss)/(1 − δ(1−κ))]`` for inclusion that relaxes from `first` to `steady`.

    Parameters
    ----------
    first : array_like
        p_b: inclusion right after the test, >= 0.
    steady : float
        p_ss: inclusion in the long run.
    rate : float
        κ in [0, 1]: share of the gap that closes in a period. For UCB, estimate κ from logs (`relaxation_rate`).
    delta : float
        Discount factor of a period, in (0, 1).
    start : int
        t0: first period after the test, >= 0.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    _check_discount(delta, start)
    checked_numbers("rate", rate, 0.0, 1.0)
    gap = checked_numbers("first", first, 0.0)[()] - steady
    return delta**start * (steady / (1.0 - delta) + gap / (1.0 - delta * (1.0 - rate)))


def relaxation_rate(inclusion: ArrayLike) -> tuple[float, float]:
    """Estimate (κ, p_ss) by least squares of inclusion on its lag: ``p_{t+1} = p_t + κ (p_ss − p_t)``.

    Parameters
    ----------
    inclusion : (paths, T) or (T,) array_like
        Inclusion probabilities, or mean inclusion of cohorts, in successive periods; T >= 3.

    Raises
    ------
    InputError
        If there are fewer than three periods, or inclusion is constant or does not converge.
    """
    paths = np.atleast_2d(checked_numbers("inclusion", inclusion, 0.0))
    if paths.shape[1] < 3:
        raise InputError(f"inclusion must cover at least 3 periods, got {paths.shape[1]}")
    now, after = paths[:, :-1].reshape(-1), paths[:, 1:].reshape(-1)
    spread = now - now.mean()
    if not (spread**2).sum() > 0:
        raise InputError("inclusion is constant, so it shows no rate of relaxation")
    keep = float((spread * after).sum() / (spread**2).sum())
    if not 0 <= keep < 1:
        raise InputError(f"inclusion does not converge: each period keeps {keep:.3g} of the gap, outside [0, 1)")
    return 1.0 - keep, float((after.mean() - keep * now.mean()) / (1.0 - keep))


def thompson_value(alpha: float, beta: float, quality: float, incumbent: float, delta: float, start: int = 0) -> float:
    """Discounted exposure under Thompson sampling against one incumbent of quality μ0.

    The posterior grows by its expected counts: ``a_t = 1 − BetaCDF(μ0; α_t, β_t)``, and α and β grow by a_t q and
    a_t (1 − q). The horizon is `horizon_periods`, as in the simulation.

    Raises
    ------
    InputError
        If delta is outside (0, 1) or start is negative.
    """
    _check_discount(delta, start)
    total, a, b = 0.0, float(alpha), float(beta)
    for period in range(start, start + horizon_periods(delta)):
        share = 1.0 - float(betainc(a, b, incumbent))
        total += delta**period * share
        a, b = a + share * quality, b + share * (1.0 - quality)
    return total


def _check_discount(delta: float, start: int) -> None:
    if not 0 < delta < 1:
        raise InputError(f"delta must lie in (0, 1), got {delta}")
    if start < 0:
        raise InputError(f"start must be >= 0, got {start}")
