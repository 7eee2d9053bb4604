from __future__ import annotations

import numpy as np
from tests.delivery.instances import made_up

from creatorpool.delivery.envelope import best_points
from creatorpool.delivery.response import clicks_at


def test_best_points_agree_with_a_fine_grid() -> None:
    problem = made_up(40, 3, 0)
    rng = np.random.default_rng(1)
    pairs = problem.most.size
    parameters, drawer = problem.curves.parameters.reshape(5, -1), np.tile(np.arange(3), 40)
    weight, price = rng.uniform(-0.5, 1.5, pairs), rng.uniform(-0.05, 0.25, pairs)
    low = problem.most.ravel() * rng.uniform(0.0, 0.4, pairs)
    high = problem.most.ravel() * rng.uniform(0.5, 1.0, pairs)
    caps = problem.classes.caps
    above = np.cumsum(rng.uniform(0.0, 20.0, caps.shape), axis=1)
    values, points = best_points(parameters, drawer, weight, price, low, high, caps, above)
    grid = low + (high - low) * np.linspace(0.0, 1.0, 4001)[:, None]
    level = (grid[:, :, None] > caps[drawer] * (1 + 1e-12)).sum(axis=2)
    worth = weight * clicks_at(parameters[:, None], grid) - price * grid - above[drawer, level]
    assert (values >= worth.max(axis=0) - 1e-9).all()
    # The grid comes close: the result is a value of the curve, and not above it.
    level = (points[:, None] > caps[drawer] * (1 + 1e-12)).sum(axis=1)
    own = weight * clicks_at(parameters, points) - price * points - above[drawer, level]
    np.testing.assert_allclose(values, own, rtol=1e-12, atol=1e-12)
    assert ((low <= points) & (points <= high)).all()
