"""Candidates of each user: items similar to those liked and popular ones, by a weighted final score (formulas §5.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.numerics.compiled import on_slices
from creatorpool.recommend.ranking_kernels import candidates_of_users
from creatorpool.recommend.similarity import Neighbours

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MIN_USERS_PER_THREAD = 5_000


@dataclass(frozen=True)
class ScoreWeights:
    """w1, w2, w3 of the final score."""

    similarity: float
    views: float
    interest: float


@dataclass(frozen=True)
class Catalogue:
    """What is known of n items."""

    views: NDArray[np.int64]
    """(n,)"""
    is_offered: BoolArray
    """(n,) whether the item may be a candidate"""
    categories: sparse.csr_matrix
    """(n, categories) with an entry for each category that the item belongs to"""


@dataclass(frozen=True)
class Candidates:
    """At most r candidates of each of m users, best first."""

    item: NDArray[np.int32]
    """(m, r) positions; -1 after the last candidate"""
    final_score: FloatArray
    similarity_score: FloatArray
    is_interest: BoolArray


def final_score(
    similarity_score: ArrayLike, views: ArrayLike, is_interest: ArrayLike, weights: ScoreWeights
) -> FloatArray:
    """``w1 · similarity score + w2 · views + w3 · is_interest``; arrays that broadcast together."""
    similar = np.asarray(similarity_score, dtype=np.float64)
    popular = np.asarray(views, dtype=np.float64)
    wanted = np.asarray(is_interest, dtype=np.float64)
    return np.asarray(weights.similarity * similar + weights.views * popular + weights.interest * wanted)


def rank_candidates(
    matrix: sparse.spmatrix,
    neighbours: Neighbours,
    catalogue: Catalogue,
    interests: ArrayLike,
    weights: ScoreWeights,
    *,
    limit: int,
    pool: int,
) -> Candidates:
    """The `limit` best unseen items of each user by final score, ties by position.

    Scored are the `pool` items with the largest similarity score above 0, which is Σ over the items that the user has
    seen of similarity × the user's score; and the `limit` most viewed of each category of interest and of all, so that
    new users have candidates too. Items that the user has an entry for are seen, and never candidates; nor are those
    with a similarity score below 0, which are like what the user skipped. With a large enough `pool` nothing else is
    left out that would have been among the best.

    Parameters
    ----------
    matrix : (users, items) sparse matrix
        Scores by user: `interaction_matrix` transposed.
    neighbours : Neighbours
        Of all items.
    interests : (users, categories) array_like of bool
        Each user's categories of interest.

    Raises
    ------
    InputError
        If sizes do not agree, limit or pool is below 1, or a weight is not finite.
    """
    by_user = sparse.csr_matrix(matrix, dtype=np.float64)
    wanted = np.ascontiguousarray(interests, dtype=np.bool_)
    _check(by_user, neighbours, catalogue, wanted, weights, min(limit, pool))
    users = by_user.shape[0]
    item = np.full((users, limit), -1, dtype=np.int32)
    final, similar = np.zeros((users, limit)), np.zeros((users, limit))
    popular_start, popular_item = _popular(catalogue)
    w = np.array([weights.similarity, weights.views, weights.interest])
    categories = sparse.csr_matrix(catalogue.categories)

    def block(first: int, end: int) -> None:
        candidates_of_users(
            first,
            end,
            *(by_user.indptr, by_user.indices, by_user.data),
            *(neighbours.index, neighbours.similarity),
            *(catalogue.views, catalogue.is_offered, categories.indptr, categories.indices),
            *(popular_start, popular_item, wanted, w),
            pool,
            *(item[first:end], final[first:end], similar[first:end]),
        )

    on_slices(block, users, MIN_USERS_PER_THREAD)
    return Candidates(item, final, similar, _is_interest(item, categories, wanted))


def _popular(catalogue: Catalogue) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Offered items by views, the most viewed first and ties by position: of each category in turn, then of all."""
    order = np.lexsort((np.arange(catalogue.views.size), -catalogue.views))
    order = order[catalogue.is_offered[order]].astype(np.int32)
    by_category = sparse.csc_matrix(catalogue.categories[order])
    by_category.sort_indices()
    sizes = np.append(np.diff(by_category.indptr), order.size)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return start, np.concatenate([order[by_category.indices], order]).astype(np.int32)


def _is_interest(item: NDArray[np.int32], categories: sparse.csr_matrix, wanted: BoolArray) -> BoolArray:
    user, place = np.nonzero(item >= 0)
    chosen = categories[item[user, place]]
    row = np.repeat(np.arange(user.size), np.diff(chosen.indptr))
    hits = np.bincount(row, weights=wanted[user[row], chosen.indices], minlength=user.size)
    found = np.zeros(item.shape, dtype=np.bool_)
    found[user, place] = hits > 0
    return found


def _check(
    by_user: sparse.csr_matrix,
    neighbours: Neighbours,
    catalogue: Catalogue,
    wanted: BoolArray,
    weights: ScoreWeights,
    least: int,
) -> None:
    users, items = by_user.shape
    sizes = {
        "neighbours": neighbours.index.shape[0],
        "views": catalogue.views.size,
        "is_offered": catalogue.is_offered.size,
        "categories": catalogue.categories.shape[0],
    }
    if wrong := {name: size for name, size in sizes.items() if size != items}:
        raise InputError(f"the matrix has {items} items, but {wrong}")
    if wanted.shape != (users, catalogue.categories.shape[1]):
        raise InputError(f"interests must be {(users, catalogue.categories.shape[1])}, got {wanted.shape}")
    if least < 1:
        raise InputError("limit and pool must be at least 1")
    if not np.isfinite([weights.similarity, weights.views, weights.interest]).all():
        raise InputError(f"weights must be finite, got {weights}")
