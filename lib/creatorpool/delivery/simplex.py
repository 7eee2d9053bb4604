"""The simplex method on a dense tableau, compiled: for programs so small that a solver's set-up would dominate."""

from __future__ import annotations

import numpy as np

from creatorpool.delivery.response import Floats
from creatorpool.numerics.compiled import compiled

OPTIMAL, INFEASIBLE, UNSOLVED = 0, 1, 2
# Reduced costs and right sides within the first of 0 count as 0; pivots must exceed the second.
ZERO, MIN_PIVOT = 1e-10, 1e-9
# Largest value of the artificial variable in a feasible program.
FEASIBLE = 1e-9
# Most pivots by the largest reduced cost, as a multiple of rows plus columns; then as many by Bland's rule, which
# cannot cycle.
PIVOTS = 4


@compiled
def simplex(cost: Floats, matrix: Floats, right: Floats) -> tuple[int, Floats, Floats]:  # pragma: no cover - compiled
    """Minimise ``cost @ x`` over x >= 0 with ``matrix @ x <= right``.

    Parameters
    ----------
    cost, matrix, right : (c,), (r, c) and (r,) arrays
        Rows and costs are scaled near 1; `right` may have any sign.

    Returns
    -------
    OPTIMAL, INFEASIBLE or UNSOLVED (unbounded, or too many pivots); (c,) optimum; (r,) multipliers >= 0.
    """
    r, c = matrix.shape
    artificial, last = c + r, c + r + 1
    # Rows r and r + 1 are the reduced costs of the program and of the artificial variable.
    table = np.zeros((r + 2, c + r + 2))
    table[:r, :c] = matrix
    table[:r, last] = right
    table[r, :c] = cost
    basis = np.empty(r, dtype=np.int64)
    for i in range(r):
        table[i, c + i] = 1.0
        basis[i] = c + i
    first = 0
    for i in range(r):
        if right[i] < right[first]:
            first = i
    status = OPTIMAL
    if r > 0 and right[first] < -ZERO:
        table[:r, artificial] = -1.0
        table[r + 1, artificial] = 1.0
        _pivot(table, basis, first, artificial)
        status = _descend(table, basis, r + 1, artificial + 1)
        if status == OPTIMAL and -table[r + 1, last] > FEASIBLE:
            status = INFEASIBLE
        if status == OPTIMAL:
            _drive_out(table, basis, artificial)
    if status == OPTIMAL:
        status = _descend(table, basis, r, artificial)
    x = np.zeros(c)
    for i in range(r):
        if basis[i] < c:
            x[basis[i]] = max(table[i, last], 0.0)
    return status, x, np.maximum(table[r, c:artificial], 0.0)


@compiled
def _pivot(table: Floats, basis: np.ndarray, row: int, column: int) -> None:  # pragma: no cover - compiled
    table[row] /= table[row, column]
    for i in range(table.shape[0]):
        if i != row:
            part = table[i, column]
            if part != 0.0:
                table[i] -= part * table[row]
                table[i, column] = 0.0
    basis[row] = column


@compiled
def _drive_out(table: Floats, basis: np.ndarray, artificial: int) -> None:  # pragma: no cover - compiled
    """Replace a basic artificial variable, which is 0, by another variable of its row."""
    for i in range(basis.size):
        if basis[i] == artificial:
            column = int(np.argmax(np.abs(table[i, :artificial])))
            if abs(table[i, column]) > MIN_PIVOT:
                _pivot(table, basis, i, column)
            else:
                table[i] = 0.0


@compiled
def _descend(table: Floats, basis: np.ndarray, goal: int, columns: int) -> int:  # pragma: no cover - compiled
    """Pivot until no reduced cost of row `goal` among the first `columns` is below 0."""
    rows, last = basis.size, table.shape[1] - 1
    limit = PIVOTS * (rows + columns)
    for turn in range(2 * limit):
        column, least = -1, -ZERO
        for k in range(columns):
            if table[goal, k] < least:
                column, least = k, table[goal, k]
                if turn >= limit:
                    break
        if column < 0:
            return OPTIMAL
        row, ratio = -1, np.inf
        for i in range(rows):
            entry = table[i, column]
            if entry <= MIN_PIVOT:
                continue
            own = max(table[i, last], 0.0) / entry
            if row < 0 or own < ratio - 1e-12 * (1.0 + ratio):
                row, ratio = i, own
                continue
            # Of equal ratios the largest pivot is the most accurate; Bland's rule takes the first variable.
            is_preferred = basis[i] < basis[row] if turn >= limit else entry > table[row, column]
            if is_preferred and own <= ratio + 1e-12 * (1.0 + ratio):
                row, ratio = i, min(own, ratio)
        if row < 0:
            return UNSOLVED
        _pivot(table, basis, row, column)
    return UNSOLVED
