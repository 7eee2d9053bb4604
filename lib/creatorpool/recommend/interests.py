"""Categories that a user is interested in, from what the user responded to, shrunk to the region's rates.

Model: user u of region r responds to a share p of the items of category c that u sees; p has mean m_rc and variance
m_rc(1 − m_rc)/(1 + k_c) over the region's users. Of e items seen s are responded to, each independently. A Beta prior
of strength k_c gives the estimate ``(s + k_c m_rc)/(e + k_c)``: a new user has the region's rates, and the more a user
has seen the more the user's own count. Rates, not counts: what a platform shows often is not what viewers want most.

The fit needs only sums of whole numbers, which may be taken in parts and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from creatorpool.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_STRENGTH = 1e6
"""Items whose evidence a prior is worth where users of a region differ no more than chance explains."""


@dataclass(frozen=True)
class CategoryCounts:
    """(users, categories) whole numbers: items seen of each category, and how many of them the user responded to."""

    seen: IntArray
    responded: IntArray


@dataclass(frozen=True)
class RegionSums:
    """(regions, categories) sums over users of e, s, e(e − 1) and s(s − 1); those of disjoint users add up."""

    seen: IntArray
    responded: IntArray
    seen_pairs: IntArray
    responded_pairs: IntArray

    def __add__(self, other: Self) -> RegionSums:
        return RegionSums(
            self.seen + other.seen,
            self.responded + other.responded,
            self.seen_pairs + other.seen_pairs,
            self.responded_pairs + other.responded_pairs,
        )


@dataclass(frozen=True)
class InterestPrior:
    """What users of a region have in common."""

    rate: FloatArray
    """(regions + 1, categories) m; the last row is that of all regions, for users of none"""
    strength: FloatArray
    """(categories,) k, in items"""


def category_counts(matrix: sparse.spmatrix, categories: sparse.spmatrix) -> CategoryCounts:
    """Counts from (users, items) scores and (items, categories) entries; a score above 0 is a response."""
    by_user = sparse.csr_matrix(matrix)
    member = sparse.csr_matrix(categories)
    member = sparse.csr_matrix((np.ones(member.nnz, np.int64), member.indices, member.indptr), shape=member.shape)

    def counted(flag: NDArray[np.int64]) -> IntArray:
        flags = sparse.csr_matrix((flag, by_user.indices, by_user.indptr), shape=by_user.shape)
        return np.asarray((flags @ member).toarray(), dtype=np.int64)

    return CategoryCounts(counted(np.ones(by_user.nnz, np.int64)), counted((by_user.data > 0).astype(np.int64)))


def region_sums(counts: CategoryCounts, region: ArrayLike, regions: int) -> RegionSums:
    """Sums over the users of each region; `region` holds (users,) positions, -1 for a user of none."""
    place = np.asarray(region, dtype=np.int64)
    if place.shape != counts.seen.shape[:1] or not np.all((place >= -1) & (place < regions)):
        raise InputError(f"region must hold {counts.seen.shape[0]} positions from -1 to below {regions}")

    def summed(values: IntArray) -> IntArray:
        # Users of no region have the last row, which counts in the rates of all.
        total = np.zeros((regions + 1, values.shape[1]), dtype=np.int64)
        np.add.at(total, place, values)  # -1 is the last row
        return total

    e, s = counts.seen, counts.responded
    return RegionSums(summed(e), summed(s), summed(e * (e - 1)), summed(s * (s - 1)))


def interest_prior(sums: RegionSums) -> InterestPrior:
    """Rates and strengths by moments.

    Σs/Σe estimates m, and Σs(s − 1)/Σe(e − 1) the mean of p², both without bias where what a user sees does not depend
    on p. Regions share a category's strength, each weighing by its Σe(e − 1). A region's rate is itself shrunk to that
    of all regions, as if a region were a user.
    """
    overall = _ratio(sums.responded.sum(axis=0), sums.seen.sum(axis=0))
    mean = np.where(sums.seen > 0, _ratio(sums.responded, sums.seen), overall)
    within = (sums.seen_pairs * mean - sums.responded_pairs).sum(axis=0)  # Σe(e − 1) · (m − E p²)
    between = (sums.responded_pairs - sums.seen_pairs * mean * mean).sum(axis=0)  # Σe(e − 1) · Var p
    strength = np.where(between > 0, within / np.where(between > 0, between, 1.0), MAX_STRENGTH)
    strength = np.clip(strength, 1.0 / MAX_STRENGTH, MAX_STRENGTH)
    rate = (sums.responded + strength * overall) / (sums.seen + strength)
    rate[-1] = overall
    return InterestPrior(rate, strength)


def interest_rates(counts: CategoryCounts, region: ArrayLike, prior: InterestPrior) -> FloatArray:
    """(users, categories) share of a category's items that each user is expected to respond to."""
    mean = prior.rate[np.asarray(region, dtype=np.int64)]  # -1 is the last row: all regions
    return np.asarray((counts.responded + prior.strength * mean) / (counts.seen + prior.strength), dtype=np.float64)


def top_interests(rates: FloatArray, count: int) -> BoolArray:
    """Each user's `count` categories of the largest rate, ties by position."""
    if count < 0:
        raise InputError(f"count must be at least 0, got {count}")
    order = np.argsort(-rates, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(rates.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen


def _ratio(numerator: IntArray, denominator: IntArray) -> FloatArray:
    return np.asarray(numerator / np.maximum(denominator, 1), dtype=np.float64)
