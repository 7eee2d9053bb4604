"""Candidates of each user: similar items and popular items, ranked by a weighted final score (formulas §5.2)."""

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
    """Properties of n items."""

    views: NDArray[np.int64]
    """(n,) number of views"""
    is_offered: BoolArray
    """(n,) whether the item may be a candidate"""
    categories: sparse.csr_matrix
    """(n, categories), with an entry for each category of an item"""


@dataclass(frozen=True)
class Candidates:
    """At most r candidates of each of m users, best first."""

    item: NDArray[np.int32]
    """(m, r) positions of items; -1 after the last candidate"""
    final_score: FloatArray
    similarity_score: FloatArray
    is_interest: BoolArray


def final_score(
    similarity_score: ArrayLike, views: ArrayLike, is_interest: ArrayLike, weights: ScoreWeights
) -> FloatArray:
    """``w1 · similarity score + w2 · views + w3 · is_interest`` of arrays that broadcast (formulas §5.2)."""
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

    The similarity score of an item is Σ similarity × the user's score, over the items that the user has seen. Two sets
    of items get a final score: the `pool` items with the largest similarity scores above 0; and, so that new users have
    candidates, the `limit` most viewed items of each category of interest and of all. Two kinds of items are never
    candidates: seen items, for which the user has an entry, and items with a similarity score below 0, which resemble
    skipped ones. If `pool` is large enough, the result is exact.

    Parameters
    ----------
    matrix : (users, items) sparse matrix
        Scores by user: the transpose of `interaction_matrix`.
    neighbours : Neighbours
        Neighbours of all items.
    catalogue : Catalogue
        Properties of all items.
    interests : (users, categories) array_like of bool
        Each user's categories of interest.
    weights : ScoreWeights
        Weights of the final score, finite.
    limit, pool : int
        Largest number of candidates, and of items from similarity, per user; >= 1.

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
    """(starts, items): offered items by falling views, ties by position; one list per category, then one of all."""
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
        raise InputError(f"the matrix has {items} items, but these have other numbers of items: {wrong}")
    if wanted.shape != (users, catalogue.categories.shape[1]):
        raise InputError(f"interests must have shape {(users, catalogue.categories.shape[1])}, got {wanted.shape}")
    if least < 1:
        raise InputError("limit and pool must be at least 1")
    if not np.isfinite([weights.similarity, weights.views, weights.interest]).all():
        raise InputError(f"weights must be finite, got {weights}")
