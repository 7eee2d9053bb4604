"""Plans of small days against brute force on a grid: violations, views, and weighted objectives."""

from __future__ import annotations

import numpy as np
import pytest
from tests.delivery.grid import grid_of
from tests.delivery.instances import made_up, with_clicks

from creatorpool.delivery import DeliveryProblem, excess, most_views, plan_delivery, weighted
from creatorpool.delivery.columns import Box
from creatorpool.delivery.relaxation import relax

SHAPES = ((3, 2), (3, 1), (2, 2), (4, 1), (2, 3), (5, 1))
# Guaranteed parts of an equal share's clicks; None draws one. The larger ones cannot all be met.
PARTS = (None, 0.8, 1.2, 1.6, 2.0, 2.5)
FAIRNESS = (0.3, 3.0)
STEPS = 11


def small_day(seed: int) -> DeliveryProblem:
    contents, drawers = SHAPES[seed % len(SHAPES)]
    if seed % 3 == 2:
        return made_up(contents, drawers, seed, promised=0.3)
    return with_clicks(contents, drawers, seed, PARTS[seed // len(SHAPES) % len(PARTS)])


def check_beside_the_grid(problem: DeliveryProblem) -> None:
    """Check that no grid plan misses less, and that none that misses as little scores more, for every objective."""
    grid = grid_of(problem, STEPS)
    views = plan_delivery(problem)
    missed = views.missing.violation
    assert max(excess(problem, views.impressions).values()) <= 1e-7
    # The least is found to a millionth, and plans may miss a millionth more than the least found.
    assert views.least_missing * (1 - 1e-6) <= missed <= grid.least_missed * (1 + 2e-6) + 1e-4
    assert missed <= views.least_missing * (1 + 2e-3) + 1e-4
    unit = views.measures.views / max(views.measures.variance, 1e-9)
    for objective in (most_views(), *(weighted(part * unit) for part in FAIRNESS)):
        plan = views if objective.is_separable else plan_delivery(problem, objective)
        best = grid.best(objective, missed)
        assert plan.missing.violation <= missed * (1 + 1e-6) + 1e-6
        assert plan.bound >= best - 1e-9 * abs(best)
        assert plan.score >= best - 0.01 * abs(best)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 13, 27])
def test_small_days_are_no_worse_than_brute_force(seed: int) -> None:
    check_beside_the_grid(small_day(seed))


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(0, 500, 20))
def test_500_small_days_are_no_worse_than_brute_force(first: int) -> None:
    for seed in range(first, first + 20):
        try:
            check_beside_the_grid(small_day(seed))
        except (AssertionError, ArithmeticError) as error:
            raise AssertionError(f"day {seed}") from error


@pytest.mark.parametrize(
    ("seed", "part", "missed"), [(1, 1.2, 83.4626), (4, 2.5, 1493.3131), (8, 2.0, 473.2249), (6, 1.2, 72.5631)]
)
def test_guarantees_of_clicks_that_cannot_all_be_met_are_missed_by_the_proven_least(
    seed: int, part: float, missed: float
) -> None:
    plan = plan_delivery(with_clicks(3, 2, seed, part))
    assert plan.missing.violation == pytest.approx(missed, rel=1e-5)
    assert plan.least_missing == pytest.approx(missed, rel=1e-5)


@pytest.mark.parametrize(("seed", "part"), [(23, None), (9, 2.5)])
def test_days_that_the_dual_simplex_method_did_not_solve_are_planned(seed: int, part: float | None) -> None:
    problem = with_clicks(3, 2, seed, part)
    plan = plan_delivery(problem)
    assert max(excess(problem, plan.impressions).values()) <= 1e-7
    assert plan.missing.violation == pytest.approx(plan.least_missing, rel=1e-5, abs=1e-4)


def test_guarantees_that_the_first_points_miss_are_met_with_more_points() -> None:
    """The relaxation finds the least violation of mixtures, although its first points are far from it."""
    problem = with_clicks(3, 2, 4, 2.5)
    box = Box(np.zeros(problem.shape), problem.most)
    least = relax(problem, None, box)
    assert least is not None
    missed = -least.bound
    assert relax(problem, problem.views_per_click, box, allowance=missed * (1 + 1e-6)) is not None
    assert relax(problem, problem.views_per_click, box, allowance=missed * (1 - 1e-3)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contents", "drawers"),
    [(6, 2), pytest.param(4, 3, marks=pytest.mark.prove), pytest.param(12, 1, marks=pytest.mark.prove)],
)
def test_weighted_plan_of_twelve_pairs_is_no_worse_than_a_coarse_grid(contents: int, drawers: int) -> None:
    problem = made_up(contents, drawers, 3, promised=0.1)
    views = plan_delivery(problem)
    objective = weighted(views.measures.views / views.measures.variance)
    best = grid_of(problem, 3).best(objective)
    assert plan_delivery(problem, objective).score >= best - 0.01 * abs(best)
