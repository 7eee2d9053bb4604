"""One step of the local search: the best separable quadratic over capacities and guarantees, by its dual.

Maximise ``-Σ D (x - target)² / 2`` with x between 0 and caps, sums over contents at most the drawers' capacities, all
of it at most the total, and sums over drawers, plain and weighted, at least the contents' guarantees. The dual is
concave, and the equation of each multiplier alone is monotone and piecewise linear: they are solved in turn.
"""

from __future__ import annotations

import numpy as np

from creatorpool.delivery.response import Floats
from creatorpool.numerics.compiled import compiled

SWEEPS = 300
# Part of a limit by which it may be exceeded, and by which one with a price may be missed.
ACCURACY = 1e-10
SLACKNESS = 1e-7
NEWTON_STEPS = 100


@compiled
def multiplier(
    free: Floats, pull: Floats, weight: Floats, caps: Floats, limit: float, start: float
) -> float:  # pragma: no cover - compiled
    """Least z >= 0 with ``Σ weight · clip(free + z pull, 0, caps)`` on the right side of `limit`.

    None of `pull` has another sign than the others, and `weight` >= 0: the sum must be at least the limit if they are
    positive, else at most. Where no z is enough, one beyond which nothing moves.
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
    """The middle between z and the end of the stretch after the next corner beyond z; inf if there is none."""
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
    """The (n, m) optimum and the sweeps it took; the price arrays are the start and become the multipliers.

    Parameters
    ----------
    target, curvature, caps : (n, m) arrays
        The optimum without constraints, D > 0, and the most of each.
    drawer_limit, total : (m,) array and number
        Most by drawer, and in all.
    least, least_tangent : (n,) arrays
        Least Σ_j x, and least Σ_j tangent x; -inf for none.
    tangent : (n, m) array
        >= 0.
    total_price : (1,) array
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
