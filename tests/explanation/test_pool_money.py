"""The causes of a change of a pool's money: what advertisers paid, the platform's share, what stayed unallocated."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tests.explanation.pool_days import EXPONENTS, PoolDay

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.explanation.logarithmic import log_mean
from creatorpool.explanation.pairs import PoolPair, changes, pool_day
from creatorpool.explanation.parts import PARTS, told
from creatorpool.explanation.pool_money import POOL_CAUSES, PoolMoney, absent_causes, cause_logs, pool_causes

POLICY = DayPolicy(SplitPolicy("log", 0.5, 0.4), EXPONENTS)
VIDEOS = PoolDay(0, np.array([90, 50, 7, 3]), np.random.default_rng(5).uniform(0.2, 1.0, (4, 5)))


def money_of(net: int, platform_share: float) -> PoolMoney:
    pool = int(((1 - Decimal(str(platform_share))) * net).to_integral_value(ROUND_FLOOR))
    return PoolMoney(net, platform_share, pool)


def explained(before: PoolMoney, after: PoolMoney, paid: tuple[int, int] | None = None) -> dict[str, np.ndarray]:
    """The parts of a pool whose videos and viewers are the same on both days."""
    money, amounts = (before, after), paid or (before.pool, after.pool)
    videos = [replace(VIDEOS, money=amount).paid(POLICY) for amount in amounts]
    days = [pool_day(videos[d], money[d], amounts[d], POLICY, POLICY) for d in (0, 1)]
    everybody = np.ones(4, dtype=bool)
    return changes(PoolPair(days[0], days[1]), (videos[0], videos[1]), (everybody, everybody))


def test_changed_platform_share_is_all_of_the_change_and_advertisers_are_not_named() -> None:
    # Shares of money that does not divide: the pool's own rounding must not be told as revenue.
    parts = explained(money_of(1_000_003, 0.5), money_of(1_000_003, 0.35))

    assert_array_equal(parts["platform_share"], parts["pool_size"])
    assert np.all(parts["platform_share"] > 0)
    assert not parts["revenue"].any()
    assert not parts["unallocated"].any()


def test_changed_revenue_under_the_same_share_is_revenue_alone() -> None:
    parts = explained(money_of(1_000_003, 0.45), money_of(777_777, 0.45))

    assert_array_equal(parts["revenue"], parts["pool_size"])
    assert np.all(parts["revenue"] < 0)
    assert not parts["platform_share"].any()


def test_money_that_the_pool_could_not_pay_out_has_a_cause_of_its_own() -> None:
    same = money_of(2_000_000, 0.5)
    parts = explained(same, same, (1_000_000, 600_000))

    assert_array_equal(parts["unallocated"], parts["pool_size"])
    assert np.all(parts["unallocated"] < 0)


def test_revenue_and_share_that_offset_each_other_are_both_told() -> None:
    parts = explained(money_of(1_000_000, 0.5), money_of(2_000_000, 0.75))

    assert np.all(parts["revenue"] > 0)
    assert_array_equal(parts["platform_share"], -parts["revenue"])
    assert not parts["pool_size"].any()


@pytest.mark.slow
@given(
    st.tuples(st.integers(10_000, 10**12), st.sampled_from([0.0, 0.1, 0.333, 0.5, 0.9])),
    st.tuples(st.integers(10_000, 10**12), st.sampled_from([0.0, 0.1, 0.333, 0.5, 0.9])),
    st.tuples(st.sampled_from([0.5, 1.0]), st.sampled_from([0.5, 1.0])),
)
def test_causes_sum_to_pool_size_and_parts_to_the_change_in_both_directions(first, second, paid_shares) -> None:
    days = (money_of(*first), money_of(*second))
    paid = tuple(int(day.pool * share) for day, share in zip(days, paid_shares, strict=True))
    parts = explained(*days, (paid[0], paid[1]))
    back = explained(days[1], days[0], (paid[1], paid[0]))

    assert_array_equal(sum(parts[name] for name in POOL_CAUSES), parts["pool_size"])
    now, then = (replace(VIDEOS, money=amount).paid(POLICY).payout for amount in (paid[1], paid[0]))
    assert_array_equal(sum(parts[name] for name in PARTS), (now - then).astype(int))
    assert np.abs(parts["rounding"]).max() <= 8
    for name, part in parts.items():
        assert_array_equal(back[name], -part, err_msg=name)


def test_logarithms_of_the_causes_sum_to_that_of_the_money() -> None:
    days = (money_of(1_000_003, 0.35), money_of(3_000_017, 0.15))
    logs = cause_logs(days, (days[0].pool, 1_000_000.0))

    assert math.fsum(logs.values()) == pytest.approx(math.log(1_000_000 / days[0].pool), rel=1e-12)
    assert logs["platform_share"] == pytest.approx(math.log(0.85 / 0.65), rel=1e-12)


DAY_MONEY = st.tuples(
    st.integers(0, 10**15), st.sampled_from([0.0, 0.1, 0.333, 0.5, 1.0]), st.sampled_from([0, 0.5, 1])
)


@given(DAY_MONEY, DAY_MONEY)
def test_causes_of_a_whole_pool_sum_to_its_change(first, second) -> None:
    money = (money_of(*first[:2]), money_of(*second[:2]))
    paid = tuple(int(own.pool * day[2]) for own, day in zip(money, (first, second), strict=True))

    causes = pool_causes(*money, (paid[0], paid[1]))

    assert tuple(causes) == POOL_CAUSES
    assert sum(causes.values()) == paid[1] - paid[0]
    if first[1:] == second[1:] and min(paid) > 1000:
        # Only the advertisers' money changed: it alone may be named, beside micros of rounding.
        assert abs(causes["revenue"] - (paid[1] - paid[0])) <= 1


def test_whole_pool_is_told_by_its_money_where_the_sum_over_videos_is_not() -> None:
    money, shares = (money_of(2_000_000, 0.5), money_of(4_000_000, 0.5)), ([0.9, 0.1], [0.1, 0.9])
    paid = (1_000_000, 2_000_000)

    assert pool_causes(*money, paid) == {"revenue": 1_000_000, "platform_share": 0, "unallocated": 0}
    # Each video has a mean of its own, so that the videos' parts of the pool's size sum to less.
    over_videos = sum(log_mean(paid[0] * a, paid[1] * b) * math.log(2) for a, b in zip(*shares, strict=True))
    assert over_videos < 800_000


def test_pool_of_one_day_only_is_what_advertisers_paid() -> None:
    assert pool_causes(None, money_of(10, 0.5), (0, 5)) == {"revenue": 5, "platform_share": 0, "unallocated": 0}
    assert pool_causes(money_of(10, 0.5), None, (5, 0)) == {"revenue": -5, "platform_share": 0, "unallocated": 0}


@pytest.mark.parametrize(
    ("before", "paid", "weights"),
    [
        (PoolMoney(0, 0.5, 0), 0.0, {"revenue": 1.0}),
        (PoolMoney(100, 1.0, 0), 0.0, {"platform_share": 1.0}),
        (PoolMoney(100, 0.5, 50), 0.0, {"unallocated": 1.0}),
        (PoolMoney(0, 1.0, 0), 0.0, {"revenue": 0.5, "platform_share": 0.5}),
        (PoolMoney(1, 0.5, 0), 0.0, {"revenue": 1.0}),
    ],
)
def test_pool_that_paid_nothing_names_what_was_absent(
    before: PoolMoney, paid: float, weights: dict[str, float]
) -> None:
    after = money_of(1000, 0.5)
    assert absent_causes((before, after), (paid, 500.0)) == weights
    assert set(cause_logs((before, after), (paid, 500.0)).values()) == {0.0}


def test_pool_whose_money_the_platform_kept_is_told_as_the_platforms_share() -> None:
    parts = explained(money_of(1_000_000, 1.0), money_of(1_000_000, 0.5))

    assert_array_equal(parts["platform_share"], parts["pool_size"])
    assert int(parts["platform_share"].sum()) == 500_000


def test_row_of_an_earlier_version_is_told_by_the_size_of_the_pool() -> None:
    earlier = {"pool_size_micros": 7, "views_micros": 3, "revenue_micros": None}
    assert {name: micros for name, micros in told(earlier).items() if micros} == {"pool_size": 7, "views": 3}
    split = {"pool_size_micros": 7, "views_micros": 3, "revenue_micros": 0, "platform_share_micros": 7}
    assert {name: micros for name, micros in told(split).items() if micros} == {"platform_share": 7, "views": 3}
