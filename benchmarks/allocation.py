"""Compares solvers on the same pools: seconds, objective gap and payout error, in one table.

    python benchmarks/allocation.py                every size up to 10 million videos, a few minutes
    python benchmarks/allocation.py --quick        up to 100 thousand, 5 s per peer
    python benchmarks/allocation.py --lambda-eff   the effect of λ_eff on a pool of a million videos (formulas §6.1)

Each peer runs in its own process, which is ended after a time limit. Seconds run from arrays to payouts, without
imports. Payout errors are relative to each video's exact payout: up to 900 videos this is by bisection with 50 digits,
above by `allocate`. The last column is the KKT residual of every row, relative to the pool.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.allocation.independent_solutions import Program, bisection_payouts

from creatorpool.allocation import Allocation, allocate, efficiency_moved, kkt_residuals
from creatorpool.allocation.concentration import gini
from creatorpool.numerics.compiled import processors

Payouts = np.ndarray[Any, np.dtype[np.float64]]

SIZES = (100, 900, 10_000, 100_000, 1_000_000, 10_000_000)
LAMBDA_EFF = (0.0, 0.3, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999, 0.99999999, 1.0)
BREAKPOINTS = 60
START_LIMIT = 120.0  # seconds for a peer's process to import what it needs
MAX_WITH_EXACT_REFERENCE = 900


def pool_of(n: int) -> Program:
    """Log-normal views times beta quality; floor 1/5 and cap 5 times the mean payout; α = 0.5, λ_eff = 0.3."""
    rng = np.random.default_rng(n)
    m = rng.lognormal(3.0, 1.5, n) * rng.beta(2.0, 3.0, n)
    pool = 1e6 * n
    bounds = {"floor": np.full(n, 0.2 * pool / n), "cap": np.full(n, 5.0 * pool / n)}
    return Program(m, pool, {"alpha": 0.5, "lambda_eff": 0.3, "objective": "linear"} | bounds)


def by_allocate(program: Program) -> Payouts:
    return allocate(program.effective_impressions, program.pool, **program.options).payout


def by_clarabel(program: Program) -> Payouts:
    import cvxpy

    return _by_cvxpy(program, solver=cvxpy.CLARABEL)


def by_scs(program: Program) -> Payouts:
    import cvxpy

    return _by_cvxpy(program, solver=cvxpy.SCS, eps=1e-6)


def _by_cvxpy(program: Program, **solver: Any) -> Payouts:
    import cvxpy

    logs, slopes = program.terms()
    share = cvxpy.Variable(program.effective_impressions.size)
    objective = cvxpy.Maximize(logs @ cvxpy.log(share) + slopes @ share)
    low, high = (program.options[name] / program.pool for name in ("floor", "cap"))
    cvxpy.Problem(objective, [cvxpy.sum(share) == 1, share >= low, share <= high]).solve(**solver)
    payouts: Payouts = np.asarray(share.value, dtype=np.float64) * program.pool
    return payouts


def by_slsqp(program: Program) -> Payouts:
    return _by_scipy(program, method="SLSQP", options={"ftol": 1e-12, "maxiter": 300})


def by_trust_constr(program: Program) -> Payouts:
    import scipy.sparse

    logs, _ = program.terms()
    return _by_scipy(
        program,
        method="trust-constr",
        hess=lambda share: scipy.sparse.diags_array(logs / share**2),
        options={"gtol": 1e-9, "xtol": 1e-12, "maxiter": 500},
    )


def _by_scipy(program: Program, **method: Any) -> Payouts:
    from scipy.optimize import Bounds, LinearConstraint, minimize

    logs, slopes = program.terms()
    n = logs.size
    result = minimize(
        lambda share: -(logs @ np.log(share) + slopes @ share),
        np.full(n, 1.0 / n),
        jac=lambda share: -(logs / share + slopes),
        bounds=Bounds(
            program.options["floor"] / program.pool, program.options["cap"] / program.pool, keep_feasible=True
        ),
        constraints=LinearConstraint(np.ones((1, n)), 1.0, 1.0),
        **method,
    )
    payouts: Payouts = np.asarray(result.x, dtype=np.float64) * program.pool
    return payouts


def by_piecewise_log(program: Program) -> Payouts:
    """The program of S0 with log as 60 linear pieces, log-spaced: a linear program (gurobipy's free licence)."""
    import gurobipy

    logs, slopes = program.terms()
    points = np.geomspace(1e-9, 1.0, BREAKPOINTS)
    with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.Model(env=env) as model:
        low, high = (program.options[name] / program.pool for name in ("floor", "cap"))
        shares = [model.addVar(lb=a, ub=b) for a, b in zip(low, high, strict=True)]
        model.addConstr(gurobipy.quicksum(shares) == 1.0)
        model.ModelSense = gurobipy.GRB.MAXIMIZE
        for share, log, slope in zip(shares, logs, slopes, strict=True):
            model.setPWLObj(share, points.tolist(), (log * np.log(points) + slope * points).tolist())
        model.optimize()
        payouts: Payouts = np.array([share.X for share in shares], dtype=np.float64) * program.pool
        return payouts


@dataclass(frozen=True)
class Peer:
    name: str
    solve: Callable[[Program], Payouts]
    largest: int  # the largest pool that it is given


PEERS = (
    Peer("cvxpy Clarabel", by_clarabel, 100_000),
    Peer("cvxpy SCS", by_scs, 100_000),
    Peer("scipy SLSQP", by_slsqp, 100),
    Peer("scipy trust-constr", by_trust_constr, 900),
    Peer("60-piece log, gurobi", by_piecewise_log, 10_000),
)


def _answer(queue: multiprocessing.Queue[Any], peer: Peer, n: int) -> None:
    program = pool_of(n)
    peer.solve(pool_of(2))  # imports and first-call work
    queue.put("ready")
    try:
        started = time.perf_counter()
        payout = peer.solve(program)
        queue.put((time.perf_counter() - started, payout))
    except Exception as error:  # any failure of a peer goes into the table
        queue.put((type(error).__name__, str(error).partition(";")[0].partition("\n")[0]))


def run_peer(peer: Peer, n: int, limit: float) -> tuple[float, Payouts] | str:
    """Seconds and payouts of a peer in its own process, or the reason for their absence."""
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Any] = context.Queue()
    process = context.Process(target=_answer, args=(queue, peer, n), daemon=True)
    process.start()
    try:
        queue.get(timeout=START_LIMIT)
        seconds, payout = queue.get(timeout=limit)
    except Empty:
        return f"no answer within {limit:.0f} s"
    finally:
        process.kill()
        process.join()
    return (seconds, payout) if isinstance(payout, np.ndarray) else f"{seconds}: {payout}"


def report(name: str, program: Program, ours: Allocation, exact: Payouts, seconds: float, payout: Payouts) -> str:
    """One line of the table."""
    error = np.abs(payout / exact - 1.0)
    gap = program.value(ours.payout) - program.value(np.maximum(payout, 1e-300))
    residual = kkt_residuals(payout, ours.nu, program.effective_impressions, program.pool, **program.options).worst
    return (
        f"{payout.size:>10,}  {name:<22}{seconds:>10.4f}{gap:>12.1e}{np.median(error):>12.1e}{error.max():>12.1e}"
        f"{residual / program.pool:>12.1e}"
    )


def compare(n: int, limit: float) -> None:
    """Compare all solvers that take a pool of size n."""
    program = pool_of(n)
    started = time.perf_counter()
    ours = allocate(program.effective_impressions, program.pool, **program.options)
    seconds = time.perf_counter() - started
    exact = bisection_payouts(program, digits=50) if n <= MAX_WITH_EXACT_REFERENCE else ours.payout
    print(report("creatorpool", program, ours, exact, seconds, ours.payout), flush=True)
    for peer in PEERS:
        if n <= peer.largest:
            answer = run_peer(peer, n, limit)
            if isinstance(answer, str):
                print(f"{n:>10,}  {peer.name:<22}{'-':>10}  {answer}", flush=True)
            else:
                print(report(peer.name, program, ours, exact, *answer), flush=True)


def time_ours(n: int) -> None:
    """Print seconds, passes and memory of `allocate` with floors and caps, and the time to read its arrays."""
    program = pool_of(n)
    arrays = (program.effective_impressions, program.options["floor"], program.options["cap"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs, work = [], []
    for _ in range(5):
        started, worked = time.perf_counter(), time.process_time()
        ours = allocate(program.effective_impressions, program.pool, **program.options)
        runs.append(time.perf_counter() - started)
        work.append(time.process_time() - worked)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    started = time.perf_counter()
    for array in arrays:
        array.sum()
    reading = time.perf_counter() - started
    size = sum(array.nbytes for array in arrays)
    print(
        f"{n:,} videos: best of 5 {min(runs):.3f} s, median {np.median(runs):.3f} s, processor time {min(work):.3f} s; "
        f"{ours.iterations} passes to the price; reading the arrays once on one core {reading:.3f} s;\n"
        f"memory beside the input {memory / size:.2f} x the input; largest KKT residual "
        f"{ours.max_kkt_residual / program.pool:.0e} of the pool"
    )


def show_lambda_eff(n: int) -> None:
    """Print the Gini coefficient of payouts and the money that λ_eff moves, for both objectives, without bounds."""
    m, pool = pool_of(n).effective_impressions, 1e6 * n
    print(f"{n:,} videos, α = 0.5, no bounds\n{'λ_eff':>10}{'Gini':>12}{'moved':>12}{'Gini':>12}{'moved':>12}")
    print(f"{'':>10}{'linear':>12}{'linear':>12}{'log':>12}{'log':>12}")
    for lambda_eff in LAMBDA_EFF:
        line = f"{lambda_eff:>10.8g}"
        for objective in ("linear", "log"):
            split = allocate(m, pool, alpha=0.5, lambda_eff=lambda_eff, objective=objective)
            line += f"{gini(split.payout):>12.4f}{efficiency_moved(split) / pool:>12.2e}"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 100 thousand videos, 5 s per peer")
    parser.add_argument("--lambda-eff", action="store_true", help="the effect of λ_eff, instead of the solvers")
    arguments = parser.parse_args()
    if arguments.lambda_eff:
        show_lambda_eff(1_000_000)
        return
    quick = arguments.quick
    # The peers' problems are small: a second BLAS thread would slow them down.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sizes = SIZES[:4] if quick else SIZES
    print(f"{processors()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
    by_allocate(pool_of(100_000))  # compiles the kernels, or loads them
    time_ours(sizes[-1])
    print(
        f"\n{'videos':>10}  {'solver':<22}{'seconds':>10}{'gap':>12}{'median err':>12}{'worst err':>12}{'KKT':>12}",
        flush=True,
    )
    for n in sizes:
        compare(n, limit=5.0 if quick else 30.0)


if __name__ == "__main__":
    main()
