"""Candidates against brute force over dense arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.recommend import (
    Candidates,
    Catalogue,
    Neighbours,
    ScoreWeights,
    final_score,
    interaction_matrix,
    rank_candidates,
    top_similar,
)
from creatorpool.recommend.candidates import MIN_USERS_PER_THREAD

WEIGHTS = ScoreWeights(1.0, 0.25, 0.5)
ITEMS, CATEGORIES = 30, 4


class Market:
    """A small drawn market; all numbers except the similarities are multiples of 1/4."""

    def __init__(self, seed: int, users: int = 12, entries: int = 90) -> None:
        rng = np.random.default_rng(seed)
        item, user = rng.integers(0, ITEMS, entries), rng.integers(0, users, entries)
        by_item = interaction_matrix(item, user, rng.choice([1.0, -2.0, 2.0, -0.5], entries), shape=(ITEMS, users))
        self.matrix = by_item.T.tocsr()
        self.neighbours = top_similar(by_item, 5)
        member = rng.random((ITEMS, CATEGORIES)) < 0.4
        self.catalogue = Catalogue(
            rng.integers(0, 9, ITEMS), rng.random(ITEMS) < 0.9, sparse.csr_matrix(member.astype(float))
        )
        self.member, self.interests = member, rng.random((users, CATEGORIES)) < 0.4

    def ranked(self, limit: int, pool: int) -> Candidates:
        return rank_candidates(
            self.matrix, self.neighbours, self.catalogue, self.interests, WEIGHTS, limit=limit, pool=pool
        )

    def similarity(self) -> np.ndarray:
        """(users, items) Σ over the items seen of similarity × score."""
        near = np.zeros((ITEMS, ITEMS))
        for a in range(ITEMS):
            kept = self.neighbours.index[a] >= 0
            near[a, self.neighbours.index[a][kept]] = self.neighbours.similarity[a][kept]
        return self.matrix.toarray() @ near

    def seen(self) -> np.ndarray:
        seen = np.zeros(self.matrix.shape, dtype=bool)
        coo = self.matrix.tocoo()
        seen[coo.row, coo.col] = True
        return seen


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_candidates_are_the_best_unseen_items_by_final_score(seed: int, limit: int) -> None:
    market = Market(seed)
    similar, wanted = market.similarity(), (market.interests @ market.member.T) > 0
    similar[np.abs(similar) < 1e-12] = 0.0  # the sums have another order
    final = final_score(similar, market.catalogue.views, wanted, WEIGHTS)
    allowed = ~market.seen() & market.catalogue.is_offered
    allowed &= similar > -1e-12  # items similar to skipped ones are left out
    found = market.ranked(limit, ITEMS)

    for user in range(similar.shape[0]):
        items = found.item[user][found.item[user] >= 0]
        assert allowed[user, items].all()
        np.testing.assert_allclose(found.final_score[user, : items.size], final[user, items], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.similarity_score[user, : items.size], similar[user, items], atol=1e-12)
        assert (found.is_interest[user, : items.size] == wanted[user, items]).all()
        rest = np.setdiff1d(np.flatnonzero(allowed[user]), items)
        if items.size < limit:
            assert rest.size == 0
        elif rest.size:
            assert final[user, rest].max() <= final[user, items].min() + 1e-9


def test_order_is_by_final_score_and_ties_go_by_position() -> None:
    market = Market(3)
    market.catalogue = Catalogue(np.full(ITEMS, 2), np.ones(ITEMS, dtype=bool), sparse.csr_matrix((ITEMS, CATEGORIES)))
    market.matrix = sparse.csr_matrix(market.matrix.shape)

    found = market.ranked(6, 10)

    assert (found.item == np.arange(6)).all()  # the items do not differ


def test_pool_keeps_the_most_similar() -> None:
    near = Neighbours(
        np.array([[1, 2, 3], [-1] * 3, [-1] * 3, [-1] * 3], dtype=np.int32),
        np.array([[0.9, 0.8, 0.7], *[[0.0] * 3] * 3]),
    )
    catalogue = Catalogue(np.array([9, 0, 0, 5]), np.ones(4, dtype=bool), sparse.csr_matrix((4, 1)))
    matrix = sparse.csr_matrix([[1.0, 0, 0, 0]])

    found = rank_candidates(
        matrix, near, catalogue, np.zeros((1, 1), dtype=bool), ScoreWeights(1.0, 0.0, 0.0), limit=1, pool=2
    )

    assert found.item.tolist() == [[1]]
    assert found.similarity_score.tolist() == [[0.9]]


def test_item_similar_to_skipped_ones_is_no_candidate_even_if_popular() -> None:
    near = Neighbours(np.array([[2], [2], [-1]], dtype=np.int32), np.array([[0.5], [0.5], [0.0]]))
    catalogue = Catalogue(np.array([0, 0, 4]), np.ones(3, dtype=bool), sparse.csr_matrix((3, 1)))
    matrix = sparse.csr_matrix([[2.0, -1.0, 0], [2.0, -2.0, 0], [1.0, -2.0, 0]])

    found = rank_candidates(matrix, near, catalogue, np.zeros((3, 1), dtype=bool), WEIGHTS, limit=1, pool=5)

    assert found.item[:, 0].tolist() == [2, 2, -1]
    assert found.similarity_score[:2, 0].tolist() == [0.5, 0.0]  # an item with score 0 may be offered as popular
    assert found.final_score[:2, 0].tolist() == [1.5, 1.0]


def test_new_user_gets_the_most_viewed_of_interest_and_of_all() -> None:
    catalogue = Catalogue(
        np.array([5, 9, 1, 3]),
        np.array([True, True, True, True]),
        sparse.csr_matrix([[1.0, 0], [0, 1], [1, 0], [0, 1]]),
    )
    nobody = Neighbours(np.full((4, 1), -1, dtype=np.int32), np.zeros((4, 1)))
    weights = ScoreWeights(1.0, 0.01, 1.0)

    found = rank_candidates(
        sparse.csr_matrix((1, 4)), nobody, catalogue, np.array([[True, False]]), weights, limit=3, pool=3
    )

    assert found.item.tolist() == [[0, 2, 1]]
    assert found.is_interest.tolist() == [[True, True, False]]
    assert found.final_score.tolist() == [[1.05, 1.01, 0.09]]


def test_blocks_do_not_change_users() -> None:
    market = Market(1, users=2 * MIN_USERS_PER_THREAD + 3, entries=40_000)
    whole = market.ranked(5, 10)
    part = rank_candidates(
        market.matrix[7:9], market.neighbours, market.catalogue, market.interests[7:9], WEIGHTS, limit=5, pool=10
    )

    assert (whole.item[7:9] == part.item).all()
    assert (whole.final_score[7:9] == part.final_score).all()


def test_sizes_that_do_not_agree_are_refused() -> None:
    market = Market(0)
    with pytest.raises(InputError, match="interests must have shape"):
        rank_candidates(
            market.matrix, market.neighbours, market.catalogue, np.zeros((1, 1), dtype=bool), WEIGHTS, limit=1, pool=1
        )
    with pytest.raises(InputError, match="at least 1"):
        market.ranked(0, 1)
    short = Neighbours(market.neighbours.index[:3], market.neighbours.similarity[:3])
    with pytest.raises(InputError, match="30 items, but"):
        rank_candidates(market.matrix, short, market.catalogue, market.interests, WEIGHTS, limit=1, pool=1)
    with pytest.raises(InputError, match="weights must be finite"):
        rank_candidates(
            market.matrix,
            market.neighbours,
            market.catalogue,
            market.interests,
            ScoreWeights(np.nan, 0.0, 0.0),
            limit=1,
            pool=1,
        )
