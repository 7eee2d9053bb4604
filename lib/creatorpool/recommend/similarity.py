"""Item–item cosine: the nearest items of each item, a block of items at a time, nothing dense (formulas §5.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.numerics.compiled import on_slices
from creatorpool.recommend.ranking_kernels import neighbours_of_rows

MIN_ITEMS_PER_THREAD = 1_000


@dataclass(frozen=True)
class Neighbours:
    """The nearest items of n items, nearest first."""

    index: NDArray[np.int32]
    """(n, k) positions; -1 after the last neighbour of an item that has fewer"""
    similarity: NDArray[np.float64]
    """(n, k) cosines, in (0, 1]; 0 where there is no neighbour"""


def top_similar(
    matrix: sparse.spmatrix, k: int, *, rows: tuple[int, int] | None = None, min_common: int = 1
) -> Neighbours:
    """The `k` items with the largest cosine A·B/(‖A‖‖B‖) to each item, among those above 0; ties by position.

    Parameters
    ----------
    matrix : (items, users) sparse matrix
        Such as `interaction_matrix` gives.
    k : int
        Neighbours of an item, at most.
    rows : (first, end), optional
        Only the neighbours of these items; default: of all.
    min_common : int
        Users who must have an entry in both items; 1 is the plain cosine.

    Returns
    -------
    Neighbours
        The same to the last bit whatever the block that an item is computed in.

    Raises
    ------
    InputError
        If k or min_common is below 1, rows are not within the matrix, or an entry is not finite.
    """
    by_column = _canonical(matrix)
    items = by_column.shape[0]
    first, end = rows or (0, items)
    if k < 1 or min_common < 1:
        raise InputError(f"k and min_common must be at least 1, got {k} and {min_common}")
    if not 0 <= first <= end <= items:
        raise InputError(f"rows ({first}, {end}) are not within the {items} items")
    index = np.full((end - first, k), -1, dtype=np.int32)
    similarity = np.zeros((end - first, k))
    by_row = by_column.tocsr()
    square = _squares(by_row)

    def block(begin: int, stop: int) -> None:
        neighbours_of_rows(
            first + begin,
            first + stop,
            *(by_row.indptr, by_row.indices, by_row.data),
            *(by_column.indptr, by_column.indices, by_column.data),
            square,
            min_common,
            index[begin:stop],
            similarity[begin:stop],
        )

    on_slices(block, end - first, MIN_ITEMS_PER_THREAD)
    return Neighbours(index, similarity)


def _canonical(matrix: sparse.spmatrix) -> sparse.csc_matrix:
    """By columns, rows rising in each and none twice; without a copy where it is so already."""
    by_column = sparse.csc_matrix(matrix, dtype=np.float64)
    if not by_column.has_canonical_format:
        by_column = by_column.copy()
        by_column.sum_duplicates()
    if not np.isfinite(by_column.data).all():
        raise InputError("the matrix has an entry that is not finite")
    return by_column


def _squares(by_row: sparse.csr_matrix) -> NDArray[np.float64]:
    """‖A‖² of each row, summed by columns as the dot products are."""
    row = np.repeat(np.arange(by_row.shape[0]), np.diff(by_row.indptr))
    squares = np.bincount(row, weights=by_row.data * by_row.data, minlength=by_row.shape[0])
    return np.asarray(squares, dtype=np.float64)
