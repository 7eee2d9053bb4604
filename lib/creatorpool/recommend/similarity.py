"""Item–item cosine similarity: the nearest items of each item, without a dense matrix (formulas §5.1)."""

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
    """(n, k) positions; -1 after the last neighbour"""
    similarity: NDArray[np.float64]
    """(n, k) cosines, in (0, 1]; 0 where there is no neighbour"""


def top_similar(
    matrix: sparse.spmatrix, k: int, *, rows: tuple[int, int] | None = None, min_common: int = 1
) -> Neighbours:
    """The `k` items with the largest cosine A·B/(‖A‖‖B‖) > 0 to each item; ties by position.

    Parameters
    ----------
    matrix : (items, users) sparse matrix
        Scores, such as `interaction_matrix` returns.
    k : int
        Largest number of neighbours per item, >= 1.
    rows : (first, end), optional
        Only the neighbours of items `first` to before `end`; by default of all items.
    min_common : int
        Least number of users with an entry in both items, >= 1; 1 is the plain cosine.

    Returns
    -------
    Neighbours
        An item's neighbours do not depend on `rows`, in any bit.

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
    """The matrix by columns, with rising rows without repetition in each; copied only if it is not so already."""
    by_column = sparse.csc_matrix(matrix, dtype=np.float64)
    if not by_column.has_canonical_format:
        by_column = by_column.copy()
        by_column.sum_duplicates()
    if not np.isfinite(by_column.data).all():
        raise InputError("matrix must have finite entries only")
    return by_column


def _squares(by_row: sparse.csr_matrix) -> NDArray[np.float64]:
    """(items,) ‖A‖² of each row, summed in the order of columns, as the dot products are."""
    row = np.repeat(np.arange(by_row.shape[0]), np.diff(by_row.indptr))
    squares = np.bincount(row, weights=by_row.data * by_row.data, minlength=by_row.shape[0])
    return np.asarray(squares, dtype=np.float64)
