"""Measures of a split by hand, and properties of all splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.comparison.measures import effective_number, lorenz_curve, share_of, small_creators, spread
from creatorpool.errors import InputError

AMOUNTS = st.lists(st.floats(0, 1e9), min_size=1, max_size=30).filter(lambda x: sum(x) > 0).map(np.array)


def test_effective_number_of_equal_amounts_is_their_number() -> None:
    assert effective_number([5.0] * 7) == pytest.approx(7)
    assert effective_number([1.0, 0.0, 0.0]) == 1
    assert effective_number([3.0, 1.0]) == pytest.approx(16 / 10)
    assert math.isnan(effective_number([0.0, 0.0]))


def test_effective_number_of_huge_amounts_does_not_overflow() -> None:
    assert effective_number([1e300, 1e300]) == pytest.approx(2)


def test_small_creators_are_the_lower_part_of_those_with_impressions() -> None:
    creator = np.array(["d", "a", "b", "c", "a", "e"], dtype=object)
    impressions = np.array([0.0, 1.0, 5.0, 9.0, 2.0, 20.0])  # a 3, b 5, c 9, e 20; d has none

    assert small_creators(creator, impressions, 0.5).tolist() == [False, True, True, False, True, False]
    assert not small_creators(creator, impressions, 0.2).any()
    assert small_creators(creator, impressions, 1.0).tolist() == [False, True, True, True, True, True]


def test_small_creators_of_equal_size_are_ordered_by_id() -> None:
    creator = np.array(["b", "a", "c"], dtype=object)

    assert small_creators(creator, np.ones(3), 1 / 3 + 1e-9).tolist() == [False, True, False]


def test_small_creators_of_more_than_all_are_refused() -> None:
    with pytest.raises(InputError, match="small must lie in"):
        small_creators(np.array(["a"], dtype=object), np.ones(1), 1.5)


@given(AMOUNTS)
def test_lorenz_curve_rises_below_the_diagonal_and_holds_the_gini(amounts: np.ndarray) -> None:
    videos, money = lorenz_curve(amounts)

    assert (videos[0], money[0], videos[-1], money[-1]) == (0, 0, 1, 1)
    assert (np.diff(money) >= 0).all()
    assert (money <= videos + 1e-12).all()
    area = np.sum((money[1:] + money[:-1]) / 2 * np.diff(videos))
    assert spread(amounts, np.zeros(amounts.size, dtype=bool)).gini == pytest.approx(1 - 2 * area, abs=1e-9)


@given(AMOUNTS, st.randoms(use_true_random=False))
def test_spread_does_not_depend_on_order_or_unit(amounts: np.ndarray, random) -> None:
    chosen = np.array([random.random() < 0.5 for _ in amounts])
    order = np.array(random.sample(range(amounts.size), amounts.size))
    one, other = spread(amounts, chosen), spread(7.5 * amounts[order], chosen[order])

    assert list(vars(other).values()) == pytest.approx(list(vars(one).values()), abs=1e-9)
    assert 1 - 1e-9 <= one.effective_videos <= amounts.size + 1e-9
    assert share_of(amounts, chosen) + share_of(amounts, ~chosen) == pytest.approx(1)
