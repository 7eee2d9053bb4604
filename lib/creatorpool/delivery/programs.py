"""Linear programs of the planner: small ones by the compiled simplex method, others by HiGHS, in several attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, hstack, issparse, vstack

from creatorpool.delivery.response import Floats, Integers
from creatorpool.delivery.simplex import INFEASIBLE, OPTIMAL, simplex

# A numpy array if it is small, else a csr_array, for which there are no types.
Matrix: TypeAlias = Any

# Most entries of a small, dense program; upper limits count as rows.
SMALL = 20_000
# Relative excess over a row's limit that is accepted in the simplex method's optimum.
ACCURACY = 1e-8
# Methods and settings of HiGHS, in the order of attempts.
ATTEMPTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("highs-ds", {}),
    ("highs-ds", {"presolve": False}),
    ("highs-ipm", {}),
    ("highs-ipm", {"presolve": False}),
)
# Rounds of scaling that bring the largest entries of rows and columns near 1.
SCALINGS = 3


class UnsolvedProgramError(ArithmeticError):
    """No method found an optimum or proved that there is none."""


@dataclass(frozen=True)
class Optimum:
    """Solution of a linear program."""

    x: Floats
    """(c,)"""
    multipliers: Floats
    """(r,) >= 0, one per row"""
    cost: float


def solved(cost: Floats, matrix: Matrix, right: Floats, upper: Floats | None = None) -> Optimum | None:
    """Minimise ``cost @ x`` with ``matrix @ x <= right`` and 0 <= x <= upper; None if no x is feasible.

    Parameters
    ----------
    cost, right, upper : (c,), (r,) and (c,) arrays
        Rows scaled near 1; no upper limits by default.
    matrix : (r, c) array, dense or sparse

    Raises
    ------
    UnsolvedProgramError
        If no method gives an answer.
    """
    rows, columns = matrix.shape
    if (rows + (columns if upper is not None else 0)) * columns <= SMALL:
        with suppress(UnsolvedProgramError):
            return _by_simplex(cost, matrix.toarray() if issparse(matrix) else matrix, right, upper)
    return _by_highs(cost, csr_array(matrix), right, upper)


def matrix_of(amount: Floats, row: Integers, column: Integers, shape: tuple[int, int]) -> Matrix:
    """The matrix of `shape` with these entries; entries at one place add up. Dense if small, else sparse."""
    if shape[0] * shape[1] > SMALL:
        return csr_array(coo_array((amount, (row, column)), shape=shape))
    matrix = np.zeros(shape)
    np.add.at(matrix, (row, column), amount)
    return matrix


def beside(*blocks: Matrix) -> Matrix:
    """Blocks joined from left to right."""
    return csr_array(hstack(blocks)) if any(issparse(block) for block in blocks) else np.hstack(blocks)


def stacked(*blocks: Matrix) -> Matrix:
    """Blocks joined from top to bottom."""
    return csr_array(vstack(blocks)) if any(issparse(block) for block in blocks) else np.vstack(blocks)


def row_scale(matrix: Matrix) -> Floats:
    """(r,) largest entry of each row; rows divided by it share the meaning of a solver's absolute tolerances."""
    largest = abs(matrix).max(axis=1) if matrix.shape[1] else np.zeros(matrix.shape[0])
    scale: Floats = np.maximum(csr_array(largest).toarray().ravel() if issparse(largest) else largest, 1e-9)
    return scale


def scaled_rows(matrix: Matrix, scale: Floats) -> Matrix:
    """The matrix with rows divided by `scale` (r,)."""
    return matrix * (1.0 / scale)[:, None]


def _by_simplex(cost: Floats, matrix: Floats, right: Floats, upper: Floats | None) -> Optimum | None:
    rows = right.size
    if upper is not None:
        matrix, right = np.vstack([matrix, np.eye(cost.size)]), np.concatenate([right, upper])
    status, x, multipliers = simplex(cost, np.ascontiguousarray(matrix), right)
    if status == INFEASIBLE:
        return None
    if status != OPTIMAL or (matrix @ x - right > ACCURACY * np.maximum(np.abs(right), 1.0)).any():
        raise UnsolvedProgramError("the simplex method found no reliable answer")
    return Optimum(x, multipliers[:rows], float(cost @ x))


def _by_highs(cost: Floats, matrix: csr_array, right: Floats, upper: Floats | None) -> Optimum | None:
    limits = np.full(cost.size, np.inf) if upper is None else upper
    message = ""
    for scaled, rows, columns in _scaled(matrix):
        for method, options in ATTEMPTS:
            found = linprog(
                cost * columns, A_ub=scaled, b_ub=right / rows,
                bounds=np.stack([np.zeros(cost.size), limits / columns], axis=1), method=method, options=options,
            )  # fmt: skip
            if found.status == 0:
                multipliers = np.maximum(-found.ineqlin.marginals, 0.0) / rows
                return Optimum(found.x * columns, multipliers, float(found.fun))
            if found.status == 2:
                return None
            message = found.message
    raise UnsolvedProgramError(f"a linear program of {right.size} rows and {cost.size} columns: {message}")


def _scaled(matrix: csr_array) -> Iterator[tuple[csr_array, Floats, Floats]]:
    """(matrix, row scales, column scales): as given, then with the largest entries of rows and columns near 1."""
    rows, columns = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    yield matrix, rows, columns
    size = abs(matrix)
    for _ in range(SCALINGS):
        rows = _largest(size * columns[None, :], 1)
        columns = 1.0 / _largest(size * (1.0 / rows)[:, None], 0)
    yield csr_array(matrix * columns[None, :] * (1.0 / rows)[:, None]), rows, columns


def _largest(matrix: csr_array, axis: int) -> Floats:
    """Largest entry of each row or column; 1 if all are 0."""
    largest = np.asarray(csr_array(matrix).max(axis=axis).todense(), dtype=np.float64).ravel()
    return np.where(largest > 0, largest, 1.0)
