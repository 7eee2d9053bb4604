from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array
from tests.delivery.instances import with_clicks

from creatorpool.delivery import columns, excess, plan_delivery, programs, repair
from creatorpool.delivery.programs import UnsolvedProgramError, solved
from creatorpool.delivery.simplex import INFEASIBLE, OPTIMAL, simplex

COST, MATRIX, RIGHT = np.array([-1.0, -2.0]), np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([3.0, 2.0])


@pytest.mark.parametrize("seed", range(40))
def test_simplex_agrees_with_a_general_solver(seed: int) -> None:
    """Optimum, multipliers and infeasibility; every other program has integer data, so that degenerate bases occur."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 30, 2)
    matrix = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < 0.4)
    right, cost = rng.normal(0.8, 1.0, rows), rng.normal(size=columns)
    if seed % 2:
        matrix, right = np.round(matrix), np.round(right)
    matrix, right = np.vstack([matrix, np.ones(columns)]), np.append(right, 3.0)
    peer = linprog(cost, A_ub=matrix, b_ub=right)
    status, x, multipliers = simplex(cost, matrix, right)
    assert status == {0: OPTIMAL, 2: INFEASIBLE}[peer.status]
    if status == OPTIMAL:
        assert (matrix @ x <= right + 1e-8).all()
        assert cost @ x == pytest.approx(peer.fun, abs=1e-8)
        assert -multipliers @ right == pytest.approx(peer.fun, abs=1e-8)
        assert (cost + multipliers @ matrix >= -1e-8).all()


@pytest.mark.parametrize("failures", [1, 4, 6])
def test_program_that_a_method_does_not_solve_goes_to_the_next_also_scaled(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def unsure(*arguments: Any, **options: Any) -> Any:
        calls.append(options)
        if len(calls) <= failures:
            return SimpleNamespace(status=4, message="HiGHS Status 15: model_status is Unknown")
        return linprog(*arguments, **options)

    monkeypatch.setattr(programs, "linprog", unsure)
    monkeypatch.setattr(programs, "SMALL", 0)
    found = solved(COST, csr_array(MATRIX * np.array([[1e6], [1.0]])), RIGHT * np.array([1e6, 1.0]), np.full(2, 9.0))
    assert found is not None
    np.testing.assert_allclose(found.x, [1.0, 2.0], atol=1e-7)
    assert found.cost == pytest.approx(-5.0)
    np.testing.assert_allclose(found.multipliers * [1e6, 1.0], [1.0, 1.0], rtol=1e-6)
    assert len(calls) == failures + 1


def test_program_that_no_method_solves_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "linprog", lambda *_, **__: SimpleNamespace(status=4, message="Unknown"))
    monkeypatch.setattr(programs, "SMALL", 0)
    with pytest.raises(UnsolvedProgramError, match="2 rows and 2 columns: Unknown"):
        solved(COST, csr_array(MATRIX), RIGHT)


def test_day_whose_programs_are_not_solved_gets_a_plan_and_a_valid_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = with_clicks(3, 2, 5, 0.8)
    sure = plan_delivery(problem)

    def unanswered(*_: Any, **__: Any) -> None:
        raise UnsolvedProgramError("no answer")

    for module in (columns, repair):
        monkeypatch.setattr(module, "solved", unanswered)
    plan = plan_delivery(problem)
    assert max(excess(problem, plan.impressions).values()) <= 1e-7
    assert plan.bound >= sure.score
    assert plan.least_missing <= plan.missing.violation
