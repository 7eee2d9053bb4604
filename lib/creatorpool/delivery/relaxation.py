"""The relaxed plan: the best mixture of points of the curves, and an upper bound on every plan (formulas §4.5).

Column generation: a linear program mixes the points known so far and prices the shared constraints; at those prices the
best point of each curve is found in closed form and joins the others. At every turn the prices give a valid bound by
Lagrangian duality, whatever the points; it meets the program's value when no better point is left.
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
# Distance of the bound from the program's value, as a part of it, at which no more points are sought.
PROOF = 1e-6
# Points whose value is within this part of the best at the prices are kept; and this share of all at least.
NEAR = 1e-9
KEPT_SHARE = 0.6


@dataclass(frozen=True)
class Relaxed:
    """Optimum of the relaxation in a box."""

    bound: float
    """no plan in the box is worth more"""
    value: float
    """what the mixture is worth; well below the bound where what rounding may miss is worth much"""
    prices: Prices
    """those that prove the bound"""
    columns: Columns
    weights: Floats
    """(c,) part of each point"""
    mean: Floats
    """(n, m) impressions of the mixture"""
    heaviest: Floats
    """(n, m) impressions of the point that has the largest part"""
    mixing_gain: Floats
    """(n, m) value of the mixture less the value at its mean: what mixing alone brings"""
    unmet: Floats
    """(n, m) impressions that guarantees of clicks miss at the mean because the clicks of the mixture are not there"""
    crowding: Floats
    """(n, m) how far each pair is from being wholly above or wholly below each cap of its positions, 0 … 1/2"""

    def bounded_by(self, bound: float) -> Relaxed:
        """The same, as part of a box of which `bound` is known."""
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
) -> Relaxed | None:
    """Maximise Σ value · clicks over mixtures of plans in `box`; None if no mixture meets the constraints.

    Parameters
    ----------
    value : (n, m) array
        What a click is worth, >= 0; None to minimise what guarantees miss, the bound then being minus that.
    columns : Columns, optional
        Points to begin with.
    allowance : float, optional
        Impressions that guarantees may miss together; none by default.
    cutoff : float
        A bound below it is good enough to stop.
    """
    points = Columns.first(box) if columns is None else columns.inside(box)
    program = MixingProgram(problem, box, value, allowance)
    found = _generated(program, points, cutoff, rounds)
    if found is not None or program.is_repair:
        return found
    # These points meet no guarantee: others may, and only a bound on what all of them miss says that none does.
    may_miss = (0.0 if allowance is None else allowance) + rounding(problem)
    least = _generated(MixingProgram(problem, box, None, None), points, -may_miss, ROUNDS)
    if least is None or -least.bound > may_miss:
        return None
    found = _generated(program, least.columns, cutoff, rounds)
    return _unmixed(program, least.columns) if found is None else found


def _unmixed(program: MixingProgram, columns: Columns) -> Relaxed:
    """A valid bound, if a loose one, where the linear program has no answer that rounding leaves standing."""
    mixture = program.unmixed(columns)
    bound, _, _ = program.priced(mixture.prices)
    return _described(program, columns, mixture, bound, mixture.prices)


def _generated(program: MixingProgram, columns: Columns, cutoff: float, rounds: int) -> Relaxed | None:
    bound, best_prices, reached = np.inf, None, -np.inf
    known: tuple[Columns, Mixture] | None = None
    value_free = program.is_repair
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
            break  # the mixture before it is one of these points, too: only rounding hides it
        known = columns, mixture
        candidate, pair_values, points = program.priced(mixture.prices)
        if candidate < bound or best_prices is None:
            bound, best_prices = (min(candidate, 0.0) if value_free else candidate), mixture.prices
        scale = max(abs(bound), abs(mixture.value), 1e-9)
        if bound - mixture.value <= PROOF * scale or bound < cutoff or turn == rounds - 1:
            break
        everywhere = Columns(np.arange(program.low.size), program.low)
        better = pair_values - program.net(everywhere, mixture.prices) > mixture.pair_value + NEAR * scale
        if not better.any():
            break
        if mixture.value > reached + NEAR * scale:
            # Where the value stands still, points that are dropped may return, and go, for ever.
            columns, reached = _kept(program, columns, mixture.prices, mixture.weights), mixture.value
        columns = columns.joined(points.at(better))
    if known is None or best_prices is None:
        raise ArithmeticError("no turn of column generation was allowed")
    return _described(program, *known, bound, best_prices)


def _kept(program: MixingProgram, columns: Columns, prices: Prices, weights: Floats) -> Columns:
    net = program.net(columns, prices)
    best = np.full(program.low.size, -np.inf)
    np.maximum.at(best, columns.pair, net)
    behind = best[columns.pair] - net
    return columns.at((behind <= np.quantile(behind, KEPT_SHARE)) | (weights > 0))


def _described(program: MixingProgram, columns: Columns, mixture: Mixture, bound: float, prices: Prices) -> Relaxed:
    problem, low, weights = program.problem, program.low, mixture.weights
    shape, p = problem.shape, low.size
    gained = weights * (columns.impressions - low[columns.pair])
    mean = low + np.bincount(columns.pair, gained, p)
    clicks = clicks_at(program.parameters[:, columns.pair], columns.impressions)
    mixed = program.low_clicks + np.bincount(columns.pair, weights * (clicks - program.low_clicks[columns.pair]), p)
    straight = problem.curves.clicks(mean.reshape(shape))
    rest = 1.0 - np.bincount(columns.pair, weights, p)
    order = np.lexsort((weights, columns.pair))
    last = np.append(columns.pair[order][1:] != columns.pair[order][:-1], True) if order.size else np.zeros(0, bool)
    heaviest, top = low.copy(), rest.copy()
    pairs, which = columns.pair[order][last], order[last]
    heavier = weights[which] >= top[pairs]
    heaviest[pairs[heavier]] = columns.impressions[which[heavier]]
    mixing = mixed.reshape(shape) - straight
    worth = program.value + prices.clicks[:, None]
    return Relaxed(
        bound,
        mixture.value,
        prices,
        columns,
        weights,
        np.minimum(mean, program.box.high.ravel()).reshape(shape),
        heaviest.reshape(shape),
        np.maximum(worth * mixing, 0.0),
        _unmet(problem, straight, mixing),
        _crowding(problem, columns, weights),
    )


def _unmet(problem: DeliveryProblem, straight: Floats, mixing: Floats) -> Floats:
    """Of (n, m) clicks that mixing adds, those that guarantees need, as impressions."""
    needed = np.maximum(counted(problem.min_clicks) - straight.sum(axis=1), 0.0)
    unmet: Floats = np.clip(mixing, 0.0, needed[:, None]) * problem.impressions_per_click[:, None]
    return unmet


def _crowding(problem: DeliveryProblem, columns: Columns, weights: Floats) -> Floats:
    n, m = problem.shape
    worst = np.zeros(n * m)
    for d in range(problem.classes.caps.shape[1]):
        cap = problem.classes.caps[columns.pair % m, d]
        above = np.bincount(columns.pair, weights * (columns.impressions > cap * AT_CAP), n * m)
        worst = np.maximum(worst, np.minimum(above, 1.0 - above))
    return worst.reshape(n, m)
