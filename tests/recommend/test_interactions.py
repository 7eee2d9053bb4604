from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.recommend import INTERACTION_SCORES, interaction_matrix, interaction_scores

ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.sampled_from([*INTERACTION_SCORES, "left"])), max_size=60
)


def test_published_table() -> None:
    found = interaction_scores(["watched", "skipped", "liked", "left", "other", ""])

    assert found.tolist() == [1.0, -2.0, 2.0, -0.5, -0.5, -0.5]


@given(ROWS)
def test_matrix_sums_scores_and_keeps_seen_items(rows: list[tuple[int, int, str]]) -> None:
    item, user, name = ([row[part] for row in rows] for part in range(3))
    expected, seen = np.zeros((6, 5)), np.zeros((6, 5), dtype=bool)
    for i, u, action in rows:
        expected[i, u] += {"watched": 1.0, "skipped": -2.0, "liked": 2.0}.get(action, -0.5)
        seen[i, u] = True

    matrix = interaction_matrix(item, user, np.array(name, dtype=np.str_), shape=(6, 5))

    assert (matrix.toarray() == expected).all()
    assert matrix.nnz == seen.sum()
    assert matrix.has_canonical_format


def test_order_of_interactions_does_not_change_any_bit() -> None:
    rng = np.random.default_rng(0)
    item, user, score = rng.integers(0, 3, 500), rng.integers(0, 3, 500), rng.normal(size=500)
    order = rng.permutation(500)

    first = interaction_matrix(item, user, score)
    second = interaction_matrix(item[order], user[order], score[order])

    assert (first != second).nnz == 0


@pytest.mark.parametrize(
    ("item", "user", "interaction", "message"),
    [
        ([0, 1], [0], [1.0, 2.0], "one shape"),
        ([-1], [0], [1.0], "item must be whole numbers from 0"),
        ([0], [0.5], [1.0], "user must be whole numbers from 0"),
        ([0], [0], [np.nan], r"interaction\[0\] must be a finite score"),
        ([7], [0], [1.0], "item position 7 lies outside"),
    ],
)
def test_unusable_interactions_are_refused(item: list, user: list, interaction: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        interaction_matrix(item, user, interaction, shape=(3, 3))


def test_scores_without_a_value_for_anything_else_are_refused() -> None:
    with pytest.raises(InputError, match="name 'other'"):
        interaction_scores(["watched"], {"watched": 1.0})
