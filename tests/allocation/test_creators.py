"""Creator caps: two levels of water-filling, exact at any number of creators."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.allocation import allocate, creators

from .independent_solutions import random_program

programs = st.integers(0, 2**32 - 1).map(lambda seed: random_program(np.random.default_rng(seed), creators=True))


def _large_pool(n: int, groups: int):
    rng = np.random.default_rng(n)
    m, creator = rng.pareto(1.1, n), rng.integers(0, groups, n)
    options = {"alpha": 0.5, "lambda_eff": 0.3, "creator": creator, "creator_cap": 1.5e9 / groups}
    return m, options


@settings(max_examples=80)
@given(programs)
def test_allocate_creator_caps_random_program_is_optimal_by_own_check(program):
    allocation = allocate(program.effective_impressions, program.pool, **program.options)
    creator, cap = program.options["creator"], program.options["creator_cap"]
    earned = np.bincount(creator, allocation.payout, cap.size)
    assert (earned <= cap * (1 + 1e-14)).all()
    assert allocation.max_kkt_residual <= 1e-13 * program.pool
    assert (allocation.dual.creators.eta >= 0).all()


@settings(max_examples=40)
@given(programs)
def test_allocate_infinite_creator_caps_change_nothing(program):
    free = {name: value for name, value in program.options.items() if not name.startswith("creator")}
    capped = allocate(program.effective_impressions, program.pool, **(program.options | {"creator_cap": np.inf}))
    uncapped = allocate(program.effective_impressions, program.pool, **free)
    np.testing.assert_allclose(capped.payout, uncapped.payout, rtol=1e-14)
    assert "creator_cap" not in capped.bound


def test_allocate_one_video_per_creator_equals_video_caps():
    rng = np.random.default_rng(4)
    m, cap = rng.pareto(1.0, 200), 2.0 * rng.random(200) + 0.2
    for lambda_eff in (0.0, 0.6, 1.0):
        terms = partial(allocate, m, 100.0, alpha=0.5, lambda_eff=lambda_eff)
        by_creator = terms(creator=np.arange(200), creator_cap=cap)
        by_video = terms(cap=cap)
        np.testing.assert_allclose(by_creator.payout, by_video.payout, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_allocate_compiled_search_gives_the_bits_of_the_interpreted_one(monkeypatch):
    m, options = _large_pool(2_000, 200)
    interpreted = allocate(m, 1e9, **options)
    assert interpreted.dual.creators.eta.size > 20
    monkeypatch.setattr(creators, "COMPILE_FROM", 1)
    np.testing.assert_array_equal(allocate(m, 1e9, **options).payout, interpreted.payout)


def test_allocate_many_creators_stay_under_caps_in_few_passes():
    m, options = _large_pool(200_000, 20_000)
    allocation = allocate(m, 1e9, **options)
    earned = np.bincount(options["creator"], allocation.payout)
    assert earned.max() <= 1.5e9 / 20_000 * (1 + 1e-12)
    assert allocation.max_kkt_residual <= 1e-12 * 1e9
    assert allocation.iterations < 15


def test_allocate_creators_with_cap_zero_get_nothing():
    allocation = allocate(
        [3.0, 1.0, 2.0], 9.0, alpha=1.0, lambda_eff=0.2, creator=["x", "y", "y"], creator_cap={"x": 0}
    )
    assert allocation.payout[0] == 0.0
    assert allocation.payout.sum() == pytest.approx(9.0)


def test_allocate_money_left_by_capped_creators_goes_to_videos_without_weight():
    # Creator 0 gets the cap 3, creator 1's video with weight its cap 2. The two without weight share the rest, 5.
    allocation = allocate(
        [4.0, 1.0, 2.0, 0.0, 0.0],
        10.0,
        alpha=0.5,
        lambda_eff=0.3,
        cap=[9.0, 9.0, 2.0, 9.0, 9.0],
        creator=[0, 0, 1, 1, 2],
        creator_cap=[3.0, 9.0, 9.0],
    )
    np.testing.assert_allclose(allocation.payout, [2.0, 1.0, 2.0, 2.5, 2.5], rtol=0.2)
    assert allocation.payout[:2].sum() == pytest.approx(3.0)
    assert allocation.payout[2:].tolist() == [2.0, 2.5, 2.5]
