"""One step of the local search: a separable quadratic program over capacities and guarantees, solved by its dual.

Maximise ``-Σ D (x - target)² / 2`` with x between 0 and caps. Sums over contents are at most the drawers' capacities,
the sum of all at most the total, and sums over drawers, plain and weighted, at least the contents' guarantees. The
equation of each multiplier alone is monotone and piecewise linear, so the multipliers are solved for in turn.
"""

from __future__ import annotations

import numpy as np

from creatorpool.delivery.response import Floats
from creatorpool.numerics.compiled import compiled

SWEEPS = 300
# Relative excess over a limit, and relative slack of a limit with a price, at which the sweeps end.
ACCURACY = 1e-10
SLACKNESS = 1e-7
NEWTON_STEPS = 100


@compiled
def multiplier(
    free: Floats, pull: Floats, weight: Floats, caps: Floats, limit: float, start: float
) -> float:  # pragma: no cover - compiled
    """Least z >= 0 at which ``Σ weight · clip(free + z pull, 0, caps)`` meets `limit`.

    All of `pull` have the same sign and `weight` >= 0. If they are positive, the sum must be at least the limit, else
    at most. If no z suffices, the result is a z beyond which the sum does not change. Arrays have one shape (k,);
    `start` is a first guess.
    """
    sign = 1.0 if pull.max() > 0.0 else -1.0
    z, low, high = 0.0, 0.0, np.inf
    for turn in range(NEWTON_STEPS):
        total, slope = 0.0, 0.0
        for k in range(free.size):
            at = free[k] + z * pull[k]
            if at >= caps[k]:
                total += weight[k] * caps[k]
                if at == caps[k] and sign < 0.0:
                    slope += weight[k] * pull[k]
            elif at > 0.0 or (at == 0.0 and sign > 0.0):
                total += weight[k] * at
                slope += weight[k] * pull[k]
        ahead, slope = sign * (total - limit), sign * slope
        if ahead >= 0.0 and (z == 0.0 or ahead <= 1e-14 * abs(limit)):
            return z
        if ahead < 0.0:
            low = z
        else:
            high = z
        if high < np.inf and high - low <= 1e-15 * high:
            return high
        if turn == 0 and start > 0.0:
            z = start
            continue
        if slope > 0.0:
            z -= ahead / slope
        if not low < z < high:
            if high == np.inf:
                beyond = _next_move(free, pull, caps, low)
                if beyond == np.inf:
                    return low
                z = beyond
            else:
                z = 0.5 * (low + high)
    return high if high < np.inf else low


@compiled
def _next_move(free: Floats, pull: Floats, caps: Floats, z: float) -> float:  # pragma: no cover - compiled
    """A z just beyond the next corner of the piecewise linear sum after `z`; inf if there is none."""
    first = np.inf
    for k in range(free.size):
        if pull[k] == 0.0:
            continue
        for edge in (-free[k] / pull[k], (caps[k] - free[k]) / pull[k]):
            if z < edge * (1.0 - 1e-13) and edge < first:
                first = edge
    return first * (1.0 + 1e-12)


@compiled
def step_within(
    target: Floats,
    curvature: Floats,
    caps: Floats,
    drawer_limit: Floats,
    total: float,
    least: Floats,
    tangent: Floats,
    least_tangent: Floats,
    drawer_price: Floats,
    total_price: Floats,
    price: Floats,
    tangent_price: Floats,
) -> tuple[Floats, int]:  # pragma: no cover - compiled
    """The (n, m) optimum and the number of sweeps.

    Parameters
    ----------
    target, curvature, caps : (n, m) arrays
        The unconstrained optimum, D > 0, and upper bounds of x.
    drawer_limit, total : (m,) array and number
        Upper bounds of the sums by drawer and of the sum of all.
    least, least_tangent : (n,) arrays
        Lower bounds of Σ_j x and of Σ_j tangent x; -inf for none.
    tangent : (n, m) array
        Weights >= 0.
    drawer_price, total_price, price, tangent_price : (m,), (1,), (n,) and (n,) arrays
        First guesses of the multipliers; the function overwrites them with the multipliers.
    """
    n, m = target.shape
    inverse, zero = 1.0 / curvature, np.zeros((n, m))
    ones, all_ones = np.ones(n), np.ones(n * m)
    row_ones = np.ones(m)
    x, sweeps = zero, 0
    for sweep in range(SWEEPS):
        sweeps = sweep + 1
        held = target.copy()
        for i in range(n):
            for j in range(m):
                held[i, j] += inverse[i, j] * (price[i] + tangent_price[i] * tangent[i, j])
        free = held - inverse * drawer_price
        total_price[0] = multiplier(free.ravel(), -inverse.ravel(), all_ones, caps.ravel(), total, total_price[0])
        for j in range(m):
            drawer_price[j] = multiplier(
                held[:, j] - total_price[0] * inverse[:, j],
                -inverse[:, j],
                ones,
                caps[:, j],
                drawer_limit[j],
                drawer_price[j],
            )
        x = np.empty((n, m))
        worst, spare = 0.0, 0.0
        for i in range(n):
            base = target[i] - inverse[i] * (drawer_price + total_price[0])
            if least_tangent[i] > -np.inf and tangent[i].max() > 0.0:
                tangent_price[i] = multiplier(
                    base + price[i] * inverse[i],
                    inverse[i] * tangent[i],
                    tangent[i],
                    caps[i],
                    least_tangent[i],
                    tangent_price[i],
                )
            if least[i] > -np.inf:
                price[i] = multiplier(
                    base + tangent_price[i] * inverse[i] * tangent[i], inverse[i], row_ones, caps[i], least[i], price[i]
                )
            x[i] = np.minimum(np.maximum(base + inverse[i] * (price[i] + tangent_price[i] * tangent[i]), 0.0), caps[i])
            if least_tangent[i] > 0.0:
                ahead = ((tangent[i] * x[i]).sum() - least_tangent[i]) / least_tangent[i]
                worst = max(worst, -ahead)
                if tangent_price[i] > 0.0:
                    spare = max(spare, ahead)
            if least[i] > 0.0 and price[i] > 0.0:
                spare = max(spare, x[i].sum() / least[i] - 1.0)
        used = x.sum()
        worst = max(worst, (used - total) / max(total, 1.0))
        if total_price[0] > 0.0:
            spare = max(spare, (total - used) / max(total, 1.0))
        for j in range(m):
            used = x[:, j].sum()
            worst = max(worst, (used - drawer_limit[j]) / max(drawer_limit[j], 1.0))
            if drawer_price[j] > 0.0:
                spare = max(spare, (drawer_limit[j] - used) / max(drawer_limit[j], 1.0))
        if worst <= ACCURACY and spare <= SLACKNESS:
            break
    return x, sweeps
