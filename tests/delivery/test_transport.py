from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from creatorpool.delivery.transport import step_within


@pytest.mark.parametrize("seed", range(12))
def test_step_agrees_with_an_interior_point_solver(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 30)), int(rng.integers(1, 5))
    caps = rng.uniform(0, 10, (n, m)) * (rng.random((n, m)) < 0.9)
    inside = caps * rng.random((n, m))
    target, curvature = inside + rng.normal(0, 5, (n, m)), rng.uniform(0.1, 10, (n, m))
    limit, total = inside.sum(axis=0) * rng.uniform(1, 1.3, m), inside.sum() * rng.uniform(1, 1.1)
    least = np.where(rng.random(n) < 0.6, inside.sum(axis=1) * rng.uniform(0.7, 1, n), -np.inf)
    tangent = rng.uniform(0, 1, (n, m))
    own = (tangent * inside).sum(axis=1) * rng.uniform(0.7, 1, n)
    least_tangent = np.where(rng.random(n) < 0.4, own, -np.inf)
    x, _ = step_within(
        target, curvature, caps, limit, total, least, tangent, least_tangent,
        np.zeros(m), np.zeros(1), np.zeros(n), np.zeros(n),
    )  # fmt: skip

    v = cp.Variable((n, m))
    rules = [v >= 0, v <= caps, cp.sum(v, axis=0) <= limit, cp.sum(v) <= total]
    rules += [cp.sum(v[i]) >= least[i] for i in np.flatnonzero(least > -np.inf)]
    rules += [tangent[i] @ v[i] >= least_tangent[i] for i in np.flatnonzero(least_tangent > -np.inf)]
    peer = cp.Problem(cp.Minimize(cp.sum(cp.multiply(curvature / 2, (v - target) ** 2))), rules)
    peer.solve(solver="CLARABEL")
    assert (curvature / 2 * (x - target) ** 2).sum() == pytest.approx(peer.value, rel=1e-6, abs=1e-7)
    assert (x.sum(axis=0) <= limit * (1 + 1e-8)).all()
    assert x.sum() <= total * (1 + 1e-8)
