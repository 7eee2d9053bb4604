"""Neighbours against the dense cosine, with exact fractions for ties."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.recommend import interaction_matrix, top_similar
from creatorpool.recommend.similarity import MIN_ITEMS_PER_THREAD

HALVES = st.lists(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, -2.0, -0.5, 1.0, 2.0, 3.0]), min_size=4, max_size=4),
    min_size=1,
    max_size=9,
)


def random_matrix(items: int, users: int, entries: int, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    score = rng.choice([1.0, -2.0, 2.0, -0.5], entries)
    return interaction_matrix(
        rng.integers(0, items, entries), rng.integers(0, users, entries), score, shape=(items, users)
    )


def exact_order(rows: list[list[float]]) -> list[list[tuple[int, float]]]:
    """The other rows of each row by exact cosine, as sign and squared fraction; ties by position."""
    exact = [[Fraction(value) for value in row] for row in rows]
    found = []
    for a, left in enumerate(exact):
        others = []
        for b, right in enumerate(exact):
            dot = sum((x * y for x, y in zip(left, right, strict=True)), Fraction(0))
            if a != b and dot > 0:
                square = dot**2 / (sum(x * x for x in left) * sum(y * y for y in right))
                others.append((-square, b, float(square) ** 0.5))
        found.append([(b, cosine) for _, b, cosine in sorted(others)])
    return found


@given(HALVES, st.integers(1, 10))
def test_neighbours_are_those_of_exact_arithmetic_with_ties_by_position(rows: list[list[float]], k: int) -> None:
    found = top_similar(sparse.csr_matrix(np.array(rows)), k)

    for item, expected in enumerate(exact_order(rows)):
        kept = expected[:k]
        assert found.index[item].tolist() == [b for b, _ in kept] + [-1] * (k - len(kept))
        np.testing.assert_allclose(found.similarity[item][: len(kept)], [cosine for _, cosine in kept], rtol=1e-15)
        assert not found.similarity[item][len(kept) :].any()


def test_equal_cosines_of_unequal_norms_tie() -> None:
    # 3/√27 equals 1/√3, but their quotients of rounded norms differ.
    rows = np.array([[1.0, 1, 1], [3, 0, 0], [1, 0, 0], [0, 7, 0], [0, 0, 0.5]])

    found = top_similar(sparse.csr_matrix(rows), 4)

    assert found.index[0].tolist() == [1, 2, 3, 4]
    assert len(set(found.similarity[0].tolist())) == 1


def test_identical_items_have_similarity_exactly_1_and_none_exceeds_it() -> None:
    matrix = random_matrix(50, 30, 400)
    twice = sparse.vstack([matrix, matrix]).tocsr()

    found = top_similar(twice, 3)

    assert (found.similarity[:, 0] == 1.0).all()
    assert found.similarity.max() == 1.0


def test_neighbours_at_a_size_with_several_threads_equal_the_dense_product() -> None:
    items = 2 * MIN_ITEMS_PER_THREAD + 7
    matrix = random_matrix(items, 500, 30_000)
    dense = matrix.toarray()
    norm = np.linalg.norm(dense, axis=1)
    cosine = dense @ dense.T / np.maximum(np.outer(norm, norm), 1e-300)
    np.fill_diagonal(cosine, 0.0)
    best = np.maximum(-np.sort(-cosine, axis=1)[:, :10], 0.0)

    found = top_similar(matrix, 10)

    np.testing.assert_allclose(found.similarity, best, atol=1e-12)
    chosen = np.take_along_axis(cosine, np.maximum(found.index, 0).astype(np.int64), axis=1)
    np.testing.assert_allclose(np.where(found.index >= 0, chosen, 0.0), best, atol=1e-12)


def test_similarity_is_symmetric_to_the_last_bit() -> None:
    found = top_similar(random_matrix(60, 40, 900), 59)
    pairs = {
        (a, int(b)): value
        for a in range(60)
        for b, value in zip(found.index[a], found.similarity[a], strict=True)
        if b >= 0
    }

    assert pairs
    assert all(pairs[b, a] == value for (a, b), value in pairs.items())


@given(st.integers(0, 40), st.integers(0, 40))
def test_blocks_are_rows_of_the_whole(first: int, second: int) -> None:
    matrix, (begin, end) = random_matrix(40, 25, 400), sorted((first, second))
    whole = top_similar(matrix, 6)

    part = top_similar(matrix, 6, rows=(begin, end))

    assert (part.index == whole.index[begin:end]).all()
    assert (part.similarity == whole.similarity[begin:end]).all()


def test_common_users_are_counted_and_cosines_stay() -> None:
    rows = np.array([[1.0, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]])
    plain, strict = (top_similar(sparse.csr_matrix(rows), 3, min_common=least) for least in (1, 2))

    assert plain.index[0].tolist() == [1, 2, 3]
    assert strict.index[0].tolist() == [1, -1, -1]
    assert strict.similarity[0, 0] == plain.similarity[0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "at least 1"),
        ({"k": 1, "min_common": 0}, "at least 1"),
        ({"k": 1, "rows": (0, 9)}, "not within the 3 items"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        top_similar(sparse.eye(3).tocsr(), **arguments)


def test_entry_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="finite entries only"):
        top_similar(sparse.csr_matrix([[np.inf, 1.0]]), 1)
