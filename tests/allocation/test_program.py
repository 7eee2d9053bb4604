"""One pool's optimum: by hand, against an interior-point solver and extended precision, and by its properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.allocation import allocate
from creatorpool.errors import InfeasiblePoolError, InputError
from creatorpool.money import exact_sum, round_to_total

from .independent_solutions import Program, bisection_payouts, cvxpy_payouts, random_program

programs = st.integers(0, 2**32 - 1).map(lambda seed: random_program(np.random.default_rng(seed)))
programs_with_creators = st.integers(0, 2**32 - 1).map(
    lambda seed: random_program(np.random.default_rng(seed), creators=True)
)


def _allocate(program: Program, **changes):
    return allocate(program.effective_impressions, program.pool, **(program.options | changes))


# Hand-worked pools


def test_allocate_no_efficiency_weight_pays_in_proportion_to_fairness_weight():
    # w = sqrt(s): shares 1 : 4 : 9 give payouts 1 : 2 : 3 of 12.
    allocation = allocate([1.0, 4.0, 9.0], 12.0, alpha=0.5, lambda_eff=0.0)
    np.testing.assert_allclose(allocation.payout, [2.0, 4.0, 6.0], rtol=1e-15)
    assert allocation.bound.tolist() == ["interior"] * 3


def test_allocate_two_videos_linear_meets_quadratic_by_hand():
    # s = (1/4, 3/4), α = 1, λ = 1/2, P = 1, t = 2ν: p = s / (t - s), and p1 + p2 = 1 is t² - 2t + 9/16 = 0.
    t = 1 + math.sqrt(7) / 4
    allocation = allocate([1.0, 3.0], 1.0, alpha=1.0, lambda_eff=0.5)
    np.testing.assert_allclose(allocation.payout, [0.25 / (t - 0.25), 0.75 / (t - 0.75)], rtol=1e-14)
    assert allocation.nu == pytest.approx(t / 2, rel=1e-14)


@pytest.mark.parametrize(("lambda_eff", "expected"), [(0.0, [2.0, 4.0, 6.0]), (1.0, [6 / 7, 24 / 7, 54 / 7])])
def test_allocate_log_objective_both_ends_are_s0s_special_cases(lambda_eff, expected):
    allocation = allocate([1.0, 4.0, 9.0], 12.0, alpha=0.5, lambda_eff=lambda_eff, objective="log")
    np.testing.assert_allclose(allocation.payout, expected, rtol=1e-15)


def test_allocate_linear_program_fills_largest_shares_to_caps_first():
    allocation = allocate([1.0, 4.0, 9.0, 2.0], 10.0, alpha=0.5, lambda_eff=1.0, cap=[5.0, 5.0, 4.0, 5.0], floor=0.5)
    assert allocation.payout.tolist() == [0.5, 5.0, 4.0, 0.5]
    assert allocation.bound.tolist() == ["floor", "cap", "cap", "floor"]


def test_allocate_linear_program_without_caps_pays_all_to_largest():
    assert allocate([1.0, 4.0, 9.0], 10.0, alpha=0.5, lambda_eff=1.0).payout.tolist() == [0.0, 0.0, 10.0]


def test_allocate_linear_program_equal_shares_get_equal_payouts_inside_bounds():
    # 9 is filled to 2; the three videos at 4 share 7, one of them only up to its cap 1.
    allocation = allocate([4.0, 9.0, 4.0, 1.0, 4.0], 9.0, alpha=0.5, lambda_eff=1.0, cap=[9.0, 2.0, 1.0, 9.0, 9.0])
    np.testing.assert_allclose(allocation.payout, [3.0, 2.0, 1.0, 0.0, 3.0], rtol=1e-15)
    assert allocation.bound.tolist() == ["interior", "cap", "cap", "floor", "interior"]


@pytest.mark.parametrize("lambda_eff", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("objective", ["linear", "log"])
def test_allocate_videos_without_weight_get_only_the_money_that_caps_leave(lambda_eff, objective):
    options = {"alpha": 0.5, "lambda_eff": lambda_eff, "objective": objective}
    roomy = allocate([1.0, 0.0, 2.0, 0.0], 6.0, cap=[5.0, 5.0, 5.0, 5.0], floor=[0.0, 0.5, 0.0, 0.0], **options)
    assert roomy.payout[[1, 3]].tolist() == [0.5, 0.0]
    tight = allocate([1.0, 0.0, 2.0, 0.0, 0.0], 6.0, cap=[1.0, 0.5, 2.0, 9.0, 9.0], **options)
    assert tight.payout.tolist() == [1.0, 0.5, 2.0, 1.25, 1.25]
    assert tight.bound.tolist() == ["cap", "cap", "cap", "interior", "interior"]
    assert tight.nu == 0.0


def test_allocate_no_effective_impressions_at_all_splits_equally():
    assert allocate(np.zeros(3), 6.0, alpha=0.5, lambda_eff=0.3, cap=[1.0, 9.0, 9.0]).payout.tolist() == [1.0, 2.5, 2.5]


@pytest.mark.parametrize("lambda_eff", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("objective", ["linear", "log"])
def test_allocate_single_video_gets_whole_pool(lambda_eff, objective):
    allocation = allocate([3.0], 7.0, alpha=0.5, lambda_eff=lambda_eff, objective=objective)
    assert allocation.payout.tolist() == [7.0]
    assert allocation.nu == pytest.approx(1 / 7)


def test_allocate_pool_without_money_pays_nothing():
    assert allocate([1.0, 2.0], 0.0, alpha=0.5, lambda_eff=0.3).payout.tolist() == [0.0, 0.0]


def test_allocate_creator_cap_by_hand_binds_and_splits_inside_by_weight():
    # α = 1, λ = 0: payouts 1 : 2 : 3 : 4 of 10; creator a would get 7 and may have 3.5, which 3 and 4 share as 1.5 : 2.
    allocation = allocate(
        [3.0, 4.0, 1.0, 2.0], 10.0, alpha=1.0, lambda_eff=0.0, creator=list("aabb"), creator_cap={"a": 3.5}
    )
    np.testing.assert_allclose(allocation.payout, [1.5, 2.0, 6.5 / 3, 13 / 3], rtol=1e-15)
    assert allocation.bound.tolist() == ["creator_cap", "creator_cap", "interior", "interior"]


# Independent methods


@pytest.mark.parametrize("creators", [False, True])
def test_allocate_random_programs_agree_with_interior_point_solver(creators):
    for seed in range(40):
        program = random_program(np.random.default_rng([seed, creators]), creators=creators)
        allocation, theirs = _allocate(program), cvxpy_payouts(program)
        logs, slopes = program.terms()
        unique = (logs > 0) | ((logs + slopes > 0) & (np.unique(slopes, return_counts=True)[1].max() == 1))
        np.testing.assert_allclose(
            allocation.payout[unique], theirs[unique], atol=1e-6 * program.pool, err_msg=f"seed {seed}"
        )
        assert program.value(allocation.payout) >= program.value(np.maximum(theirs, 1e-300)) - 1e-9, f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("lambda_eff", [0.0, 0.37, 0.99, 1 - 1e-9, 1 - 1e-12, 1 - 2**-53])
@pytest.mark.parametrize("objective", ["linear", "log"])
def test_allocate_random_programs_agree_with_extended_precision(lambda_eff, objective):
    for seed in range(8):
        program = random_program(np.random.default_rng(seed))
        program.options.update(lambda_eff=lambda_eff, objective=objective)
        if program.options["cap"] is not None:
            weighted = program.effective_impressions > 0
            program.options["cap"] *= max(1.0, 1.5 * program.pool / program.options["cap"][weighted].sum())
        np.testing.assert_allclose(_allocate(program).payout, bisection_payouts(program), rtol=1e-9, atol=0)


# Extreme pools: each is solved to the last bits in few passes, and measured by the independent check


def _pathology(name: str) -> tuple[np.ndarray, float, dict]:
    rng = np.random.default_rng(7)
    spread = np.geomspace(1e-15, 1.0, 400)
    cases: dict[str, tuple[np.ndarray, float, dict[str, Any]]] = {
        "weights of 1e-300": (np.array([1.0, 1e-300, 2e-300, 3.0]), 100.0, {}),
        "one dominating video": (np.concatenate(([1e12], rng.random(300))), 1e9, {"cap": 1e9 / 30, "floor": 1.0}),
        "equal videos": (np.full(97, 0.1), 1e6, {"floor": 10.0, "cap": 1e6 / 96}),
        "shares over 15 decades": (spread, 1e9, {"cap": 1e9 / 40}),
        "shares over 15 decades, floors": (spread, 1e9, {"cap": 1e9 / 40, "floor": 1e9 / 900}),
        "all at floors": (rng.random(50), 50.0, {"floor": 1.0}),
        "all at caps": (rng.random(50), 50.0, {"cap": 1.0}),
        "caps almost tight": (rng.random(50), 50.0, {"cap": 1.0 + 1e-12}),
        "floors almost tight": (rng.random(50), 50.0, {"floor": 1.0 - 1e-12}),
        "pool of one micro": (rng.random(1000), 1.0, {}),
        "one video": (np.array([5.0]), 9e15, {"cap": 9e15}),
        "equal but for the last bit": (np.array([1.0, 1.0 + 2**-52, 1.0 + 2**-51, 0.5]), 1e6, {"cap": 4e5}),
        "random caps and floors": (rng.pareto(0.8, 3000), 1e12, {"cap": 1e9 * rng.random(3000), "floor": 1e6}),
    }
    return cases[name]


@pytest.mark.parametrize("lambda_eff", [0.0, 0.3, 1 - 1e-6, 1 - 1e-12, 1 - 1e-16, 1.0])
@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize(
    "name",
    [
        "weights of 1e-300",
        "one dominating video",
        "equal videos",
        "shares over 15 decades",
        "shares over 15 decades, floors",
        "all at floors",
        "all at caps",
        "caps almost tight",
        "floors almost tight",
        "pool of one micro",
        "one video",
        "equal but for the last bit",
        "random caps and floors",
    ],
)
def test_allocate_pathology_is_optimal_within_sixty_passes(name, objective, lambda_eff):
    m, pool, bounds = _pathology(name)
    allocation = allocate(m, pool, alpha=0.5, lambda_eff=lambda_eff, objective=objective, **bounds)
    assert allocation.max_kkt_residual <= 1e-12 * pool
    assert allocation.iterations <= 60


def test_allocate_pole_within_an_ulp_of_root_loses_no_digit():
    # At λ = 1 - 2**-53 the price exceeds the largest pole by about 1e-16 of its value: no float lies between.
    program = Program(
        np.array([3.0, 2.0, 1.0]),
        60.0,
        {"alpha": 0.5, "lambda_eff": 1 - 2**-53, "objective": "linear", "floor": None, "cap": None},
    )
    payout = _allocate(program).payout
    np.testing.assert_allclose(payout, bisection_payouts(program), rtol=1e-13)
    assert 0 < payout[2] < payout[1] < 1e-13


@pytest.mark.parametrize("n", [1, 10, 1_000, 100_000, 1_000_000])
def test_allocate_any_size_closes_to_the_micro_after_rounding(n):
    rng = np.random.default_rng(n)
    m = rng.pareto(1.1, n) * (rng.random(n) > 0.1)
    m[0] = 1.0
    pool = 123_456_789 * n
    cap = 40 * 123_456_789 if n > 100 else None
    allocation = allocate(m, pool, alpha=0.5, lambda_eff=0.3, cap=cap, floor=1_000)
    assert allocation.max_kkt_residual <= 1e-9 * pool
    assert exact_sum(round_to_total(allocation.payout, pool, lower=1_000, upper=cap)) == pool


# Properties


@settings(max_examples=100)
@given(programs)
def test_allocate_random_program_is_feasible_and_optimal_by_own_check(program):
    allocation = _allocate(program)
    lo = 0.0 if program.options["floor"] is None else program.options["floor"]
    hi = np.inf if program.options["cap"] is None else program.options["cap"]
    assert (lo <= allocation.payout).all()
    assert (allocation.payout <= hi).all()
    assert math.fsum(allocation.payout) == pytest.approx(program.pool, rel=1e-13)
    assert allocation.max_kkt_residual <= 1e-13 * program.pool


@settings(max_examples=60)
@given(programs_with_creators, st.randoms(use_true_random=False))
def test_allocate_other_order_gives_same_bits(program, random):
    order = np.array(random.sample(range(program.effective_impressions.size), program.effective_impressions.size))
    arrays = {
        name: program.options[name][order] for name in ("floor", "cap", "creator") if program.options[name] is not None
    }
    shuffled = allocate(program.effective_impressions[order], program.pool, **(program.options | arrays))
    original = _allocate(program)
    np.testing.assert_array_equal(shuffled.payout, original.payout[order])
    assert shuffled.nu == original.nu


@settings(max_examples=60)
@given(programs, st.floats(1e-12, 1e12))
def test_allocate_other_unit_of_impressions_changes_nothing(program, unit):
    scaled = allocate(program.effective_impressions * unit, program.pool, **program.options)
    np.testing.assert_allclose(scaled.payout, _allocate(program).payout, rtol=1e-10, atol=1e-12 * program.pool)


@settings(max_examples=60)
@given(programs)
def test_allocate_halves_of_a_pool_pay_half(program):
    halves = {name: None if program.options[name] is None else program.options[name] / 2 for name in ("floor", "cap")}
    half = allocate(program.effective_impressions, program.pool / 2, **(program.options | halves))
    np.testing.assert_array_equal(2 * half.payout, _allocate(program).payout)


@settings(max_examples=60)
@given(programs, st.integers(0, 13), st.floats(1.001, 4.0))
def test_allocate_more_impressions_never_pay_less(program, video, factor):
    video %= program.effective_impressions.size
    more = program.effective_impressions.copy()
    more[video] *= factor
    raised = allocate(more, program.pool, **program.options)
    assert raised.payout[video] >= _allocate(program).payout[video] - 1e-12 * program.pool


@settings(max_examples=60)
@given(programs, st.floats(1.001, 4.0))
def test_allocate_larger_pool_pays_nobody_less(program, factor):
    if program.options["cap"] is not None:
        factor = min(factor, program.options["cap"].sum() / program.pool)
    richer = allocate(program.effective_impressions, program.pool * factor, **program.options)
    tied_at_the_top = program.options["objective"] == "linear" and program.options["lambda_eff"] == 1.0
    slack = (1e-9 if tied_at_the_top else 1e-12) * program.pool
    assert (richer.payout >= _allocate(program).payout - slack).all()


@settings(max_examples=60)
@given(programs, st.integers(0, 13), st.floats(1.001, 4.0))
def test_allocate_higher_own_cap_never_pays_less(program, video, factor):
    cap = np.full(program.effective_impressions.size, program.pool / 2) if program.options["cap"] is None else None
    cap = program.options["cap"] if cap is None else cap
    if cap.sum() < program.pool:
        cap = cap * 4
    video %= cap.size
    higher = cap.copy()
    higher[video] *= factor
    before, after = _allocate(program, cap=cap), _allocate(program, cap=higher)
    assert after.payout[video] >= before.payout[video] - 1e-12 * program.pool


@settings(max_examples=60)
@given(programs, st.floats(0.0, 0.9))
def test_allocate_close_lambdas_give_close_payouts(program, lambda_eff):
    one, other = (_allocate(program, lambda_eff=value) for value in (lambda_eff, lambda_eff + 1e-7))
    assert np.abs(one.payout - other.payout).sum() <= 1e-4 * program.pool


# Refusals

invalid_input_of_allocate = [
    (([], 1.0), {}, "at least one video"),
    (([[1.0]], 1.0), {}, "one dimension"),
    (([1.0, np.nan], 1.0), {}, r"effective_impressions\[1\] must be finite and >= 0, got nan"),
    (([1.0, -2.0], 1.0), {}, r"effective_impressions\[1\] must be finite and >= 0, got -2.0"),
    (([np.inf], 1.0), {}, r"effective_impressions\[0\] must be finite"),
    ((["x"], 1.0), {}, "effective_impressions must be numbers"),
    (([1.0], -1.0), {}, "pool must be finite and >= 0, got -1.0"),
    (([1.0], np.nan), {}, "pool must be finite"),
    (([1.0], np.inf), {}, "pool must be finite"),
    (([1.0], "1"), {}, "pool must be finite"),
    (([1.0], 1.0), {"alpha": 0.0}, r"alpha must lie in \(0, 1\], got 0.0"),
    (([1.0], 1.0), {"alpha": 1.5}, "alpha must lie in"),
    (([1.0], 1.0), {"alpha": np.nan}, "alpha must lie in"),
    (([1.0], 1.0), {"lambda_eff": -0.1}, r"lambda_eff must lie in \[0, 1\], got -0.1"),
    (([1.0], 1.0), {"lambda_eff": 1.1}, "lambda_eff must lie in"),
    (([1.0], 1.0), {"objective": "cubic"}, "objective must be one of linear, log, got 'cubic'"),
    (
        ([1.0, 2.0], 1.0),
        {"floor": [0.1]},
        r"floor must be one number or hold one number per video, shape \(2,\), got shape \(1,\)",
    ),
    (([1.0, 2.0], 1.0), {"floor": [0.1, -0.1]}, r"floor\[1\] must be finite and >= 0, got -0.1"),
    (([1.0, 2.0], 1.0), {"cap": [0.1, np.nan]}, r"cap\[1\] must be a number >= 0, got nan"),
    (([1.0, 2.0], 1.0), {"floor": 0.2, "cap": [1.0, 0.1]}, r"floor\[0\] must not exceed cap\[1\], got 0.2 > 0.1"),
    (([1.0, 2.0], 1.0), {"creator_cap": 1.0}, "creator must be given, because creator_cap is given"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), invalid_input_of_allocate)
def test_allocate_bad_input_is_refused_by_name(arguments, options, message):
    with pytest.raises(InputError, match=message):
        allocate(*arguments, **({"alpha": 0.5, "lambda_eff": 0.3} | options))


@pytest.mark.parametrize("lambda_eff", [0.3, 1.0])
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"floor": [0.6, 0.6]}, r"floors of 2 videos must sum to at most the pool 1.0, got 1.2"),
        ({"cap": [0.4, 0.5]}, r"caps of 2 videos must sum to at least the pool 1.0, got 0.9"),
        ({"creator": [0, 1], "creator_cap": 0.4}, "less where the caps of 2 creators bind"),
        (
            {"creator": ["a", "b"], "creator_cap": 0.7, "floor": [0.8, 0.0]},
            "floors of creator .*'a'.* cap 0.7, got 0.8",
        ),
    ],
)
def test_allocate_infeasible_pool_is_refused_with_sums(bounds, message, lambda_eff):
    with pytest.raises(InfeasiblePoolError, match=message):
        allocate([1.0, 2.0], 1.0, alpha=0.5, lambda_eff=lambda_eff, **bounds)
