from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.delivery.grid import Grid, grid_of
from tests.delivery.instances import made_up

from creatorpool.delivery import (
    DeliveryPlan,
    DeliveryProblem,
    Objective,
    excess,
    least_variance,
    most_views,
    plan_delivery,
    published,
    shortfalls,
    weighted,
)
from creatorpool.errors import InputError

NAN = np.nan


def unit_of(grid: Grid) -> float:
    """Weight of variance: the most views over the median variance of grid plans that meet the guarantees."""
    fits = grid.missed <= 0.0
    return float(grid.views[fits].max() / np.median(grid.variance[fits]))


def check_evidence(problem: DeliveryProblem, plan: DeliveryPlan) -> None:
    """Check what holds for every plan: capacities, shortfalls by definition, and a bound not below the score."""
    assert max(excess(problem, plan.impressions).values()) <= 1e-7
    assert plan.missing.violation == shortfalls(problem, plan.impressions).violation
    assert plan.missing.violation >= plan.least_missing * (1 - 1e-6)
    assert plan.bound >= plan.score
    np.testing.assert_allclose(plan.clicks, problem.curves.clicks(plan.impressions))


@pytest.mark.slow
@pytest.mark.parametrize(("contents", "drawers", "parts"), [(3, 1, 41), (2, 2, 15), (4, 1, 15)])
@pytest.mark.parametrize("seed", range(2))
def test_plan_beats_brute_force_and_the_bound_is_above_it(contents: int, drawers: int, parts: int, seed: int) -> None:
    problem = made_up(contents, drawers, seed, promised=0.3)
    grid = grid_of(problem, parts)
    unit = unit_of(grid)
    for objective in (
        most_views(),
        weighted(0.3 * unit),
        weighted(3.0 * unit),
        published(0.1 * unit),
        least_variance(),
    ):
        plan = plan_delivery(problem, objective)
        check_evidence(problem, plan)
        assert plan.guarantees_met
        best = grid.best(objective)
        assert plan.bound * (1 + 1e-9 * np.sign(plan.bound)) >= best
        if objective.is_separable:
            assert plan.score >= best * (1 - 1e-6)
            assert plan.gap < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_plan_for_even_rates_is_as_good_as_brute_force_on_contents_that_must_all_be_shown(seed: int) -> None:
    problem = made_up(3, 1, seed, promised=0.3, min_impressions=[800.0, 500.0, 300.0])
    grid = grid_of(problem, 41)
    unit = unit_of(grid)
    for part in (0.1, 1.0, 10.0):
        objective = weighted(part * unit)
        best = grid.best(objective)
        assert plan_delivery(problem, objective).score >= best - 1e-3 * abs(best)


@pytest.mark.parametrize("drawers", [1, 2])
def test_bounds_hold_for_all_plans_with_no_larger_violation(drawers: int) -> None:
    contents = 4 - drawers
    problem = made_up(contents, drawers, 7)
    problem = made_up(contents, drawers, 7, min_impressions=1.2 * problem.most.sum(axis=1))
    least = plan_delivery(problem)
    assert not least.guarantees_met
    assert least.missing.violation == pytest.approx(least.least_missing, rel=1e-3)
    grid = grid_of(problem, 31 if drawers == 1 else 15)
    assert grid.least_missed >= least.least_missing * (1 - 1e-9)
    for objective in (most_views(), weighted(1e5), least_variance()):
        plan = plan_delivery(problem, objective)
        check_evidence(problem, plan)
        assert grid.best(objective, least.missing.violation) <= plan.bound


def test_concave_curves_get_equal_slopes() -> None:
    """Above their inflections, two curves share the total such that one more impression adds the same to both."""
    problem = DeliveryProblem.of(
        [[2e-3], [3e-3]], [[100.0], [150.0]], [[100.0], [100.0]], [[60.0], [80.0]], positions=[[]],
        drawer_capacity=1500.0, total=1000.0, min_impressions=[200.0, 200.0],
    )  # fmt: skip
    plan = plan_delivery(problem)
    _, slope, _ = problem.curves.derivatives(plan.impressions)
    assert plan.impressions.sum() == pytest.approx(1000.0, rel=1e-7)
    assert slope[0, 0] == pytest.approx(slope[1, 0], rel=1e-4)
    assert plan.gap < 1e-5
    assert set(plan.binding.ravel()) == {"total"}


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 3), st.floats(0.0, 1.0), st.booleans())
def test_properties_on_made_up_days(seed: int, contents: int, drawers: int, promised: float, clicks: bool) -> None:
    problem = made_up(contents, drawers, seed, promised=promised)
    if clicks:
        wanted = 0.3 * problem.curves.clicks(problem.most / contents).sum(axis=1)
        problem = made_up(contents, drawers, seed, promised=promised / 2, min_clicks=wanted)
    plan = plan_delivery(problem)
    check_evidence(problem, plan)
    if plan.least_missing == 0.0 and not clicks:
        assert plan.guarantees_met
    more = made_up(contents, drawers, seed, promised=promised / 2 if clicks else promised, total=1.3 * problem.total,
                   min_clicks=problem.min_clicks, min_impressions=problem.min_impressions)  # fmt: skip
    richer = plan_delivery(more)
    assert richer.missing.violation <= plan.missing.violation * (1 + 1e-6) + 1e-6
    if plan.guarantees_met and richer.guarantees_met:
        assert richer.bound >= plan.score * (1 - 1e-9)
        assert richer.score >= plan.score * (1 - max(richer.gap, 1e-5) - 1e-9)


def test_guarantees_beyond_the_total_are_missed_by_the_least_amount() -> None:
    problem = made_up(6, 2, 1)
    promised = problem.total * np.array([0.3, 0.3, 0.2, 0.2, 0.2, 0.1])
    tight = made_up(6, 2, 1, min_impressions=promised, places=6, drawer_capacity=problem.total)
    plan = plan_delivery(tight)
    check_evidence(tight, plan)
    assert not plan.guarantees_met
    assert plan.least_missing >= 0.3 * problem.total * (1 - 1e-6)
    assert plan.missing.violation == pytest.approx(plan.least_missing, rel=1e-4)
    short = np.maximum(promised - plan.impressions.sum(axis=1), 0.0)
    np.testing.assert_allclose(plan.missing.impressions, short, rtol=1e-6, atol=1e-6)


def test_guarantee_above_its_contents_capacity_is_named_with_its_shortfall() -> None:
    problem = made_up(6, 1, 2)
    promised = np.zeros(6)
    promised[4] = problem.most[4, 0] + 100.0
    plan = plan_delivery(made_up(6, 1, 2, min_impressions=promised))
    assert np.flatnonzero(plan.missing.impressions).tolist() == [4]
    assert plan.missing.impressions[4] == pytest.approx(100.0, rel=1e-5)
    assert plan.least_missing == pytest.approx(100.0, rel=1e-5)
    assert plan.impressions[4, 0] == pytest.approx(problem.most[4, 0], rel=1e-6)


def test_plan_has_the_most_views_among_those_of_least_violation() -> None:
    """Two contents have guarantees of the whole total each; the one with the higher click rate gets all."""
    problem = DeliveryProblem.of(
        np.full((2, 1), NAN), np.full((2, 1), NAN), np.full((2, 1), NAN), np.full((2, 1), NAN), ctr=[[0.1], [0.3]],
        positions=[[]], drawer_capacity=100.0, total=100.0, min_impressions=100.0,
    )  # fmt: skip
    plan = plan_delivery(problem)
    assert plan.least_missing == pytest.approx(100.0, rel=1e-6)
    np.testing.assert_allclose(plan.impressions, [[0.0], [100.0]], atol=1e-3)
    np.testing.assert_allclose(plan.missing.impressions, [100.0, 0.0], atol=1e-3)


def test_guarantee_of_clicks_on_one_drawer_is_one_of_impressions() -> None:
    curve: dict[str, Any] = {"positions": [[]], "drawer_capacity": 3000.0, "total": 2500.0}
    arrays = [[2e-3], [3e-3]], [[100.0], [150.0]], [[300.0], [200.0]], [[5.0], [8.0]]
    free = plan_delivery(DeliveryProblem.of(*arrays, **curve))
    least = 0.5 * (free.clicks[0, 0] + 81.0)  # 81 clicks from all impressions
    held = plan_delivery(DeliveryProblem.of(*arrays, **curve, min_clicks=[least, 0.0]))
    assert held.guarantees_met
    assert held.clicks[0, 0] == pytest.approx(least, rel=1e-5)
    inverse = 300.0 + np.log((least / (100.0 - least)) * (95.0 / 5.0)) / 2e-3
    assert held.impressions[0, 0] == pytest.approx(inverse, rel=1e-5)
    assert held.binding[0, 0] == "guarantee"


def test_clicks_beyond_the_ceiling_are_reported_as_missing() -> None:
    problem = DeliveryProblem.of(
        [[2e-3]], [[100.0]], [[300.0]], [[5.0]], positions=[[5000.0]], total=5000.0, min_clicks=120.0
    )
    plan = plan_delivery(problem)
    assert plan.missing.clicks[0] == pytest.approx(120.0 - problem.curves.clicks(np.array([[5000.0]]))[0, 0], rel=1e-6)
    assert plan.least_missing > 0


def test_same_problem_gives_the_same_plan() -> None:
    plans = [plan_delivery(made_up(12, 2, 3), weighted(1e5)) for _ in range(2)]
    np.testing.assert_array_equal(plans[0].impressions, plans[1].impressions)
    assert plans[0].bound == plans[1].bound


def test_day_without_impressions_has_an_empty_plan() -> None:
    plan = plan_delivery(made_up(3, 2, 0, total=0.0, min_impressions=0.0))
    assert plan.impressions.sum() == 0.0
    assert plan.score == plan.bound == 0.0
    assert (plan.binding == "not shown").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[1.0]]}, "positions must hold one array per drawer, 2, got 1"),
        ({"positions": [[1.0], [-1.0]]}, r"positions\[1\]\[0\] must be finite and >= 0, got -1"),
        ({"positions": [[1.0], []]}, "drawer 1 has neither positions nor a capacity"),
        ({"total": -1.0}, "total must be >= 0"),
        ({"total": NAN}, "total must be >= 0"),
        ({"min_impressions": [1.0, NAN, 1.0]}, r"min_impressions\[1\] must be finite"),
        ({"min_clicks": [1.0, 2.0]}, "min_clicks must be numbers that broadcast"),
        ({"views_per_click": -1.0}, r"views_per_click\[0, 0\] must be finite and >= 0"),
        ({"drawer_capacity": [5.0, -5.0]}, r"drawer_capacity\[1\] must be finite"),
    ],
)
def test_faulty_problems_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made_up(3, 2, 0, **change)


def test_objective_refuses_a_negative_weight() -> None:
    with pytest.raises(InputError, match="variance_weight must be finite and >= 0"):
        Objective(1.0, -1.0)
