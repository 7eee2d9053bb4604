from __future__ import annotations

import numpy as np
import pytest
from tests.delivery.instances import made_up

from creatorpool.delivery import is_feasible, plan_delivery, plan_frontier, weighted
from creatorpool.errors import InputError


@pytest.mark.slow
def test_frontier_falls_in_both_and_no_single_plan_is_above_it() -> None:
    problem = made_up(8, 2, 4)
    points = plan_frontier(problem, 5)
    views = [point.plan.measures.views for point in points]
    variance = [point.plan.measures.variance for point in points]
    assert len(points) >= 3
    assert views == sorted(views, reverse=True)
    assert variance == sorted(variance, reverse=True)
    assert len(set(variance)) == len(variance)
    for point in points:
        assert is_feasible(problem, point.plan.impressions)
        assert point.plan.guarantees_met
    assert points[0].plan.score == plan_delivery(problem).score
    weight = next(point.variance_weight for point in points if 0 < point.variance_weight < np.inf)
    alone = plan_delivery(problem, weighted(weight))
    assert max(p.plan.measures.views - weight * p.plan.measures.variance for p in points) >= alone.score - 1e-9


def test_frontier_needs_two_points() -> None:
    with pytest.raises(InputError, match="points must be at least 2"):
        plan_frontier(made_up(3, 1, 0), 1)
