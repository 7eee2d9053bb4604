from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from creatorpool.errors import InputError
from creatorpool.incentives import Budgets, Policy, QuadraticCost, SegmentRange, balance, best_response, payoffs
from creatorpool.incentives.menu import Menu, best_choice, build_menu

COSTS = (QuadraticCost(60.0), QuadraticCost(80.0), QuadraticCost(40.0))
COSTS_FAR = (QuadraticCost(150.0), QuadraticCost(170.0))
SHARES = np.array([0.5, 0.3, 0.2])


def segments() -> Policy:
    return Policy(12.0, [20, 20, 15], [8, 9, 5], 0.0, [1.0, 2.0, 0.5], [40.0, 60.0, 30.0], [0.1, 0.2, 0.15])


@pytest.mark.parametrize("budgets", [Budgets(9.0, 2.0), Budgets(4.0, 6.0), Budgets(20.0, 0.0)])
def test_best_choice_on_small_grids_agrees_with_brute_force(budgets: Budgets) -> None:
    flat = segments().flat()
    menus = [
        build_menu(flat.take(np.asarray(s)), COSTS[s], [(12, 5), (20, 8)], [0.0, 6.0, 12.0], [0.0, 3.0, 9.0])
        for s in range(3)
    ]
    best = -np.inf
    for picks in product(*(range(menu.n.size) for menu in menus)):
        value, mass, spend = (
            SHARES @ [getattr(menu, name)[at] for menu, at in zip(menus, picks, strict=True)]
            for name in ("value", "mass", "spend")
        )
        if mass <= budgets.impressions + 1e-12 and spend <= budgets.cash + 1e-12:
            best = max(best, value)
    choice = best_choice(menus, SHARES, budgets)
    assert choice.value == pytest.approx(best, rel=1e-9)
    assert choice.bound >= choice.value - 1e-9


@pytest.mark.parametrize("seed", range(2))
def test_best_choice_of_ten_segments_is_that_of_the_whole_integer_program(seed: int) -> None:
    """The bound drops items first; none of them may be in the best choice."""
    rng, segments, items = np.random.default_rng(seed), 10, 16
    draws = rng.uniform(0, [[10.0], [4.0]], (segments, 2, items))
    menus = [
        Menu(whole, whole, mass, spend, mass / 10, 2 * np.sqrt(mass) + 3 * np.sqrt(spend) + noise, spend)
        for whole, (mass, spend), noise in zip(
            np.ones((segments, items), dtype=np.int64), draws, rng.normal(0, 0.3, (segments, items)), strict=True
        )
    ]
    shares, budgets = np.full(segments, 1 / segments), Budgets(4.0, 1.0)
    value, mass, spend = (np.concatenate([getattr(m, name) for m in menus]) for name in ("value", "mass", "spend"))
    each = np.kron(np.eye(segments), np.ones(items))
    exact = milp(
        -value / segments,
        integrality=np.ones(value.size),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(each, 1, 1),
            LinearConstraint(np.stack([mass, spend]) / segments, -np.inf, np.asarray(budgets)),
        ],
        options={"mip_rel_gap": 1e-7},
    )
    choice = best_choice(menus, shares, budgets)
    used = [
        np.mean([getattr(m, name)[at] for m, at in zip(menus, choice.index, strict=True)]) for name in ("mass", "spend")
    ]

    assert -exact.fun * (1 - 1e-4) <= choice.value <= -exact.fun * (1 + 1e-6)
    assert choice.bound >= -exact.fun * (1 - 1e-9)
    assert used[0] <= budgets.impressions * (1 + 1e-9)
    assert used[1] <= budgets.cash * (1 + 1e-9)


@pytest.mark.slow
def test_balance_meets_budgets_and_kuhn_tucker_where_creators_are_at_the_edge() -> None:
    """The best bounties are the least at which the good peak still wins; prices alone would not balance the budgets."""
    result = balance(segments(), SHARES, (10.0, 3.0), COSTS)
    assert result.used.impressions == pytest.approx(10.0, rel=1e-6)
    assert result.used.cash == pytest.approx(3.0, rel=1e-6)
    assert result.prices.stationarity < 1e-4
    assert result.prices.feasibility < 1e-9
    assert (result.prices.incentive > 0.01).any()
    assert result.prices.exchange_rate == pytest.approx(result.prices.lambda_imp / result.prices.lambda_cash)
    for policy, cost, quality in zip(result.policies, COSTS, result.quality, strict=True):
        assert best_response(policy, cost) == pytest.approx(quality, abs=1e-9)


@pytest.mark.slow
def test_balance_beats_every_policy_of_a_wide_grid() -> None:
    result = balance(segments(), SHARES, (10.0, 3.0), COSTS)
    flat = segments().flat()
    menus = []
    for s in range(3):
        span = SegmentRange.around(flat.take(np.asarray(s)), 3.0)
        menus.append(
            build_menu(flat.take(np.asarray(s)), COSTS[s], span.tests, np.linspace(0, 20, 11), np.linspace(0, 12, 17))
        )
    assert result.value >= best_choice(menus, SHARES, Budgets(10.0, 3.0)).value


def grid_gap(policies: Policy, costs: list[QuadraticCost], shares: np.ndarray, budgets: Budgets) -> float:
    """Relative gain of the best pair of policies on fine grids over the balance, for two segments."""
    tests = [(int(n), int(k)) for n, k in zip(policies.n, policies.k, strict=True)]
    ranges = [
        SegmentRange((test,), (0.0, test[0]), (0.0, test[0] + g1)) for test, g1 in zip(tests, policies.g1, strict=True)
    ]
    found = balance(policies, shares, budgets, costs, ranges=ranges)
    first, second = (
        build_menu(
            policies.take(np.asarray(s)), costs[s], [tests[s]], np.linspace(*r.mass, 31), np.linspace(*r.bounty, 61)
        )
        for s, r in enumerate(ranges)
    )
    best = -np.inf
    for at in range(first.n.size):
        fits = shares[0] * first.mass[at] + shares[1] * second.mass <= budgets.impressions
        fits &= shares[0] * first.spend[at] + shares[1] * second.spend <= budgets.cash
        best = max(best, shares[0] * first.value[at] + shares[1] * second.value.max(initial=-np.inf, where=fits))
    return (best - found.value) / abs(best)


@pytest.mark.parametrize(
    ("policies", "kappas", "share", "budgets"),
    [
        (
            Policy(5.0, [11, 24], [5, 9], 0.0, [0.31, 3.41], [24.77, 48.6], [0.295, 0.464]),
            (79.0, 120.5),
            0.322,
            (8.048, 2.656),
        ),
        (
            Policy(5.0, [13, 13], [2, 4], 0.0, [3.86, 3.55], [21.73, 18.22], [0.259, 0.549]),
            (122.7, 205.4),
            0.428,
            (8.814, 2.279),
        ),
    ],
)
def test_balance_finds_the_least_bounty_of_the_good_peak_between_grid_points(
    policies: Policy, kappas: tuple[float, float], share: float, budgets: tuple[float, float]
) -> None:
    """On the first grid's bounties, the good peak costs more than the budget: 8 and 10 % of the value would be lost."""
    costs = [QuadraticCost(kappa) for kappa in kappas]
    assert grid_gap(policies, costs, np.array([share, 1 - share]), Budgets(*budgets)) < 1e-6


@pytest.mark.prove
def test_balance_of_drawn_pairs_is_within_a_percent_of_fine_grids() -> None:
    rng = np.random.default_rng(7)
    for _ in range(40):
        n = rng.integers(8, 30, 2)
        k = np.maximum(1, (n * rng.uniform(0.2, 0.6, 2)).astype(int))
        policies = Policy(5.0, n, k, 0.0, rng.uniform(0, 5, 2), rng.uniform(10, 70, 2), rng.uniform(0.05, 0.7, 2))
        costs = [QuadraticCost(float(kappa)) for kappa in rng.uniform(30, 220, 2)]
        budgets = Budgets(float(rng.uniform(4, 18)), float(rng.uniform(0.3, 8)))
        assert grid_gap(policies, costs, rng.dirichlet([3, 3]), budgets) < 0.01


@pytest.mark.slow
def test_shadow_prices_are_the_value_of_slightly_larger_budgets() -> None:
    """The envelope theorem: dV/dN̄ = λ_imp and dV/dB̄ = λ_cash."""
    ranges = [SegmentRange((test,), (2.0, 20.0), (0.0, 50.0)) for test in ((21, 7), (20, 9), (15, 6))]

    def value(impressions: float, cash: float) -> float:
        return balance(segments(), SHARES, (impressions, cash), COSTS, ranges=ranges).value

    prices = balance(segments(), SHARES, (10.0, 3.0), COSTS, ranges=ranges).prices
    step = 0.01
    assert prices.stationarity < 1e-4
    in_mass = (value(10.0 + step, 3.0) - value(10.0 - step, 3.0)) / (2 * step)
    in_cash = (value(10.0, 3.0 + step) - value(10.0, 3.0 - step)) / (2 * step)
    assert in_mass == pytest.approx(prices.lambda_imp, rel=1e-2)
    assert in_cash == pytest.approx(prices.lambda_cash, rel=1e-2)


def test_balance_without_cash_for_the_good_peak_keeps_the_gap_between_grid_and_bound() -> None:
    """A jump to the good peak costs more than the budget, so the best choice is poor; a lottery would be better."""
    policies, costs = Policy(8.0, [20, 24], [8, 9], 0.0, 1.0, [30.0, 40.0], [0.45, 0.5]), COSTS_FAR
    ranges = [SegmentRange(((20, 8),), (2.0, 20.0), (0.0, 60.0)), SegmentRange(((24, 9),), (2.0, 24.0), (0.0, 60.0))]
    result = balance(policies, [0.6, 0.4], (9.0, 1.5), costs, ranges=ranges)
    assert result.quality.max() < 0.1
    assert result.value < 1 < 4 < result.grid_bound
    assert result.prices.stationarity < 1e-3


def test_balance_of_one_segment_without_cash_gives_all_impressions_and_no_bounty() -> None:
    policy, cost = Policy(5.0, 20, 8, 0, 1, 40, 0.5), QuadraticCost(150.0)
    result = balance([policy], [1.0], (12.0, 0.0), cost)
    chosen = result.policies[0]
    assert (float(chosen.mass), float(chosen.bounty)) == (pytest.approx(12.0), 0.0)
    assert result.value == pytest.approx(payoffs(chosen, cost, result.quality[0]).platform)


invalid_programs = [
    ({"shares": [0.5, 0.6, 0.2]}, "sum to 1"),
    ({"shares": [0.5, 0.5]}, "one number per segment, 3, got 2"),
    ({"budgets": (-1.0, 2.0)}, r"budgets\[0\]"),
    ({"cost": COSTS[:2]}, "as many costs"),
    ({"ranges": [SegmentRange(((20, 8),), (5.0, 9.0), (0.0, 1.0))] * 3, "budgets": (4.0, 1.0)}, "meet the budgets"),
]


@pytest.mark.parametrize(("change", "message"), invalid_programs)
def test_impossible_program_is_refused_with_its_rule(change: dict[str, object], message: str) -> None:
    arguments = {"policies": segments(), "shares": SHARES, "budgets": (10.0, 3.0), "cost": COSTS, **change}
    with pytest.raises(InputError, match=message):
        balance(**arguments)  # type: ignore[arg-type]
