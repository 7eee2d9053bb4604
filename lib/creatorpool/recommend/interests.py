"""A user's categories of interest: rates of response, shrunk to the region's rates (formulas §5.3).

Model: user u of region r responds to a share p of the items of category c that u sees; p has mean m_rc and variance
m_rc(1 − m_rc)/(1 + k_c) over the region's users. Of e items seen s are responded to, each independently. A Beta prior
of strength k_c gives the estimate ``(s + k_c m_rc)/(e + k_c)``: a new user has the region's rates, and the more a user
has seen the more the user's own count. Rates, not counts: what a platform shows often is not what viewers want most.

The fit needs only sums of whole numbers, which may be taken in parts and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

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
    """(regions + 1, categories) sums over users, the last row over those of no region; parts of the users add up."""

    seen: IntArray
    """Σe"""
    responded: IntArray
    """Σs"""
    seen_pairs: IntArray
    """Σe(e − 1)"""
    mixed_pairs: IntArray
    """Σs(e − 1)"""
    responded_pairs: IntArray
    """Σs(s − 1)"""

    def __add__(self, other: Self) -> RegionSums:
        return RegionSums(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


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
    return RegionSums(*map(summed, (e, s, e * (e - 1), s * (e - 1), s * (s - 1))))


def interest_prior(sums: RegionSums) -> InterestPrior:
    """Rates and strengths by moments.

    Of one user, s(s − 1) − 2ms(e − 1) + m²e(e − 1) has mean e(e − 1)(p − m)²: summed over users, and over regions, it
    gives the variance of p within regions, and with it k. A region's rate is shrunk to that of all regions by what its
    own error, users' differences included, is beside the variance between regions (DerSimonian and Laird's moments).
    """
    seen = sums.seen.astype(np.float64)
    overall = _ratio(sums.responded.sum(axis=0), seen.sum(axis=0))
    mean = np.where(seen > 0, _ratio(sums.responded, seen), overall)
    spread = (sums.responded_pairs - 2.0 * mean * sums.mixed_pairs + mean * mean * sums.seen_pairs).sum(axis=0)
    binomial = (sums.seen_pairs * mean * (1.0 - mean)).sum(axis=0)
    strength = np.where(spread > 0, binomial / np.where(spread > 0, spread, 1.0) - 1.0, MAX_STRENGTH)
    strength = np.clip(strength, 1.0 / MAX_STRENGTH, MAX_STRENGTH)
    rate = _shrunk_regions(sums, mean, overall, strength)
    rate[-1] = overall
    return InterestPrior(rate, strength)


def _shrunk_regions(sums: RegionSums, mean: FloatArray, overall: FloatArray, strength: FloatArray) -> FloatArray:
    e = sums.seen.astype(np.float64)
    total = np.maximum(e.sum(axis=0), 1.0)
    # e·(variance of a region's mean), of chance and of users who differ
    error = overall * (1.0 - overall) * (1.0 + _ratio(sums.seen_pairs, e) / (1.0 + strength))
    excess = (e * (mean - overall) ** 2).sum(axis=0) - ((1.0 - e / total) * error * (e > 0)).sum(axis=0)
    between = np.maximum(excess, 0.0) / np.maximum(total - (e * e).sum(axis=0) / total, 1.0)
    signal = between * e
    trust = np.where(signal > 0, signal / np.where(signal > 0, signal + error, 1.0), 0.0)
    return np.asarray(overall + trust * (mean - overall), dtype=np.float64)


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


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> FloatArray:
    """Quotient of whole numbers, 0 where the denominator is 0."""
    return np.asarray(numerator / np.maximum(denominator, 1), dtype=np.float64)
