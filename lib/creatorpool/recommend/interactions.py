"""Interactions of viewers with videos: scores, and the sparse matrix of their sums (formulas §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from creatorpool.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OTHER = "other"
INTERACTION_SCORES: Mapping[str, float] = MappingProxyType({"liked": 2.0, "watched": 1.0, "skipped": -2.0, OTHER: -0.5})
"""The published scores; an interaction that is not named here counts as `other`."""


def interaction_scores(interaction: ArrayLike, scores: Mapping[str, float] = INTERACTION_SCORES) -> FloatArray:
    """(m,) scores of (m,) names of interactions; a name that `scores` lacks gets the score of `other`.

    Raises
    ------
    InputError
        If `scores` lacks `other`, or a score is not finite.
    """
    if OTHER not in scores or not all(np.isfinite(value) for value in scores.values()):
        raise InputError(f"scores must be finite and name '{OTHER}', got {dict(scores)}")
    names, place = np.unique(np.asarray(interaction, dtype=np.str_), return_inverse=True)
    table = np.array([scores.get(str(name), scores[OTHER]) for name in names], dtype=np.float64)
    return np.asarray(table[place], dtype=np.float64)


def interaction_matrix(
    item: ArrayLike,
    user: ArrayLike,
    interaction: ArrayLike,
    *,
    shape: tuple[int, int] | None = None,
    scores: Mapping[str, float] = INTERACTION_SCORES,
) -> sparse.csr_matrix:
    """Scores summed per (item, user): one row per item and one column per user, as in the source (formulas §5.1).

    Parameters
    ----------
    item, user : (m,) array_like of int
        Position of each interaction's item and user, from 0.
    interaction : (m,) array_like
        Names, which `scores` maps to scores, or scores.
    shape : (items, users), optional
        By default the largest positions that occur, plus 1.

    Returns
    -------
    (items, users) csr_matrix of float64
        It has an entry for every pair with an interaction, even if the scores sum to 0: the user has seen the item.
        Columns rise within each row. The order of interactions does not change any bit.

    Raises
    ------
    InputError
        If shapes differ, a position lies outside `shape`, or a score is not finite.
    """
    i, u = (_positions(name, values) for name, values in (("item", item), ("user", user)))
    value = _values(interaction, scores)
    if not i.shape == u.shape == value.shape:
        raise InputError(
            f"item, user and interaction must have one shape (m,), got {i.shape}, {u.shape}, {value.shape}"
        )
    items, users = shape or (int(i.max(initial=-1)) + 1, int(u.max(initial=-1)) + 1)
    for name, positions, size in (("item", i, items), ("user", u, users)):
        if positions.max(initial=-1) >= size:
            raise InputError(f"{name} position {positions.max()} lies outside the shape ({items}, {users})")
    key = i * users + u
    order = np.lexsort((value, key))  # by score too, so that float sums have a fixed order
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    total = np.add.reduceat(value[order], first) if first.size else np.zeros(0)
    row, column = np.divmod(key[first], max(users, 1))
    start = np.searchsorted(row, np.arange(items + 1))
    return sparse.csr_matrix((total, column, start), shape=(items, users))


def _positions(name: str, values: ArrayLike) -> IntArray:
    found = np.asarray(values)
    if found.size and (found.ndim != 1 or found.dtype.kind not in "iu" or found.min() < 0):
        raise InputError(f"{name} must be whole numbers from 0 in one dimension, got {found.dtype} {found.shape}")
    return found.astype(np.int64)


def _values(interaction: ArrayLike, scores: Mapping[str, float]) -> FloatArray:
    found = np.asarray(interaction)
    if found.dtype.kind in "OUS":
        return interaction_scores(found, scores)
    value = found.astype(np.float64)
    if not np.isfinite(value).all():
        raise InputError(f"interaction[{int(np.flatnonzero(~np.isfinite(value))[0])}] must be a finite score")
    return value
