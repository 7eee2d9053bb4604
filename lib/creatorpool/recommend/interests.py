"""A user's categories of interest: response rates, shrunk to the region's rates (formulas §5.3).

Model: user u of region r responds to a share p of the seen items of category c. Over the region's users, p has mean
m_rc and variance m_rc(1 − m_rc)/(1 + k_c). The user responds to s of e seen items, independently. A Beta prior of
strength k_c gives the estimate ``(s + k_c m_rc)/(e + k_c)``: a new user has the region's rates; the more items a user
has seen, the more the user's own responses count. The ranking uses rates, not counts, because a platform may often
show what viewers do not want most.

The fit needs only sums of whole numbers, which can be computed in parts and in any order.
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
"""Strength of the prior, in items, if users of a region differ no more than by chance."""


@dataclass(frozen=True)
class CategoryCounts:
    """(users, categories) whole numbers: seen items of each category, and seen items with a response."""

    seen: IntArray
    responded: IntArray


@dataclass(frozen=True)
class RegionSums:
    """(regions + 1, categories) sums over users; the last row is for users without a region. Sums of parts add up."""

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
    """Prior of the response rates of a region's users."""

    rate: FloatArray
    """(regions + 1, categories) mean m; the last row is for all regions, and for users without a region"""
    strength: FloatArray
    """(categories,) strength k, in items"""


def category_counts(matrix: sparse.spmatrix, categories: sparse.spmatrix) -> CategoryCounts:
    """Counts from (users, items) scores and (items, categories) memberships; a score above 0 is a response."""
    by_user = sparse.csr_matrix(matrix)
    member = sparse.csr_matrix(categories)
    member = sparse.csr_matrix((np.ones(member.nnz, np.int64), member.indices, member.indptr), shape=member.shape)

    def counted(flag: NDArray[np.int64]) -> IntArray:
        flags = sparse.csr_matrix((flag, by_user.indices, by_user.indptr), shape=by_user.shape)
        return np.asarray((flags @ member).toarray(), dtype=np.int64)

    return CategoryCounts(counted(np.ones(by_user.nnz, np.int64)), counted((by_user.data > 0).astype(np.int64)))


def region_sums(counts: CategoryCounts, region: ArrayLike, regions: int) -> RegionSums:
    """Sums over the users of each region; `region` (users,) holds positions, -1 for a user without a region.

    Raises
    ------
    InputError
        If a position is out of range or there is not one per user.
    """
    place = np.asarray(region, dtype=np.int64)
    if place.shape != counts.seen.shape[:1] or not np.all((place >= -1) & (place < regions)):
        raise InputError(f"region must hold one position per user, {counts.seen.shape[0]}, from -1 to {regions - 1}")

    def summed(values: IntArray) -> IntArray:
        total = np.zeros((regions + 1, values.shape[1]), dtype=np.int64)
        np.add.at(total, place, values)  # -1, users without a region, is the last row
        return total

    e, s = counts.seen, counts.responded
    return RegionSums(*map(summed, (e, s, e * (e - 1), s * (e - 1), s * (s - 1))))


def interest_prior(sums: RegionSums) -> InterestPrior:
    """Rates and strengths by the method of moments (formulas §5.3).

    For one user, s(s − 1) − 2ms(e − 1) + m²e(e − 1) has mean e(e − 1)(p − m)². Its sum over users and regions gives the
    variance of p within regions, and with it k. A region's rate is shrunk to that of all regions, by the ratio of its
    own error, which includes users' differences, to the variance between regions (DerSimonian and Laird's moments).
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
    # e · variance of a region's mean, from chance and from users' differences
    error = overall * (1.0 - overall) * (1.0 + _ratio(sums.seen_pairs, e) / (1.0 + strength))
    excess = (e * (mean - overall) ** 2).sum(axis=0) - ((1.0 - e / total) * error * (e > 0)).sum(axis=0)
    between = np.maximum(excess, 0.0) / np.maximum(total - (e * e).sum(axis=0) / total, 1.0)
    signal = between * e
    trust = np.where(signal > 0, signal / np.where(signal > 0, signal + error, 1.0), 0.0)
    return np.asarray(overall + trust * (mean - overall), dtype=np.float64)


def interest_rates(counts: CategoryCounts, region: ArrayLike, prior: InterestPrior) -> FloatArray:
    """(users, categories) expected response rates; `region` (users,) holds positions, -1 for none."""
    mean = prior.rate[np.asarray(region, dtype=np.int64)]  # -1 is the last row: all regions
    return np.asarray((counts.responded + prior.strength * mean) / (counts.seen + prior.strength), dtype=np.float64)


def top_interests(rates: FloatArray, count: int) -> BoolArray:
    """(users, categories) mask of each user's `count` categories with the largest rates, ties by position.

    Raises
    ------
    InputError
        If count is negative.
    """
    if count < 0:
        raise InputError(f"count must be at least 0, got {count}")
    order = np.argsort(-rates, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(rates.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> FloatArray:
    """Quotient of whole numbers; 0/0 gives 0."""
    return np.asarray(numerator / np.maximum(denominator, 1), dtype=np.float64)
