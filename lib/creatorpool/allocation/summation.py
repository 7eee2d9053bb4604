"""Sums of floats that do not depend on their order.

Each value is cut into three pieces on fixed grids, ``(v + S) - S`` with a large power of two S. Pieces of one grid add
up without rounding, in any order and grouping. The remainder below the third grid is dropped; it is less than 2**-78 of
the bound for 10 million values. (Demmel and Nguyen, Parallel Reproducible Summation, 2015; Rump, Ogita and Oishi,
2008.)
"""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from creatorpool.allocation.kernels import grid_sums, group_pieces
from creatorpool.numerics.compiled import on_slices
from creatorpool.numerics.types import Floats, Integers

# A pool without money still needs grids that are normal numbers.
MIN_BOUND = 2.0**-900


@register_jitable
def summation_grids(count: int, bound: float) -> Floats:
    """The three powers of two S for `count` values whose sum is at most ``count * bound``."""
    room = math.ldexp(1.0, math.frexp(float(count))[1] + 1)
    first = math.ldexp(1.0, math.frexp(max(bound, MIN_BOUND))[1]) * room
    second = first * 2.0**-52 * room
    return np.array([first, second, second * 2.0**-52 * room])


def order_free_sum(values: Floats, bound: float) -> float:
    """Sum of (n,) `values`, each in [0, bound]: the same bits in any order, within one ulp of the exact sum."""
    grids = summation_grids(values.size, bound)
    parts = on_slices(lambda first, end: grid_sums(values[first:end], grids), values.size)
    pieces = sum(parts, np.zeros(3))
    return float(pieces[0] + pieces[1] + pieces[2])


def order_free_group_sums(values: Floats, group: Integers, groups: int, bound: float) -> Floats:
    """(groups,) sums of the (n,) `values`, each in [0, bound], by group 0 … groups-1: the same bits in any order."""
    pieces = group_pieces(values, group, groups, summation_grids(values.size, bound))
    return np.asarray(pieces[:, 0] + pieces[:, 1] + pieces[:, 2])
