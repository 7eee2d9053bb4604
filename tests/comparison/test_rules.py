"""Other rules against loops over viewers, worked cases, and ScaledUserProp's bound on an attacker's gain."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.comparison.rules import Viewing, equal_split, pro_rata, scaled_user, scaling, user_centric
from creatorpool.errors import InputError

VIDEOS = 5
Log = dict[tuple[str, int], int]  # views by viewer and video

LOGS = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, VIDEOS - 1)), st.integers(1, 6), min_size=1, max_size=25
)
SHARES = st.sampled_from([0.05, 0.3, 0.5, 0.7, 0.95, 1.0])


def viewing_of(log: Log) -> Viewing:
    depth: dict[str, int] = defaultdict(int)
    for (viewer, _), views in log.items():
        depth[viewer] += views
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for (viewer, video), views in log.items():
        sums[video, depth[viewer]] += views
    columns = [(video, level, views) for (video, level), views in sums.items()]
    return Viewing(*(np.array(column) for column in zip(*columns, strict=True)))


def plain_user_centric(log: Log) -> list[Fraction]:
    """Loops over viewers, in exact fractions."""
    viewers = sorted({viewer for viewer, _ in log})
    paid = [Fraction(0)] * VIDEOS
    for i in viewers:
        own = {video: views for (viewer, video), views in log.items() if viewer == i}
        for video, views in own.items():
            paid[video] += Fraction(views, sum(own.values()) * len(viewers))
    return paid


def plain_scaled_user(log: Log, creators_share: float) -> list[float]:
    """The paper's definition, γ by bisection."""
    depth: dict[str, int] = defaultdict(int)
    for (viewer, _), views in log.items():
        depth[viewer] += views
    low, high = 0.0, 1.0
    for _ in range(200):
        gamma = (low + high) / 2
        reached = sum(min(gamma * level, 1.0) for level in depth.values()) >= creators_share * len(depth)
        low, high = (low, gamma) if reached else (gamma, high)
    paid = [0.0] * VIDEOS
    for (viewer, video), views in log.items():
        paid[video] += min(high * depth[viewer], 1.0) * views / depth[viewer] / (creators_share * len(depth))
    return paid


def test_rules_worked_by_hand() -> None:
    """a watches video 0 once; b watches video 0 once and video 1 three times; creators share half."""
    viewing = viewing_of({("a", 0): 1, ("b", 0): 1, ("b", 1): 3})

    assert pro_rata([2, 3]).tolist() == [0.4, 0.6]
    assert equal_split(4).tolist() == [0.25] * 4
    assert user_centric(viewing, 2) == pytest.approx([1 / 2 + 1 / 8, 3 / 8])
    # γ = 1/5: a gives 1/5, b gives 4/5, together 1 = half of two viewers.
    assert scaling(np.array([1, 4]), np.array([1, 1]), 0.5) == pytest.approx(0.2)
    assert scaled_user(viewing, 2, 0.5) == pytest.approx([0.4, 0.6])
    # γ = 1/2: b is at the bound and gives 1 of the 1.5.
    assert scaled_user(viewing, 2, 0.75) == pytest.approx([(1 / 2 + 1 / 4) / 1.5, (3 / 4) / 1.5])


@given(LOGS)
def test_user_centric_agrees_with_a_loop_over_viewers(log: Log) -> None:
    assert user_centric(viewing_of(log), VIDEOS) == pytest.approx(list(map(float, plain_user_centric(log))), abs=1e-14)


@given(LOGS, SHARES)
def test_scaled_user_agrees_with_the_papers_definition(log: Log, creators_share: float) -> None:
    shares = scaled_user(viewing_of(log), VIDEOS, creators_share)

    assert shares == pytest.approx(plain_scaled_user(log, creators_share), abs=1e-12)
    assert shares.sum() == pytest.approx(1)


@given(LOGS, SHARES)
def test_scaling_spends_the_creators_share(log: Log, creators_share: float) -> None:
    depth, viewers = viewing_of(log).viewers()
    gamma = scaling(depth, viewers, creators_share)

    assert viewers @ np.minimum(gamma * depth, 1) == pytest.approx(creators_share * viewers.sum())
    assert viewers.sum() == len({viewer for viewer, _ in log})


@settings(max_examples=200)
@given(LOGS, SHARES, st.integers(0, VIDEOS - 1), st.integers(1, 20), st.integers(1, 40))
def test_fake_viewers_gain_no_more_than_they_bring_in_under_rules_by_viewer(
    log: Log, creators_share: float, target: int, fakes: int, views_each: int
) -> None:
    """Fraud-proofness of Ghosh et al., scaled to a fixed pool of 1: k fakes gain at most k / (a (N + k))."""
    viewing = viewing_of(log)
    attacked = viewing.with_viewers(target, fakes, views_each)
    viewers = int(viewing.viewers()[1].sum())
    gain = scaled_user(attacked, VIDEOS, creators_share) - scaled_user(viewing, VIDEOS, creators_share)

    assert gain[target] <= fakes / (creators_share * (viewers + fakes)) + 1e-12


def test_pro_rata_has_no_such_bound() -> None:
    log = {("a", 0): 1, ("b", 1): 1, ("c", 2): 1, ("d", 3): 1}
    before, after = pro_rata([1, 1, 1, 1]), pro_rata([1 + 1000, 1, 1, 1])
    viewing = viewing_of(log)

    assert after[0] - before[0] > 0.7
    replayed = scaled_user(viewing.with_viewers(0, 1, 1000), VIDEOS, 0.5)
    assert replayed[0] - scaled_user(viewing, VIDEOS, 0.5)[0] <= 1 / (0.5 * 5)


@given(LOGS, SHARES, st.randoms(use_true_random=False))
def test_scaled_user_has_the_same_bits_in_any_order_of_rows(log: Log, creators_share: float, random) -> None:
    viewing = viewing_of(log)
    order = np.array(random.sample(range(viewing.video.size), viewing.video.size))
    shuffled = Viewing(viewing.video[order], viewing.depth[order], viewing.views[order])

    assert (
        scaled_user(shuffled, VIDEOS, creators_share).tolist() == scaled_user(viewing, VIDEOS, creators_share).tolist()
    )


BAD = [
    (lambda: pro_rata([0, 0]), "not all 0"),
    (lambda: pro_rata([1, -1]), "not all 0"),
    (lambda: equal_split(0), "at least 1, got 0"),
    (lambda: scaled_user(viewing_of({("a", 0): 1}), 1, 0.0), r"creators_share must lie in \(0, 1\]"),
    (lambda: user_centric(Viewing(*(np.empty(0, dtype=int) for _ in range(3))), 1), "at least one row"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_rules_refuse_invalid_views(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
