"""The cap of each video: the pool's cap, or the floor without effective impressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.split import PoolTerms
from creatorpool.allocation.video_caps import cap_of_pool, caps_of_videos, sum_of_caps
from creatorpool.comparison.pool import Pool

IMPRESSIONS = np.array([0.0, 5e-324, 2.0])


@pytest.mark.parametrize(
    ("floor", "cap", "caps"),
    [
        (7, None, [7.0, np.inf, np.inf]),
        (7, 90, [7.0, 90.0, 90.0]),
        (7, 3, [7.0, 7.0, 7.0]),
        (0, 0, [0.0, 0.0, 0.0]),
        (0, None, [0.0, np.inf, np.inf]),
    ],
)
def test_caps_by_hand_are_those_of_settlement_and_of_comparisons(
    floor: int, cap: int | None, caps: list[float]
) -> None:
    whole = np.full(3, floor, dtype=np.int64)
    terms = PoolTerms("music", 100, floor, cap, SplitPolicy("linear", 0.5, 0.3))
    names = np.array(["a", "b", "c"], dtype=object)
    pool = Pool("music", 100, names, names, IMPRESSIONS, floor, cap)

    assert caps_of_videos(IMPRESSIONS, whole, cap).tolist() == caps
    for floors, found in (terms.bounds(IMPRESSIONS), pool.bounds(IMPRESSIONS)):
        assert floors.tolist() == [floor] * 3
        assert found.tolist() == caps


@given(
    st.lists(st.sampled_from([0.0, 1e-300, 1.5, 4e9]), min_size=1, max_size=30), st.integers(0, 50), st.integers(0, 80)
)
def test_sum_and_cap_of_pool_agree_with_the_videos_caps(column: list[float], floor: int, cap: int) -> None:
    impressions = np.array(column)
    caps = caps_of_videos(impressions, np.full(impressions.size, floor, dtype=np.int64), cap)

    assert sum_of_caps(impressions, floor, cap) == caps.sum()
    assert cap_of_pool(impressions, caps) == (max(floor, cap) if impressions.any() else np.inf)
