"""Independent solutions of the same program, without the closed form or without floats, for comparison."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import mpmath
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Program:
    """Arguments of `allocate` for one pool."""

    effective_impressions: Floats
    pool: float
    options: dict[str, Any] = field(default_factory=dict)

    def terms(self) -> tuple[Floats, Floats]:
        """Weights of log p and of p / P in the objective."""
        s = self.effective_impressions / self.effective_impressions.sum()
        w = np.where(s > 0, s ** self.options["alpha"], 0.0)
        efficiency = self.options["lambda_eff"]
        if self.options["objective"] == "log":
            return (1 - efficiency) * w / w.sum() + efficiency * s, 0.0 * s
        return (1 - efficiency) * w, efficiency * s

    def value(self, payout: Floats) -> float:
        """The objective, with P for the unit of money."""
        logs, slopes = self.terms()
        weighted = logs > 0
        return float(logs[weighted] @ np.log(payout[weighted] / self.pool) + slopes @ payout / self.pool)


def random_program(rng: np.random.Generator, *, creators: bool = False) -> Program:
    """A small feasible pool, sometimes with bounds or videos without weight, under any objective."""
    n = int(rng.integers(1, 15))
    m = np.exp(rng.normal(size=n)) * (rng.random(n) > 0.2)
    m[0] = max(m[0], 0.5)
    pool = float(10 ** rng.uniform(0, 8))
    options: dict[str, Any] = {
        "alpha": float(rng.choice([0.3, 0.5, 1.0])),
        "lambda_eff": float(rng.choice([0.0, 0.2, 0.5, 0.8, 0.95, 1.0])),
        "objective": str(rng.choice(["linear", "log"])),
        "floor": pool / n * rng.random(n) * 0.5 if rng.random() < 0.5 else None,
        "cap": pool / n * (1 + 2 * rng.random(n)) if rng.random() < 0.5 else None,
    }
    if creators:
        creator = rng.integers(0, 4, n)
        least = np.zeros(4) if options["floor"] is None else np.bincount(creator, options["floor"], 4)
        most = np.full(n, pool) if options["cap"] is None else options["cap"]
        cap = least + pool * rng.random(4)
        while np.minimum(cap, np.bincount(creator, most, 4)).sum() < pool * 1.01:
            cap *= 1.3
            most = most * 1.1
        options |= {"creator": creator, "creator_cap": cap}
        options["cap"] = None if options["cap"] is None else most
    return Program(m, pool, options)


def cvxpy_payouts(program: Program) -> Floats:
    """Payouts by an interior-point solver, money."""
    n, pool, options = program.effective_impressions.size, program.pool, program.options
    logs, slopes = program.terms()
    p = cp.Variable(n)
    objective = slopes @ p
    if (logs > 0).any():
        objective = objective + logs[logs > 0] @ cp.log(p[logs > 0])
    constraints = [cp.sum(p) == 1, p >= (0 if options["floor"] is None else options["floor"] / pool)]
    if options["cap"] is not None:
        constraints.append(p <= options["cap"] / pool)
    if "creator" in options:
        constraints += [
            cp.sum(p[options["creator"] == g]) <= options["creator_cap"][g] / pool
            for g in np.unique(options["creator"])
        ]
    problem = cp.Problem(cp.Maximize(objective), constraints)
    with warnings.catch_warnings():
        # The tolerances are tighter than the solver guarantees, so that it iterates as long as it can.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return np.asarray(p.value) * pool


def bisection_payouts(program: Program, digits: int = 60) -> Floats:
    """Payouts by bisection on the multiplier with `digits` decimal digits, rounded to float64 at the end.

    It requires λ_fair > 0, and videos with weight that can take the whole pool.
    """
    with mpmath.workdps(digits):
        m = [mpmath.mpf(float(one)) for one in program.effective_impressions]
        pool, total = mpmath.mpf(program.pool), mpmath.fsum(m)
        alpha, efficiency = (mpmath.mpf(program.options[name]) for name in ("alpha", "lambda_eff"))
        s = [one / total for one in m]
        w = [one**alpha if one > 0 else mpmath.mpf(0) for one in s]
        if program.options["objective"] == "log":
            weights = mpmath.fsum(w)
            logs = [(1 - efficiency) * a / weights + efficiency * b for a, b in zip(w, s, strict=True)]
            poles = [mpmath.mpf(0)] * len(m)
        else:
            logs, poles = [(1 - efficiency) * a for a in w], [efficiency * b / pool for b in s]
        lo, hi = (
            [
                mpmath.mpf(default if program.options[name] is None else float(program.options[name][v]))
                for v in range(len(m))
            ]
            for name, default in (("floor", 0.0), ("cap", 2 * program.pool))
        )

        def payouts(nu: Any) -> list[Any]:
            free = [k / (nu - pole) if nu > pole else mpmath.inf for k, pole in zip(logs, poles, strict=True)]
            free = [mpmath.mpf(0) if k == 0 and nu > pole else p for k, p, pole in zip(logs, free, poles, strict=True)]
            return [max(a, min(p, b)) for a, p, b in zip(lo, free, hi, strict=True)]

        low, high = mpmath.mpf(0), mpmath.mpf(1)
        while mpmath.fsum(payouts(high)) > pool:
            high *= 2
        for _ in range(int(digits * 3.4)):
            nu = (low + high) / 2
            low, high = (nu, high) if mpmath.fsum(payouts(nu)) > pool else (low, nu)
        return np.array([float(p) for p in payouts(high)])
