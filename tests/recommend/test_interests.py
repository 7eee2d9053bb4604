from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.recommend import (
    CategoryCounts,
    category_counts,
    interest_prior,
    interest_rates,
    region_sums,
    top_interests,
)


def drawn(users: int, strength: float, seed: int, seen: int = 12) -> tuple[CategoryCounts, np.ndarray, np.ndarray]:
    """Counts of users in two regions whose rates are Beta with these means and this strength."""
    rng = np.random.default_rng(seed)
    mean = np.array([[0.2, 0.5, 0.3], [0.6, 0.4, 0.3]])
    region = rng.integers(0, 2, users)
    rate = rng.beta(strength * mean[region], strength * (1 - mean[region]))
    shown = rng.integers(0, seen, (users, 3))
    return CategoryCounts(shown, rng.binomial(shown, rate)), region, mean


def test_counts_are_seen_items_and_positive_scores_by_category() -> None:
    scores = sparse.csr_matrix(([2.0, -0.5, 0.0, 1.0], [0, 1, 2, 1], [0, 3, 4]), shape=(2, 3))
    categories = sparse.csr_matrix([[1.0, 1], [1, 0], [0, 1]])

    found = category_counts(scores, categories)

    assert found.seen.tolist() == [[2, 2], [1, 0]]
    assert found.responded.tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("strength", [2.0, 8.0, 40.0])
def test_prior_recovers_the_distribution_of_the_counts(strength: float) -> None:
    counts, region, mean = drawn(60_000, strength, seed=1)

    prior = interest_prior(region_sums(counts, region, 2))

    np.testing.assert_allclose(prior.rate[:2], mean, atol=0.01)
    np.testing.assert_allclose(prior.strength, strength, rtol=0.12)


def test_rates_are_between_the_users_own_and_the_regions_and_better_than_both() -> None:
    counts, region, _ = drawn(40_000, 5.0, seed=2)
    rng = np.random.default_rng(9)
    prior = interest_prior(region_sums(counts, region, 2))
    rates = interest_rates(counts, region, prior)
    own = np.where(counts.seen > 0, counts.responded / np.maximum(counts.seen, 1), prior.rate[region])

    low, high = np.minimum(own, prior.rate[region]), np.maximum(own, prior.rate[region])
    assert ((rates >= low - 1e-12) & (rates <= high + 1e-12)).all()
    assert (rates[counts.seen == 0] == prior.rate[region][counts.seen == 0]).all()
    # Split each user's items, and predict the second half from the first.
    first = CategoryCounts(
        counts.seen // 2, rng.hypergeometric(counts.responded, counts.seen - counts.responded, counts.seen // 2)
    )
    rest, later = counts.seen - first.seen, counts.responded - first.responded
    known = interest_prior(region_sums(first, region, 2))
    held = rest > 0
    target = later[held] / rest[held]

    def error(predicted: np.ndarray) -> float:
        return float((rest[held] * (predicted[held] - target) ** 2).sum())

    own_half = np.where(first.seen > 0, first.responded / np.maximum(first.seen, 1), known.rate[region])
    assert error(interest_rates(first, region, known)) < min(error(own_half), error(known.rate[region]))


def test_user_of_no_region_has_the_rates_of_all() -> None:
    counts, region, _ = drawn(500, 5.0, seed=3)
    region[:100] = -1
    counts.seen[0] = counts.responded[0] = 0
    prior = interest_prior(region_sums(counts, region, 2))

    overall = counts.responded.sum(axis=0) / counts.seen.sum(axis=0)
    np.testing.assert_allclose(interest_rates(counts, region, prior)[0], overall, rtol=1e-12)


@given(st.integers(0, 1000), st.integers(1, 39))
def test_sums_of_parts_add_up(seed: int, cut: int) -> None:
    counts, region, _ = drawn(40, 3.0, seed)

    def part(rows: slice) -> tuple[np.ndarray, ...]:
        sums = region_sums(CategoryCounts(counts.seen[rows], counts.responded[rows]), region[rows], 2)
        return tuple(getattr(sums, field.name) for field in fields(sums))

    whole, halves = part(slice(None)), zip(part(slice(cut)), part(slice(cut, None)), strict=True)
    assert all((total == first + second).all() for total, (first, second) in zip(whole, halves, strict=True))


def test_users_who_do_not_differ_are_their_regions() -> None:
    seen = np.full((2000, 2), 10)
    responded = np.random.default_rng(4).binomial(10, 0.3, (2000, 2))
    counts, region = CategoryCounts(seen, responded), np.zeros(2000, dtype=int)
    prior = interest_prior(region_sums(counts, region, 1))

    assert (prior.strength > 50).all()
    assert np.ptp(interest_rates(counts, region, prior)[:, 0]) < 0.15


def test_user_without_seen_items_is_no_error() -> None:
    nothing = np.zeros((3, 2), dtype=np.int64)
    prior = interest_prior(region_sums(CategoryCounts(nothing, nothing), np.zeros(3, dtype=int), 1))

    assert np.isfinite(interest_rates(CategoryCounts(nothing, nothing), np.zeros(3, dtype=int), prior)).all()


def test_interests_are_the_largest_rates_with_ties_by_position() -> None:
    rates = np.array([[0.1, 0.3, 0.3, 0.2], [0.4, 0.4, 0.4, 0.4]])

    assert top_interests(rates, 2).tolist() == [[False, True, True, False], [True, True, False, False]]
    assert not top_interests(rates, 0).any()
    assert top_interests(rates, 9).all()
    with pytest.raises(InputError, match="count must be"):
        top_interests(rates, -1)


def test_regions_out_of_range_are_refused() -> None:
    counts = CategoryCounts(np.ones((2, 1), dtype=int), np.ones((2, 1), dtype=int))
    with pytest.raises(InputError, match="region must hold one position per user, 2"):
        region_sums(counts, [0, 2], 2)
