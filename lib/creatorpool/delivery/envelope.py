"""The best point of a response curve at given prices: the exact inner step of the Lagrangian dual.

The largest ``w f(x) - q x`` over an interval is what the concave envelope of f would give, so prices of the shared
constraints together with these points bound every plan from above.
"""

from __future__ import annotations

import math

import numpy as np

from creatorpool.delivery.response import ANCHOR, CEILING, ODDS, RATE, RAY, Floats, Integers
from creatorpool.numerics.compiled import compiled

# A point at a class's cap belongs to the class, rounding of the cap included.
AT_CAP = 1.0 + 1e-12


@compiled
def best_points(
    parameters: Floats,
    drawer: Integers,
    weight: Floats,
    price: Floats,
    low: Floats,
    high: Floats,
    class_caps: Floats,
    class_prices: Floats,
) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Maximise ``weight f(x) - price x - class price`` over [low, high], pair by pair.

    Parameters
    ----------
    parameters : (5, p) array
        As in `ResponseCurves`.
    drawer : (p,) int array
        The drawer of each pair, a row of the class tables.
    weight, price, low, high : (p,) arrays
        Of either sign; 0 <= low <= high < inf.
    class_caps, class_prices : (m, d) arrays
        Ascending caps of each drawer's classes, padded by inf, and what a point above the cap before costs.

    Returns
    -------
    (p,) values and (p,) points. Stationary points are closed forms: r y (1 - y / y_m) = q / w.
    """
    pairs = drawer.size
    values, points = np.empty(pairs), np.empty(pairs)
    candidate = np.empty(5 + class_caps.shape[1])
    for p in range(pairs):
        rate, ceiling, anchor = parameters[RATE, p], parameters[CEILING, p], parameters[ANCHOR, p]
        odds, ray = parameters[ODDS, p], parameters[RAY, p]
        caps, prices = class_caps[drawer[p]], class_prices[drawer[p]]
        count = 2
        candidate[0], candidate[1] = low[p], high[p]
        if anchor < high[p]:
            candidate[count] = anchor
            count += 1
            steepness = weight[p] * rate * ceiling
            share = price[p] / steepness if steepness != 0.0 else 0.0
            if 0.0 < share < 0.25:
                least = 2.0 * share / (1.0 + math.sqrt(1.0 - 4.0 * share))  # y / y_m on the convex side
                middle, reach = anchor + math.log(odds) / rate, math.log((1.0 - least) / least) / rate
                candidate[count], candidate[count + 1] = middle - reach, middle + reach
                count += 2
        for d in range(caps.size):
            if caps[d] < high[p]:
                candidate[count] = caps[d]
                count += 1
        best, at = -math.inf, low[p]
        for c in range(count):
            x = candidate[c]
            if low[p] <= x <= high[p]:
                y = ray * x if x <= anchor else ceiling / (1.0 + odds * math.exp(-rate * (x - anchor)))
                d = 0
                while d < caps.size - 1 and x > caps[d] * AT_CAP:
                    d += 1
                value = weight[p] * y - price[p] * x - prices[d]
                if value > best:
                    best, at = value, x
        values[p], points[p] = best, at
    return values, points
