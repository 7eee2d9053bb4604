"""Caps on creators in whole micros, together with floors and caps of videos."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.allocation.filled_pools import filled

from creatorpool.allocation import allocate, payout_from_dual
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import pool_creators
from creatorpool.allocation.revenue import PoolRevenue
from creatorpool.allocation.settlement import settle_pool
from creatorpool.allocation.split import PoolTerms, split_pool
from creatorpool.errors import ConfigurationError, InfeasiblePoolError
from creatorpool.money import round_to_total
from creatorpool.settings import load_settings

NAMES = np.array(["ann", "bob", "bob", "cleo", "ann", "dan", "bob"])
CAPS = np.where(NAMES == "bob", 300_000.0, np.where(NAMES == "ann", 220_000.0, np.nan))
IMPRESSIONS = np.array([900.0, 400.0, 300.0, 10.0, 0.0, 40.0, 7.0])


def revenue(micros: int) -> PoolRevenue:
    return PoolRevenue("music", micros, 0.0, micros, "USD")


def terms(*assignments: str):
    return load_settings(assignments=[f"allocation.{assignment}" for assignment in assignments]).allocation


def test_pool_creators_are_in_ascending_order_with_their_caps():
    found = pool_creators(NAMES, CAPS)
    assert found.label.tolist() == ["ann", "bob", "cleo", "dan"]
    assert found.cap.tolist() == [220_000.0, 300_000.0, np.inf, np.inf]
    assert found.videos.tolist() == [2, 3, 1, 1]
    assert found.largest_floor() == 100_000.0
    assert found.most(np.array([1e6, 1e6, 1e6, 5.0, 3.0, 7.0, 0.0])) == 220_000 + 300_000 + 5 + 7


def test_settled_pool_with_capped_creators_is_the_optimum_and_closes():
    settled = settle_pool(revenue(1_000_000), IMPRESSIONS, terms(), pool_creators(NAMES, CAPS))
    rows = filled(settled.split, IMPRESSIONS, NAMES)
    micros = rows["payout_micros"]

    expected = allocate(
        IMPRESSIONS, 1e6, alpha=0.5, lambda_eff=0.3, cap=np.where(IMPRESSIONS > 0, np.inf, 0.0), creator=NAMES,
        creator_cap={"ann": 220_000.0, "bob": 300_000.0},
    )  # fmt: skip
    assert_allclose(micros, expected.payout, atol=1.0)
    assert micros.sum() == settled.paid_micros == 1_000_000
    assert micros[NAMES == "bob"].sum() == 300_000
    assert micros[NAMES == "ann"].sum() == 220_000
    assert [rows["bound"][v] for v in (0, 1, 3, 4)] == ["creator_cap", "creator_cap", "interior", "floor"]


@st.composite
def pools(draw):
    n = draw(st.integers(1, 12))
    impressions = np.array(draw(st.lists(st.sampled_from([0.0, 1.0, 1.0, 3.0, 50.0, 1e6]), min_size=n, max_size=n)))
    impressions[0] = max(impressions[0], 1.0)
    names = np.array(draw(st.lists(st.sampled_from(["a", "b", "c", "é"]), min_size=n, max_size=n)))
    by_name = {name: draw(st.one_of(st.just(np.nan), st.integers(5, 2_000))) for name in "abcé"}
    return impressions, names, np.array([float(by_name[name]) for name in names]), draw(st.integers(50, 5_000))


@pytest.mark.slow
@settings(max_examples=150)
@given(
    pools(),
    st.sampled_from([(), ("floor_micros=3",), ("cap_micros=400", "floor_micros=2"), ("cap_micros=200",)]),
    st.sampled_from(["linear", "log"]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_whole_micros_keep_within_every_bound_and_close(pool, bounds, objective, lambda_eff):
    impressions, names, caps, money = pool
    chosen = terms(
        *bounds, f"objective={objective}", f"lambda_eff={lambda_eff}", "on_floors_exceed_pool=scale",
        "on_caps_below_pool=carry",
    )  # fmt: skip
    creators = pool_creators(names, caps)
    settled = settle_pool(revenue(money), impressions, chosen, creators)
    split = settled.split
    micros = filled(split, impressions, names)["payout_micros"]
    floor, cap = split.terms.bounds(impressions)
    payout, _ = payout_from_dual(split.dual, impressions, floor, cap, names)

    assert micros.sum() == settled.paid_micros == min(money, creators.most(np.minimum(cap, money)))
    assert settled.max_kkt_residual <= 1e-9  # of the pool
    assert np.all(micros >= floor)
    assert np.all(micros <= cap)
    assert np.abs(micros - payout).max() < 1
    earned = np.bincount(creators.code, micros)
    assert np.all(earned <= creators.cap)
    binding = np.isin(creators.label, split.dual.creators.creator)
    np.testing.assert_array_equal(earned[binding], creators.cap[binding])
    assert settled.paid_micros == money or "unallocated" in settled.warning


def test_settle_pool_with_creators_capped_below_it_fails_or_carries():
    creators = pool_creators(NAMES, np.full(NAMES.size, 1_000.0))
    with pytest.raises(
        InfeasiblePoolError,
        match=r"of 4 of 4 creators sum to 0.004 USD, less than the pool, 1.00 USD: .* allocation.on_caps_below_pool",
    ):
        settle_pool(revenue(1_000_000), IMPRESSIONS, terms(), creators)

    settled = settle_pool(revenue(1_000_000), IMPRESSIONS, terms("on_caps_below_pool=carry"), creators)
    assert settled.paid_micros == 4_000
    assert settled.unallocated_micros == 1_000_000 - settled.paid_micros


def test_settle_pool_with_floors_above_a_creators_cap_fails_or_scales():
    creators = pool_creators(NAMES, CAPS)
    with pytest.raises(InfeasiblePoolError, match=r"for the 3 videos of creator 'bob' exceed the creator's cap, 0\.30"):
        settle_pool(revenue(1_000_000), IMPRESSIONS, terms("floor_micros=100001"), creators)

    scaled = terms("floor_micros=100001", "on_floors_exceed_pool=scale")
    settled = settle_pool(revenue(1_000_000), IMPRESSIONS, scaled, creators)
    assert settled.split.terms.floor_micros == 100_000
    assert "to fit creators' caps" in settled.warning
    micros = filled(settled.split, IMPRESSIONS, NAMES)["payout_micros"]
    assert micros[NAMES == "bob"].tolist() == [100_000] * 3


def test_floor_above_a_creators_cap_is_refused_as_configuration():
    with pytest.raises(ConfigurationError, match=r"floor 60 of one video is above creator_caps\.unverified, 50"):
        terms("floor_micros=60", "creator_caps={unverified: 50}")


def test_split_without_creators_rounds_the_optimum_within_video_bounds():
    settled = settle_pool(revenue(1_000_003), IMPRESSIONS, terms())
    plain, _ = split_pool(settled.split.terms, IMPRESSIONS)
    micros = filled(settled.split, IMPRESSIONS, NAMES)["payout_micros"]
    floor, cap = plain.terms.bounds(IMPRESSIONS)
    payout = allocate(IMPRESSIONS, 1_000_003.0, alpha=0.5, lambda_eff=0.3, floor=floor, cap=cap).payout
    assert micros.tolist() == round_to_total(payout, 1_000_003, lower=floor, upper=cap).tolist()


@pytest.mark.parametrize("impressions", [(1000.0, 10.0), (7.0, 7.0)])
def test_pool_of_all_caps_together_is_paid_whole(impressions):
    names = np.array(["ann", "bob"])
    settled = settle_pool(revenue(1_000), np.array(impressions), terms(), pool_creators(names, np.full(2, 500.0)))
    assert filled(settled.split, np.array(impressions), names)["payout_micros"].tolist() == [500, 500]


def test_creator_of_more_videos_than_micros_earns_the_cap():
    names = np.array(["ann"] * 50 + ["bob", "cleo"])
    impressions = np.append(np.full(50, 100.0), [3.0, 4.0])
    creators = pool_creators(names, np.where(names == "ann", 40.0, np.nan))
    settled = settle_pool(revenue(1_000), impressions, terms(), creators)
    micros = filled(settled.split, impressions, names)["payout_micros"]
    assert micros[:50].tolist() == [1] * 40 + [0] * 10  # equal remainders: the first ids
    assert micros.sum() == 1_000


def test_split_pool_of_floors_above_a_creators_cap_raises():
    chosen = PoolTerms("music", 1_000_000, 100_001, None, SplitPolicy("log", 0.5, 0.3))
    with pytest.raises(InfeasiblePoolError, match=r"for the 3 videos of creator 'bob' exceed the creator's cap, 0\.30"):
        split_pool(chosen, IMPRESSIONS, pool_creators(NAMES, CAPS))


def test_split_pool_of_floors_one_micro_above_a_large_cap_raises():
    cap = 2.0**52
    chosen = PoolTerms("music", 2**53, 2**51 + 1, None, SplitPolicy("log", 0.5, 0.3))
    creators = pool_creators(np.array(["ann", "ann", "bob"]), np.array([cap, cap, np.nan]))
    with pytest.raises(InfeasiblePoolError, match="for the 2 videos of creator 'ann' exceed the creator's cap"):
        split_pool(chosen, np.array([3.0, 2.0, 1.0]), creators)
