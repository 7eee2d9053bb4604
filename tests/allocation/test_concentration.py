"""Concentration against its definition, pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from creatorpool.allocation.concentration import gini, top_share

amounts = npst.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e9).map(lambda x: round(x, 3)))


@given(amounts.filter(lambda x: x.sum() > 0))
def test_gini_equals_the_mean_absolute_difference_of_all_pairs(x: np.ndarray) -> None:
    by_pairs = np.abs(x[:, None] - x[None, :]).sum() / (2 * x.size * x.sum())
    assert gini(x) == pytest.approx(by_pairs, abs=1e-12)


def test_gini_of_equal_amounts_is_0_and_of_one_winner_almost_1() -> None:
    assert gini([7.0, 7.0, 7.0]) == pytest.approx(0, abs=1e-15)
    assert gini([0.0, 0.0, 0.0, 12.0]) == pytest.approx(0.75)
    assert math.isnan(gini([0.0, 0.0]))


def test_top_share_counts_at_least_one_and_rounds_up() -> None:
    assert top_share([1.0, 3.0]) == pytest.approx(0.75)
    assert top_share(np.arange(1, 151)) == pytest.approx((149 + 150) / (150 * 151 / 2))
    assert math.isnan(top_share([0.0]))
