"""Compares planners on the same days: views, variance of click rates, objective and feasibility, one table per day.

    python benchmarks/delivery.py            5 × 1, 50 × 5 and 500 × 10 contents × drawers, some minutes
    python benchmarks/delivery.py --quick    the first two

The peers are the published genetic algorithm on pymoo (`pip install pymoo`) and the manual rule that assigns positions
by last week's click rates. The algorithm gets the processor time of `plan_delivery`, and ten times as much. It has the
published coding (the matrix x_ij), elitist selection, order crossover (0.4 to 0.99) and adaptive mutation (0.01 to
0.05). Unlike the published algorithm, it repairs plans to capacities and guarantees before it rates them, which can
only improve its results.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.delivery.instances import made_up

from creatorpool.delivery import (
    DeliveryPlan,
    DeliveryProblem,
    Objective,
    is_feasible,
    measure,
    most_views,
    plan_delivery,
    shortfalls,
    weighted,
)
from creatorpool.delivery.plan import plan_for_objective, prepare_problem

Plans = np.ndarray[Any, np.dtype[np.float64]]

SIZES: tuple[tuple[int, int], ...] = ((5, 1), (50, 5), (500, 10))
SEED = 0
POPULATION = 100
CROSSOVER = (0.4, 0.99)
MUTATION = (0.01, 0.05)
# λ as a part of views / variance at the plan with the most views.
FAIRNESS = 0.3
LARGER = (1.0, 1.2, 1.5, 2.0, 4.0, 8.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the two smaller sizes")
    parser.add_argument("--contents", type=int, help="only the size with so many contents")
    parser.add_argument("--times", type=float, default=10.0, help="the larger budget of the genetic algorithm")
    arguments = parser.parse_args()
    sizes = SIZES[:2] if arguments.quick else SIZES
    sizes = tuple(size for size in sizes if arguments.contents in (None, size[0]))
    console = Console(width=110)
    plan_delivery(made_up(4, 2, 0), weighted(1e5))  # compiles the kernels
    for contents, drawers in sizes:
        problem = made_up(contents, drawers, SEED)
        first, seconds = timed(problem, most_views())
        compare(console, f"{contents} × {drawers}, views", problem, first, (seconds, arguments.times))
        weight = FAIRNESS * first.measures.views / first.measures.variance
        plan, seconds = timed(problem, weighted(weight))
        compare(
            console,
            f"{contents} × {drawers}, views − {weight:,.0f} · variance",
            problem,
            plan,
            (seconds, arguments.times),
        )


def timed(problem: DeliveryProblem, objective: Objective) -> tuple[DeliveryPlan, float]:
    start = time.process_time()
    return plan_delivery(problem, objective), time.process_time() - start


def compare(
    console: Console, title: str, problem: DeliveryProblem, plan: DeliveryPlan, budget: tuple[float, float]
) -> None:
    """One table: `plan_delivery`, the genetic algorithm with both budgets, the manual rule."""
    table = Table(title=title)
    for name in ("planner", "views", "sd of rates", "objective", "below the bound", "keeps all", "missed", "seconds"):
        table.add_column(name, justify="left" if name == "planner" else "right")
    seconds, times = budget
    same, tenfold, generations = evolved(problem, plan.objective, seconds, times)
    rows = [
        ("creatorpool", plan.impressions, seconds),
        (f"genetic, {generations[0]} turns", same, seconds),
        (f"genetic, {generations[1]} turns", tenfold, times * seconds),
        ("manual rule", by_rate(problem), 0.0),
    ]
    if not plan.objective.is_separable:
        least = min(measure(problem, x).variance for x in (same, tenfold))
        rows.insert(1, (*no_less_even(problem, plan, least), seconds))
    for name, impressions, spent in rows:
        table.add_row(name, *described(problem, plan, impressions), f"{spent:.1f}")
    console.print(table)


def no_less_even(problem: DeliveryProblem, plan: DeliveryPlan, variance: float) -> tuple[str, Plans]:
    """The plan by the first of the larger λ whose variance of rates is at most `variance`."""
    prepared = prepare_problem(problem)
    for factor in LARGER:
        even = plan_for_objective(prepared, weighted(factor * plan.objective.variance_weight))
        if even.measures.variance <= variance:
            break
    return f"creatorpool, {factor:g} λ", even.impressions


def described(problem: DeliveryProblem, plan: DeliveryPlan, impressions: Plans) -> list[str]:
    measures, missed = measure(problem, impressions), shortfalls(problem, impressions)
    score = plan.objective.score(measures.views, measures.variance)
    below = (plan.bound - score) / abs(plan.bound)
    keeps = is_feasible(problem, impressions)
    return [
        f"{measures.views:,.0f}",
        f"{np.sqrt(measures.variance):.4f}",
        f"{score:,.0f}",
        f"{below:.2%}",
        "yes" if keeps and missed.met else "no",
        f"{missed.violation:,.0f}",
    ]


def within(problem: DeliveryProblem, plans: Plans) -> Plans:
    """(p, n, m) plans repaired to the rule of positions, capacities and, as far as possible, guarantees."""
    caps = np.stack([problem.classes.rank_caps(j, problem.shape[0]) for j in range(problem.shape[1])], axis=1)
    plans = np.clip(plans, 0.0, problem.most)
    shown = plans.sum(axis=2, keepdims=True)
    promised = problem.min_impressions[:, None]
    lifted = plans * np.maximum(1.0, promised / np.maximum(shown, 1e-9))
    lifted = np.where(
        shown > 1e-9, lifted, promised * problem.most / problem.most.sum(axis=1, keepdims=True).clip(1e-9)
    )
    rank = np.argsort(np.argsort(-lifted, axis=1, kind="stable"), axis=1, kind="stable")
    plans = np.minimum(np.minimum(lifted, np.take_along_axis(caps[None], rank, axis=1)), problem.most)
    owed = plans * np.minimum(1.0, promised / np.maximum(plans.sum(axis=2, keepdims=True), 1e-9))
    spare = plans - owed
    room = np.maximum(problem.drawer_capacity - owed.sum(axis=1), 0.0)
    spare *= np.minimum(1.0, room / np.maximum(spare.sum(axis=1), 1e-9))[:, None, :]
    left = np.maximum(problem.total - owed.sum(axis=(1, 2)), 0.0)
    spare *= np.minimum(1.0, left / np.maximum(spare.sum(axis=(1, 2)), 1e-9))[:, None, None]
    plans = owed + spare
    plans *= np.minimum(1.0, problem.drawer_capacity / np.maximum(plans.sum(axis=1), 1e-9))[:, None, :]
    allowed: Plans = plans * np.minimum(1.0, problem.total / np.maximum(plans.sum(axis=(1, 2)), 1e-9))[:, None, None]
    return allowed


def by_rate(problem: DeliveryProblem) -> Plans:
    """The manual rule: guarantees first; in each drawer the content with the k-th best rate gets the k-th position.

    Rates are those of last week, when every content had the same part of its largest possible impressions.
    """
    last_week = problem.most * min(1.0, problem.total / problem.most.sum())
    rates = problem.curves.clicks(last_week) / np.maximum(last_week, 1e-9)
    plan = np.zeros(problem.shape)
    for j, capacity in enumerate(map(np.asarray, problem.positions)):
        best = np.argsort(-rates[:, j], kind="stable")[: capacity.size]
        plan[best, j] = np.sort(capacity)[::-1][: best.size]
    share = problem.most / problem.most.sum(axis=1, keepdims=True).clip(1e-9)
    repaired: Plans = within(problem, np.maximum(plan, problem.min_impressions[:, None] * share)[None])[0]
    return repaired


class PlanProblem(Problem):  # type: ignore[misc]
    """A day as a problem of pymoo: it minimises minus the score; the constraint is the violation of guarantees."""

    def __init__(self, problem: DeliveryProblem, objective: Objective) -> None:
        self.day, self.objective = problem, objective
        super().__init__(
            n_var=problem.most.size, n_obj=1, n_ieq_constr=1, xl=np.zeros(problem.most.size), xu=problem.most.ravel()
        )

    def drawn(self, uniform: Plans) -> Plans:
        """Impressions u^κ · most from uniform u; κ makes a drawer's mean an equal share of its capacity."""
        most = np.maximum(self.day.most, 1e-9)
        room = np.minimum(self.day.drawer_capacity, self.day.total / self.day.shape[1]) / self.day.shape[0]
        power = np.maximum(most / np.maximum(room, 1e-9) - 1.0, 0.5).ravel()
        amounts: Plans = uniform**power * self.day.most.ravel()
        return amounts

    def _evaluate(self, x: Plans, out: dict[str, Any], *_: Any, **__: Any) -> None:
        scores, missed = [], []
        for plan in x.reshape(-1, *self.day.shape):
            found = measure(self.day, plan)
            scores.append(self.objective.score(found.views, found.variance))
            missed.append(shortfalls(self.day, plan).violation)
        out["F"], out["G"] = -np.array(scores)[:, None], np.array(missed)[:, None]


class Within(Repair):  # type: ignore[misc]
    def _do(self, problem: PlanProblem, X: Plans, **_: Any) -> Plans:
        return within(problem.day, X.reshape(-1, *problem.day.shape)).reshape(X.shape)


class Shares(Sampling):  # type: ignore[misc]
    """Random plans whose mean is an equal share of the capacities."""

    def _do(self, problem: PlanProblem, n_samples: int, *_: Any, random_state: Any, **__: Any) -> Plans:
        return problem.drawn(random_state.random((n_samples, problem.n_var)))


def adaptive(best: float, worst: float, fitness: Plans, average: float, top: float) -> Plans:
    """Rates of crossover or mutation: `worst` up to the average fitness, then falling to `best` for the fittest."""
    above = np.clip((fitness - average) / max(top - average, 1e-12), 0.0, 1.0)
    return worst - (worst - best) * above


class OrderCrossover(Crossover):  # type: ignore[misc]
    """Exchanges a segment of the parents' genes: amounts are not a permutation, so no order has to be repaired."""

    def __init__(self) -> None:
        super().__init__(2, 2, prob=1.0)
        self.offspring_fitness = np.zeros(0)
        self.scale = (0.0, 1.0)

    def do(self, problem: PlanProblem, pop: Any, *args: Any, random_state: Any, **kwargs: Any) -> Any:
        fitness = np.array([[-one.F[0] for one in mating] for mating in pop])
        self.scale = (float(fitness.mean()), float(fitness.max()))
        self.fitter = fitness.max(axis=1)
        self.offspring_fitness = fitness.T.ravel()
        return super().do(problem, pop, *args, random_state=random_state, **kwargs)

    def _do(self, problem: PlanProblem, X: Plans, *_: Any, random_state: Any, **__: Any) -> Plans:
        _, matings, genes = X.shape
        crosses = random_state.random(matings) < adaptive(CROSSOVER[0], CROSSOVER[1], self.fitter, *self.scale)
        cuts = np.sort(random_state.integers(0, genes + 1, (matings, 2)), axis=1)
        place = np.arange(genes)
        inside = (place >= cuts[:, :1]) & (place < cuts[:, 1:]) & crosses[:, None]
        return np.stack([np.where(inside, X[1], X[0]), np.where(inside, X[0], X[1])])


class AdaptiveMutation(Mutation):  # type: ignore[misc]
    """Draws genes again, more often for less fit parents."""

    def __init__(self, crossover: OrderCrossover) -> None:
        super().__init__(prob=1.0)
        self.crossover = crossover

    def _do(self, problem: PlanProblem, X: Plans, *_: Any, random_state: Any, **__: Any) -> Plans:
        rates = adaptive(MUTATION[0], MUTATION[1], self.crossover.offspring_fitness[: len(X)], *self.crossover.scale)
        drawn = random_state.random(X.shape) < rates[:, None]
        return np.where(drawn, problem.drawn(random_state.random(X.shape)), X)


def evolved(
    problem: DeliveryProblem, objective: Objective, seconds: float, times: float
) -> tuple[Plans, Plans, tuple[int, int]]:
    """The best plans after `seconds` of processor time and after `times` as many, and both numbers of generations."""
    crossover = OrderCrossover()
    algorithm = GA(
        pop_size=POPULATION, sampling=Shares(), crossover=crossover, mutation=AdaptiveMutation(crossover),
        repair=Within(), eliminate_duplicates=False,
    )  # fmt: skip
    day = PlanProblem(problem, objective)
    algorithm.setup(day, termination=("n_gen", 10**9), seed=SEED, verbose=False)
    start, best, counts = time.process_time(), [], []
    for limit in (seconds, times * seconds):
        while time.process_time() - start < limit or algorithm.pop is None:
            algorithm.next()
        fittest = min(algorithm.pop, key=lambda one: (float(one.CV[0]), float(one.F[0])))
        best.append(np.asarray(fittest.X).reshape(problem.shape))
        counts.append(int(algorithm.n_gen or 0))
    return best[0], best[1], (counts[0], counts[1])


if __name__ == "__main__":
    main()
