"""Points of the response curves from which the relaxed plan mixes, and the linear program that mixes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.envelope import AT_CAP, best_points
from creatorpool.delivery.feasibility import MIXED_LEAVE, counted, spare
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.programs import Matrix, beside, matrix_of, row_scale, scaled_rows, solved, stacked
from creatorpool.delivery.response import Floats, Integers, clicks_at

# Parts of the most impressions at which every curve starts with a point.
FIRST_POINTS = (0.05, 0.15, 0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Box:
    """Least and most impressions of every pair of content and drawer, (n, m) each."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class Columns:
    """(c,) points: a pair (content · drawers + drawer) and its impressions there."""

    pair: Integers
    impressions: Floats

    @classmethod
    def first(cls, box: Box) -> Columns:
        """A few points along every curve."""
        low, high = box.low.ravel(), box.high.ravel()
        open_pairs = np.flatnonzero(high > low)
        parts = [low + part * (high - low) for part in FIRST_POINTS]
        return cls(np.tile(open_pairs, len(parts)), np.concatenate([part[open_pairs] for part in parts]))

    @classmethod
    def of(cls, plan: Floats) -> Columns:
        """The points of an (n, m) plan."""
        return cls(np.arange(plan.size), plan.ravel())

    def joined(self, other: Columns) -> Columns:
        """Both."""
        return Columns(np.concatenate([self.pair, other.pair]), np.concatenate([self.impressions, other.impressions]))

    def at(self, index: Integers | np.ndarray) -> Columns:
        """Part of the points."""
        return Columns(self.pair[index], self.impressions[index])

    def inside(self, box: Box) -> Columns:
        """Points that a smaller box still allows, and its upper end where it has room."""
        low, high = box.low.ravel(), box.high.ravel()
        kept = self.at((self.impressions >= low[self.pair]) & (self.impressions <= high[self.pair]))
        open_pairs = np.flatnonzero(high > low)
        return kept.joined(Columns(open_pairs, high[open_pairs]))


@dataclass(frozen=True)
class Prices:
    """Multipliers of the shared constraints, each >= 0."""

    total: float
    drawer: Floats
    """(m,)"""
    impressions: Floats
    """(n,) of the guarantee of impressions"""
    clicks: Floats
    """(n,) of the guarantee of clicks"""
    classes: Floats
    """(m, d) of the contents above each cap of `PositionClasses`"""
    missing: float
    """of the impressions that guarantees may miss; 0 where they may miss none"""

    def costs(self) -> tuple[Floats, Floats]:
        """What an impression costs, (n, m), and what a point above each cap costs besides, (m, d)."""
        above = np.zeros_like(self.classes)
        above[:, 1:] = np.cumsum(self.classes, axis=1)[:, :-1]
        return self.total + self.drawer[None, :] - self.impressions[:, None], above

    def earned(self, problem: DeliveryProblem, min_impressions: Floats, min_clicks: Floats, allowance: float) -> float:
        """The shared constraints' limits, with these guarantees, at their prices."""
        return float(
            self.total * problem.total
            + self.drawer @ problem.drawer_capacity
            - self.impressions @ min_impressions
            - self.clicks @ min_clicks
            + (self.classes * problem.classes.limits).sum()
            + self.missing * allowance
        )

    def earned_by_plans(self, problem: DeliveryProblem, allowance: float | None) -> float:
        """As `earned`, with the least that counts as meeting the guarantees, of which `allowance` may be missed."""
        least = counted(problem.min_impressions), counted(problem.min_clicks)
        return self.earned(problem, *least, 0.0 if allowance is None else allowance)


@dataclass(frozen=True)
class Mixture:
    """Optimum of the linear program."""

    weights: Floats
    """(c,) part of each point; what is left of a pair's 1 is at its least impressions"""
    pair_value: Floats
    """(p,) multiplier of each pair's parts"""
    prices: Prices
    value: float


class MixingProgram:
    """The linear program over points: maximise Σ value · clicks (or, given no value, minimise what guarantees miss)."""

    def __init__(self, problem: DeliveryProblem, box: Box, value: Floats | None, allowance: float | None) -> None:
        """`allowance`: impressions that guarantees may miss together; None for none, not used without `value`."""
        self.problem, self.box, self.allowance = problem, box, allowance
        n, m = problem.shape
        self.is_repair = value is None
        self.value = np.zeros((n, m)) if value is None else value
        self.parameters = problem.curves.parameters.reshape(5, -1)
        self.content, self.drawer = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
        self.impression_rows = np.flatnonzero(problem.min_impressions > 0)
        self.click_rows = np.flatnonzero(problem.min_clicks > 0)
        limits = problem.classes.limits
        self.class_rows = np.argwhere((limits > 0) & np.isfinite(problem.classes.caps))
        self.low = box.low.ravel()
        self.low_clicks = clicks_at(self.parameters, self.low)

    def used(self, pair: Integers, impressions: Floats) -> tuple[Floats, Matrix]:
        """Clicks of points, and their use of the shared constraints: a row a constraint, in the order of `limits`."""
        n, m = self.problem.shape
        clicks = clicks_at(self.parameters[:, pair], impressions)
        c = np.arange(pair.size)
        i, j = self.content[pair], self.drawer[pair]
        blocks = [(j, c, impressions, m), (np.zeros_like(j), c, impressions, 1)]
        for rows, amounts in ((self.impression_rows, impressions), (self.click_rows, clicks)):
            place = np.full(n, -1)
            place[rows] = np.arange(rows.size)
            counted = place[i] >= 0
            blocks.append((place[i][counted], c[counted], -amounts[counted], rows.size))
        above = [
            np.flatnonzero((j == drawer) & (impressions > self.problem.classes.caps[drawer, d] * AT_CAP))
            for drawer, d in self.class_rows
        ]
        index = np.repeat(np.arange(len(above)), [a.size for a in above])
        which = np.concatenate([np.zeros(0, dtype=np.int64), *above])
        blocks.append((index, which, np.ones(which.size), len(above)))
        offsets = np.cumsum([0, *(size for *_, size in blocks)])
        row = np.concatenate([b[0] + o for b, o in zip(blocks, offsets[:-1], strict=True)])
        column = np.concatenate([b[1] for b in blocks])
        amount = np.concatenate([b[2] for b in blocks])
        return clicks, matrix_of(amount, row, column, (int(offsets[-1]), pair.size))

    @property
    def limits(self) -> Floats:
        """Right sides of the shared constraints, ``use <= limit``."""
        problem = self.problem
        return np.concatenate(
            [
                problem.drawer_capacity,
                [problem.total],
                -problem.min_impressions[self.impression_rows],
                -problem.min_clicks[self.click_rows],
                [float(problem.classes.limits[j, d]) for j, d in self.class_rows],
            ]
        )

    def solve(self, points: Columns) -> Mixture | None:
        """The best mixture of `points`; None if none meets the constraints."""
        p, c = self.low.size, points.pair.size
        everything = np.arange(p)
        _, base = self.used(everything, self.low)
        clicks, use = self.used(points.pair, points.impressions)
        _, lows = self.used(points.pair, self.low[points.pair])
        left = self.limits - np.asarray(base.sum(axis=1)).ravel()
        gain = self.value.ravel()[points.pair] * (clicks - self.low_clicks[points.pair])
        slack_use, slack_cost = self._slack()
        k = slack_cost.size
        if c + k == 0:  # nothing is open: the least impressions are all there is
            nothing = self._prices(np.zeros(left.size))
            return Mixture(np.zeros(0), np.zeros(p), nothing, 0.0) if (left >= -1e-9).all() else None
        parts = matrix_of(np.ones(c), points.pair, np.arange(c), (p, c + k))
        shared = beside(use - lows, slack_use)
        if self.allowance is not None and not self.is_repair:
            most = self.allowance - MIXED_LEAVE * spare(self.problem, self.allowance)
            shared, left = stacked(shared, np.append(np.zeros(c), slack_cost)[None]), np.append(left, most)
        scale = row_scale(shared)
        size = max(float(np.abs(gain).max(initial=0.0)), 1e-300)
        cost = np.concatenate([-gain / size, slack_cost / slack_cost.max() if self.is_repair else np.zeros(k)])
        right = np.concatenate([np.ones(p), left / scale])
        found = solved(cost, stacked(parts, scaled_rows(shared, scale)), right)
        if found is None:
            return None
        unit = slack_cost.max() if self.is_repair else size
        duals = found.multipliers * unit
        value = -found.cost * unit + (self.value.ravel() @ self.low_clicks)
        return Mixture(found.x[:c], duals[:p], self._prices(duals[p:] / scale), float(value))

    def unmixed(self, points: Columns) -> Mixture:
        """Every pair at its least impressions and nothing priced, which bounds all plans too, if loosely."""
        rows = self.limits.size + (self.allowance is not None and not self.is_repair)
        none, nothing = np.zeros(points.pair.size), np.zeros(self.low.size)
        return Mixture(none, nothing, self._prices(np.zeros(rows)), float(self.value.ravel() @ self.low_clicks))

    def _slack(self) -> tuple[Matrix, Floats]:
        """Use of the shared constraints by guarantees that are missed whole, and the impressions that each counts."""
        rows = self.limits.size
        if self.allowance is None and not self.is_repair:
            return np.zeros((rows, 0)), np.zeros(0)
        problem = self.problem
        clicks = problem.min_clicks[self.click_rows]
        guaranteed = np.concatenate([problem.min_impressions[self.impression_rows], clicks])
        k, first = guaranteed.size, problem.shape[1] + 1
        use = matrix_of(-guaranteed, first + np.arange(k), np.arange(k), (rows, k))
        worth = problem.impressions_per_click[self.click_rows]
        return use, guaranteed * np.concatenate([np.ones(self.impression_rows.size), worth])

    def _prices(self, duals: Floats) -> Prices:
        n, m = self.problem.shape
        ends = np.cumsum([m, 1, self.impression_rows.size, self.click_rows.size, len(self.class_rows)])
        drawer, total, own_impressions, own_clicks, own_classes, rest = np.split(duals, ends)
        missing = float(rest[0]) if rest.size else 1.0 if self.is_repair else 0.0
        impressions, clicks = np.zeros(n), np.zeros(n)
        impressions[self.impression_rows], clicks[self.click_rows] = own_impressions, own_clicks
        classes = np.zeros(self.problem.classes.caps.shape)
        if len(self.class_rows):
            classes[self.class_rows[:, 0], self.class_rows[:, 1]] = own_classes
        if self.is_repair or self.allowance is not None:
            # What may be missed caps the guarantees' prices; the solver keeps to that up to rounding.
            impressions = np.minimum(impressions, missing)
            clicks = np.minimum(clicks, missing * self.problem.impressions_per_click)
        return Prices(float(total[0]), drawer, impressions, clicks, classes, missing)

    def worth(self, prices: Prices) -> tuple[Floats, Floats, Floats]:
        """What a click is worth and an impression costs, (p,) each; what a point above each cap costs, (m, d)."""
        price, above = prices.costs()
        return (self.value + prices.clicks[:, None]).ravel(), price.ravel(), above

    def net(self, points: Columns, prices: Prices) -> Floats:
        """(c,) worth of points less what they cost."""
        weight, price, above = self.worth(prices)
        caps = self.problem.classes.caps[self.drawer[points.pair]]
        level = (points.impressions[:, None] > caps * AT_CAP).sum(axis=1)
        clicks = clicks_at(self.parameters[:, points.pair], points.impressions)
        cost = price[points.pair] * points.impressions + above[self.drawer[points.pair], level]
        net: Floats = weight[points.pair] * clicks - cost
        return net

    def priced(self, prices: Prices) -> tuple[float, Floats, Columns]:
        """Bound on every plan inside the box, (p,) each pair's part of it, and its best points at `prices`."""
        problem = self.problem
        weight, price, above = self.worth(prices)
        values, points = best_points(
            self.parameters, self.drawer, weight, price, self.low, self.box.high.ravel(), problem.classes.caps, above
        )
        if self.is_repair:
            shared = prices.earned(problem, problem.min_impressions, problem.min_clicks, 0.0)
        else:
            shared = prices.earned_by_plans(problem, self.allowance)
        return float(values.sum() + shared), values, Columns(np.arange(values.size), points)
