"""The relaxation of a plan: the best mixture of the curves' points, and an upper bound on all plans (formulas §4.5).

Column generation repeats two steps. A linear program finds the best mixture of the known points and the prices of the
shared constraints. At these prices, the best point of each curve, in closed form, becomes a known point. The prices of
every round give a valid bound by Lagrangian duality. The bound equals the program's value once no better point exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from creatorpool.delivery.columns import Box, Columns, MixingProgram, Mixture, Prices
from creatorpool.delivery.envelope import AT_CAP
from creatorpool.delivery.feasibility import counted, rounding
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.programs import UnsolvedProgramError
from creatorpool.delivery.response import Floats, clicks_at

ROUNDS = 30
# Relative distance of the bound from the program's value at which column generation ends.
PROOF_TOLERANCE = 1e-6
# Relative gain at which a point, or a round, counts as better.
VALUE_TOLERANCE = 1e-9
# Share of the points, those nearest to the best at the prices, that pruning keeps.
KEPT_SHARE = 0.6


@dataclass(frozen=True)
class Relaxation:
    """Optimum of the relaxation in a box."""

    bound: float
    """upper bound on the value of every plan in the box"""
    value: float
    """value of the mixture"""
    prices: Prices
    """the prices that prove the bound"""
    columns: Columns
    weights: Floats
    """(c,) weight of each point in the mixture"""
    mean: Floats
    """(n, m) impressions of the mixture"""
    heaviest: Floats
    """(n, m) impressions of the point with the largest weight"""
    mixing_gain: Floats
    """(n, m) value of the mixture less the value at its mean"""
    unmet: Floats
    """(n, m) impressions that guarantees of clicks miss at the mean although the mixture meets them"""
    fractionality: Floats
    """(n, m) the smaller of the weights above and below a cap of the positions, the largest over the caps; 0 … 1/2"""

    def bounded_by(self, bound: float) -> Relaxation:
        """The same relaxation with its bound lowered to `bound`, such as the bound of a box that contains it."""
        return self if self.bound <= bound else replace(self, bound=bound)


def relax(
    problem: DeliveryProblem,
    value: Floats | None,
    box: Box,
    *,
    columns: Columns | None = None,
    allowance: float | None = None,
    cutoff: float = -np.inf,
    rounds: int = ROUNDS,
) -> Relaxation | None:
    """Maximise Σ value · clicks over mixtures of plans in `box`; None if no mixture meets the constraints.

    Parameters
    ----------
    value : (n, m) array
        Value of a click, >= 0; None to minimise the violation of guarantees: the value is then minus the violation.
    columns : Columns, optional
        First points.
    allowance : float, optional
        Impressions that guarantees may miss together; none by default.
    cutoff : float
        Column generation ends once the bound is below it.
    rounds : int
        Most rounds of column generation.
    """
    points = Columns.first(box) if columns is None else columns.inside(box)
    program = MixingProgram(problem, box, value, allowance)
    found = _generate_columns(program, points, cutoff, rounds)
    if found is not None or program.is_repair:
        return found
    # No mixture of these points meets the guarantees. Minimise the violation: its bound proves whether others do.
    may_miss = (0.0 if allowance is None else allowance) + rounding(problem)
    least = _generate_columns(MixingProgram(problem, box, None, None), points, -may_miss, ROUNDS)
    if least is None or -least.bound > may_miss:
        return None
    found = _generate_columns(program, least.columns, cutoff, rounds)
    return _unmixed(program, least.columns) if found is None else found


def _unmixed(program: MixingProgram, columns: Columns) -> Relaxation:
    """A valid but loose bound, for programs that no method solves."""
    mixture = program.unmixed(columns)
    bound, _, _ = program.lagrangian_bound(mixture.prices)
    return _relaxation_of(program, columns, mixture, bound, mixture.prices)


def _generate_columns(program: MixingProgram, columns: Columns, cutoff: float, rounds: int) -> Relaxation | None:
    bound, best_prices, reached = np.inf, None, -np.inf
    known: tuple[Columns, Mixture] | None = None
    for turn in range(rounds):
        try:
            mixture = program.solve(columns)
        except UnsolvedProgramError:
            if known is None:
                return _unmixed(program, columns)
            break
        if mixture is None:
            if known is None:
                return None
            break  # the mixture of the round before is still feasible up to rounding
        known = columns, mixture
        candidate, pair_values, points = program.lagrangian_bound(mixture.prices)
        if candidate < bound or best_prices is None:
            bound, best_prices = (min(candidate, 0.0) if program.is_repair else candidate), mixture.prices
        scale = max(abs(bound), abs(mixture.value), 1e-9)
        if bound - mixture.value <= PROOF_TOLERANCE * scale or bound < cutoff or turn == rounds - 1:
            break
        lower_ends = Columns(np.arange(program.low.size), program.low)
        gain = pair_values - program.net_value(lower_ends, mixture.prices)
        better = gain > mixture.pair_value + VALUE_TOLERANCE * scale
        if not better.any():
            break
        if mixture.value > reached + VALUE_TOLERANCE * scale:
            # Prune only after a gain: otherwise the same points could be dropped and found again without end.
            columns, reached = _pruned(program, columns, mixture.prices, mixture.weights), mixture.value
        columns = columns.joined(points.at(better))
    if known is None or best_prices is None:
        raise ArithmeticError(f"column generation needs at least one round, got rounds = {rounds}")
    return _relaxation_of(program, *known, bound, best_prices)


def _pruned(program: MixingProgram, columns: Columns, prices: Prices, weights: Floats) -> Columns:
    net = program.net_value(columns, prices)
    best = np.full(program.low.size, -np.inf)
    np.maximum.at(best, columns.pair, net)
    behind = best[columns.pair] - net
    return columns.at((behind <= np.quantile(behind, KEPT_SHARE)) | (weights > 0))


def _relaxation_of(
    program: MixingProgram, columns: Columns, mixture: Mixture, bound: float, prices: Prices
) -> Relaxation:
    problem, low, weights = program.problem, program.low, mixture.weights
    shape, p = problem.shape, low.size
    gained = weights * (columns.impressions - low[columns.pair])
    mean = low + np.bincount(columns.pair, gained, p)
    clicks = clicks_at(program.parameters[:, columns.pair], columns.impressions)
    mixed = program.low_clicks + np.bincount(columns.pair, weights * (clicks - program.low_clicks[columns.pair]), p)
    clicks_at_mean = problem.curves.clicks(mean.reshape(shape))
    rest = 1.0 - np.bincount(columns.pair, weights, p)
    order = np.lexsort((weights, columns.pair))
    last = np.append(columns.pair[order][1:] != columns.pair[order][:-1], True) if order.size else np.zeros(0, bool)
    heaviest, top = low.copy(), rest.copy()
    pairs, which = columns.pair[order][last], order[last]
    heavier = weights[which] >= top[pairs]
    heaviest[pairs[heavier]] = columns.impressions[which[heavier]]
    mixing = mixed.reshape(shape) - clicks_at_mean
    worth = program.value + prices.clicks[:, None]
    return Relaxation(
        bound,
        mixture.value,
        prices,
        columns,
        weights,
        np.minimum(mean, program.box.high.ravel()).reshape(shape),
        heaviest.reshape(shape),
        np.maximum(worth * mixing, 0.0),
        _unmet(problem, clicks_at_mean, mixing),
        _fractionality(problem, columns, weights),
    )


def _unmet(problem: DeliveryProblem, clicks_at_mean: Floats, mixing: Floats) -> Floats:
    """(n, m) clicks that mixing adds and guarantees need, as impressions."""
    needed = np.maximum(counted(problem.min_clicks) - clicks_at_mean.sum(axis=1), 0.0)
    unmet: Floats = np.clip(mixing, 0.0, needed[:, None]) * problem.impressions_per_click[:, None]
    return unmet


def _fractionality(problem: DeliveryProblem, columns: Columns, weights: Floats) -> Floats:
    n, m = problem.shape
    worst = np.zeros(n * m)
    for d in range(problem.classes.caps.shape[1]):
        cap = problem.classes.caps[columns.pair % m, d]
        above = np.bincount(columns.pair, weights * (columns.impressions > cap * AT_CAP), n * m)
        worst = np.maximum(worst, np.minimum(above, 1.0 - above))
    return worst.reshape(n, m)
