"""Compiled parts of the fit over the days of many contents: subsequences, and damped least squares in a box.

Everything that `fit_rows` calls is in this file, so that its machine code can be cached on disk. In the parameters
(a, θ, b) = (log10 y_m, ln r, log10 y_0) the curve is ``log10 ŷ = a − log10(1 + c·e^{−rd})`` with c = y_m/y_0 − 1 and
d = x − x_0, and its derivatives are ``∂a = 1 − s``, ``∂θ = c·E·r·d / (ln 10 (1 + c·E))``, ``∂b = s`` with E = e^{−rd}
and s = (y_m/y_0)·E / (1 + c·E).
"""

from __future__ import annotations

import math

import numpy as np

from creatorpool.delivery.p2c import Bools, Floats, Integers
from creatorpool.numerics.compiled import compiled

LN10 = math.log(10.0)
MAX_STEPS = 200
STARTS = 3
SMALL_STEP = 1e-9
SMALL_GRADIENT = 1e-9
FIRST_DAMPING, MAX_DAMPING = 1e-3, 1e12

# Starting points: saturation over the largest observed clicks, and rate times the span of impressions.
CEILINGS = np.array([1.02, 1.3, 2.0, 5.0])
RATES = np.array([0.7, 2.0, 5.0])


@compiled
def longest_increasing(x: Floats, y: Floats, chosen: Integers, tails: Integers, back: Integers) -> int:
    """Longest subsequence that strictly rises in y. Rows are in order of x; rows with equal x fall in y.

    Writes the positions of its members to `chosen`, in order, and returns their number. Of several of equal length it
    takes the one with the least clicks at each length. All arrays are (n,).
    """
    length = 0
    for place in range(y.size):
        low, high = 0, length
        while low < high:
            middle = (low + high) // 2
            if y[tails[middle]] < y[place]:
                low = middle + 1
            else:
                high = middle
        tails[low] = place
        back[place] = tails[low - 1] if low > 0 else -1
        length = max(length, low + 1)
    place = tails[length - 1] if length > 0 else -1
    for position in range(length - 1, -1, -1):
        chosen[position] = place
        place = back[place]
    return length


@compiled
def _value(d: float, a: float, theta: float, b: float) -> float:
    """log10 ŷ."""
    c = max(10.0 ** (a - b) - 1.0, 0.0)
    return a - math.log1p(c * math.exp(-math.exp(theta) * d)) / LN10


@compiled
def _cost(d: Floats, z: Floats, p: Floats, centre: Floats, precision: Floats) -> float:
    total = 0.0
    for i in range(d.size):
        gap = _value(d[i], p[0], p[1], p[2]) - z[i]
        total += gap * gap
    for j in range(2):
        for k in range(2):
            total += precision[j, k] * (p[j] - centre[j]) * (p[k] - centre[k])
    return total


@compiled
def _normal_equations(
    d: Floats, z: Floats, p: Floats, centre: Floats, precision: Floats, hessian: Floats, gradient: Floats
) -> None:
    """JᵀJ + Λ and Jᵀ·residual + Λ(p − centre): half the second and first derivatives of the cost."""
    hessian[:] = 0.0
    gradient[:] = 0.0
    row = np.empty(3)
    rate, ratio = math.exp(p[1]), 10.0 ** (p[0] - p[2])
    c = max(ratio - 1.0, 0.0)
    for i in range(d.size):
        decay = math.exp(-rate * d[i])
        below = 1.0 + c * decay
        gap = p[0] - math.log(below) / LN10 - z[i]
        row[2] = ratio * decay / below
        row[0] = 1.0 - row[2]
        row[1] = c * decay * rate * d[i] / (LN10 * below)
        for j in range(3):
            gradient[j] += row[j] * gap
            for k in range(3):
                hessian[j, k] += row[j] * row[k]
    for j in range(2):
        for k in range(2):
            hessian[j, k] += precision[j, k]
            gradient[j] += precision[j, k] * (p[k] - centre[k])


@compiled
def _solve(hessian: Floats, gradient: Floats, damping: float, free: Bools, step: Floats) -> bool:
    """Solve (H + damping·diag H)·step = −gradient for the free parameters by elimination; the others get step 0."""
    work = np.zeros((3, 4))
    for j in range(3):
        if not free[j]:
            work[j, j] = 1.0
            continue
        for k in range(3):
            if free[k]:
                work[j, k] = hessian[j, k]
        work[j, j] += damping * max(hessian[j, j], 1e-12)
        work[j, 3] = -gradient[j]
    for j in range(3):
        if not work[j, j] > 1e-300:
            return False
        for i in range(j + 1, 3):
            factor = work[i, j] / work[j, j]
            for k in range(j, 4):
                work[i, k] -= factor * work[j, k]
    for j in range(2, -1, -1):
        rest = work[j, 3]
        for k in range(j + 1, 3):
            rest -= work[j, k] * step[k]
        step[j] = rest / work[j, j]
    return True


@compiled
def _predicted_decrease(hessian: Floats, gradient: Floats, step: Floats) -> float:
    """Decrease of the cost's quadratic model after `step`."""
    total = 0.0
    for j in range(3):
        total -= 2.0 * gradient[j] * step[j]
        for k in range(3):
            total -= step[j] * hessian[j, k] * step[k]
    return total


@compiled
def descend(
    d: Floats, z: Floats, p: Floats, low: Floats, high: Floats, centre: Floats, precision: Floats
) -> tuple[float, bool]:
    """Levenberg–Marquardt within low <= p <= high; changes `p`, returns the cost and whether it converged."""
    hessian, gradient, step = np.empty((3, 3)), np.empty(3), np.zeros(3)
    free = np.empty(3, dtype=np.bool_)
    damping, cost = FIRST_DAMPING, _cost(d, z, p, centre, precision)
    for _ in range(MAX_STEPS):
        _normal_equations(d, z, p, centre, precision, hessian, gradient)
        slope = 0.0
        for j in range(3):
            held = (p[j] <= low[j] and gradient[j] > 0) or (p[j] >= high[j] and gradient[j] < 0)
            free[j] = not held and low[j] < high[j]
            if free[j]:
                slope = max(slope, abs(gradient[j]) / math.sqrt(1.0 + hessian[j, j]))
        if slope <= SMALL_GRADIENT:
            return cost, True
        while True:
            moved = 0.0
            solved = _solve(hessian, gradient, damping, free, step)
            trial = p.copy()
            if solved:
                for j in range(3):
                    trial[j] = min(max(p[j] + step[j], low[j]), high[j])
                    moved = max(moved, abs(trial[j] - p[j]))
                reached = _cost(d, z, trial, centre, precision)
                if reached <= cost:
                    break
            damping *= 4.0
            if damping > MAX_DAMPING:
                # Even the shortest step gains nothing: rounding hides any gain.
                return cost, slope <= 1e-6
        # Damping rises if the gain is far below the prediction: in a curved valley undamped steps would oscillate.
        predicted = _predicted_decrease(hessian, gradient, trial - p)
        gain, cost = cost - reached, reached
        p[:] = trial
        if gain > 0.75 * predicted:
            damping = max(damping / 9.0, 1e-12)
        elif gain < 0.25 * predicted:
            damping *= 4.0
        if moved <= SMALL_STEP and gain <= 1e-14 * (1.0 + cost):
            return cost, True
    return cost, False


@compiled
def _best_start(
    d: Floats, z: Floats, low: Floats, high: Floats, centre: Floats, precision: Floats, b: float, best: Floats
) -> bool:
    """Descend from the `STARTS` grid points of least cost; write the best end to `best`; return if it converged."""
    top, span = z.max(), d.max()
    count = CEILINGS.size * RATES.size + 1
    points, costs = np.empty((count, 3)), np.empty(count)
    for place in range(count):
        if place == count - 1:
            points[place, 0], points[place, 1] = centre[0], centre[1]
        else:
            points[place, 0] = top + math.log10(CEILINGS[place // RATES.size])
            points[place, 1] = math.log(RATES[place % RATES.size] / span)
        points[place, 2] = b
        for j in range(3):
            points[place, j] = min(max(points[place, j], low[j]), high[j])
        costs[place] = _cost(d, z, points[place], centre, precision)
    order = np.argsort(costs)
    least, converged = np.inf, False
    for position in range(STARTS):
        p = points[order[position]].copy()
        cost, ended = descend(d, z, p, low, high, centre, precision)
        if cost < least:
            least, converged = cost, ended
            best[:] = p
    return converged


@compiled
def fit_rows(
    offsets: Integers,
    x: Floats,
    y: Floats,
    centre: Floats,
    precision: Floats,
    bounds: Floats,
    frees_anchor: bool,
    recentred: Bools,
    parameters: Floats,
    converged: Bools,
) -> None:
    """Fit the curve of each content whose precision is not nan; write `parameters` (n, 3) and `converged` (n,).

    In each content's rows, `x` (d,) rises and `y` (d,) is positive. `centre` (n, 2) and `precision` (n, 2, 2) define
    the penalty. Where `recentred` (n,), its centre moves to the end of the first descent. `bounds` (n, 2, 2) holds the
    least and the largest (a, θ).
    """
    low, high, middle = np.empty(3), np.empty(3), np.empty(2)
    for row in range(offsets.size - 1):
        first, end = offsets[row], offsets[row + 1]
        if end == first or math.isnan(precision[row, 0, 0]):
            continue
        d = x[first:end] - x[first]
        z = np.log10(y[first:end])
        low[:2], high[:2] = bounds[row, 0], bounds[row, 1]
        low[2] = z[0] - 1.0 if frees_anchor else z[0]
        high[2] = min(z[0] + 1.0, z[-1]) if frees_anchor else z[0]
        converged[row] = _best_start(d, z, low, high, centre[row], precision[row], z[0], parameters[row])
        if recentred[row]:
            # The penalty around the end of the first descent stabilises parameters that the days do not determine and
            # hardly changes the others.
            middle[:] = parameters[row, :2]
            _, converged[row] = descend(d, z, parameters[row], low, high, middle, precision[row])


@compiled
def rising_rows(offsets: Integers, x: Floats, y: Floats, chosen: Bools) -> None:
    """Mark each content's longest increasing subsequence in `chosen` (d,); rows are as in `longest_increasing`."""
    longest = 0
    for row in range(offsets.size - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    picked, tails, back = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64)
    for row in range(offsets.size - 1):
        first, end = offsets[row], offsets[row + 1]
        length = longest_increasing(x[first:end], y[first:end], picked, tails, back)
        for position in range(length):
            chosen[first + picked[position]] = True
