from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.delivery.positions import position_classes

sizes = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=6)


def reached_too_often(x: np.ndarray, capacity: list[float]) -> bool:
    """Check the rule: at most k contents reach the k-th largest capacity, and none exceeds the largest."""
    ordered = sorted((c for c in capacity if c > 0), reverse=True)
    if not ordered:
        return bool((x > 0).any())
    last_of_its_size = [k for k in range(1, len(ordered) + 1) if k == len(ordered) or ordered[k] < ordered[k - 1]]
    return bool((x > ordered[0]).any()) or any((x >= ordered[k - 1]).sum() > k for k in last_of_its_size)


def test_ranks_of_three_positions() -> None:
    classes = position_classes([np.array([300.0, 900.0, 300.0])], 6)
    caps = classes.rank_caps(0, 6)
    assert caps[0] == 900.0
    assert ((caps[1:3] < 900.0) & (caps[1:3] > 899.0)).all()
    assert ((caps[3:] < 300.0) & (caps[3:] > 299.9)).all()
    assert classes.top.tolist() == [900.0]


def test_drawer_without_positions_has_no_rule() -> None:
    classes = position_classes([np.zeros(0), np.array([5.0])], 3)
    assert np.isinf(classes.top[0])
    assert np.isinf(classes.rank_caps(0, 3)).all()
    assert classes.rank_caps(1, 3)[0] == 5.0


@given(sizes, st.lists(st.floats(0.0, 6.0), min_size=1, max_size=8))
def test_content_caps_keep_the_rule_and_restrict_nothing_else(capacity: list[float], wished: list[float]) -> None:
    x = np.array(wished)
    classes = position_classes([np.array(capacity)], x.size)
    capped = np.minimum(x, classes.content_caps(x[:, None], np.full((x.size, 1), np.inf))[:, 0])
    assert not reached_too_often(capped, capacity)
    if not reached_too_often(x, capacity):
        np.testing.assert_allclose(capped, x, rtol=2e-6)
