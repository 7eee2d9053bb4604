"""Points of the response curves, and the linear program that finds their best mixture (formulas §4.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.delivery.envelope import AT_CAP, best_points
from creatorpool.delivery.feasibility import MIXED_LEAVE, counted, spare
from creatorpool.delivery.problem import DeliveryProblem
from creatorpool.delivery.programs import Matrix, beside, matrix_of, row_scale, scaled_rows, solved, stacked
from creatorpool.delivery.response import Floats, Integers, clicks_at

# The first points of each curve, as parts of the most impressions.
FIRST_POINTS = (0.05, 0.15, 0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Box:
    """Lower and upper bounds of the impressions of each pair of content and drawer, (n, m) each."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class Columns:
    """(c,) points: each is a pair, numbered content · m + drawer, and its impressions."""

    pair: Integers
    impressions: Floats

    @classmethod
    def first(cls, box: Box) -> Columns:
        """`FIRST_POINTS` of each pair."""
        low, high = box.low.ravel(), box.high.ravel()
        open_pairs = np.flatnonzero(high > low)
        parts = [low + part * (high - low) for part in FIRST_POINTS]
        return cls(np.tile(open_pairs, len(parts)), np.concatenate([part[open_pairs] for part in parts]))

    @classmethod
    def of(cls, plan: Floats) -> Columns:
        """The points of an (n, m) plan."""
        return cls(np.arange(plan.size), plan.ravel())

    def joined(self, other: Columns) -> Columns:
        """These points followed by those of `other`."""
        return Columns(np.concatenate([self.pair, other.pair]), np.concatenate([self.impressions, other.impressions]))

    def at(self, index: Integers | np.ndarray) -> Columns:
        """The points at `index`."""
        return Columns(self.pair[index], self.impressions[index])

    def inside(self, box: Box) -> Columns:
        """The points within `box`, and the upper end of each of its intervals."""
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
    """(n,) guarantees of impressions"""
    clicks: Floats
    """(n,) guarantees of clicks"""
    classes: Floats
    """(m, d) numbers of contents above each cap of `PositionClasses`"""
    missing: float
    """allowance of impressions that guarantees may miss; 0 without an allowance"""

    def costs(self) -> tuple[Floats, Floats]:
        """Price of an impression, (n, m), and additional price of a point above each cap, (m, d)."""
        above = np.zeros_like(self.classes)
        above[:, 1:] = np.cumsum(self.classes, axis=1)[:, :-1]
        return self.total + self.drawer[None, :] - self.impressions[:, None], above

    def value_of_limits(
        self, problem: DeliveryProblem, min_impressions: Floats, min_clicks: Floats, allowance: float
    ) -> float:
        """Σ price · limit over the shared constraints, with these guarantees."""
        return float(
            self.total * problem.total
            + self.drawer @ problem.drawer_capacity
            - self.impressions @ min_impressions
            - self.clicks @ min_clicks
            + (self.classes * problem.classes.limits).sum()
            + self.missing * allowance
        )

    def value_of_plan_limits(self, problem: DeliveryProblem, allowance: float | None) -> float:
        """As `value_of_limits`, with the least amounts that count as meeting the guarantees."""
        least = counted(problem.min_impressions), counted(problem.min_clicks)
        return self.value_of_limits(problem, *least, 0.0 if allowance is None else allowance)


@dataclass(frozen=True)
class Mixture:
    """Optimum of the linear program."""

    weights: Floats
    """(c,) weight of each point; the rest of a pair's weight, up to 1, is at its lower bound"""
    pair_value: Floats
    """(p,) multiplier of the constraint that a pair's weights sum to at most 1"""
    prices: Prices
    value: float


class MixingProgram:
    """The linear program over points: maximise Σ value · clicks or, without a value, minimise the violation."""

    def __init__(self, problem: DeliveryProblem, box: Box, value: Floats | None, allowance: float | None) -> None:
        """`allowance` is the impressions that guarantees may miss together, None for none; not used without `value`."""
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

    def constraint_use(self, pair: Integers, impressions: Floats) -> tuple[Floats, Matrix]:
        """(c,) clicks of points, and their use of the shared constraints: (rows, c), in the order of `limits`."""
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
        """(rows,) right sides of the shared constraints ``use <= limit``."""
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
        """The best mixture of `points`; None if no mixture meets the constraints."""
        p, c = self.low.size, points.pair.size
        all_pairs = np.arange(p)
        _, base = self.constraint_use(all_pairs, self.low)
        clicks, use = self.constraint_use(points.pair, points.impressions)
        _, low_use = self.constraint_use(points.pair, self.low[points.pair])
        remaining = self.limits - np.asarray(base.sum(axis=1)).ravel()
        gain = self.value.ravel()[points.pair] * (clicks - self.low_clicks[points.pair])
        slack_use, slack_cost = self._slack()
        k = slack_cost.size
        if c + k == 0:  # the box is one plan
            unpriced = self._prices(np.zeros(remaining.size))
            return Mixture(np.zeros(0), np.zeros(p), unpriced, 0.0) if (remaining >= -1e-9).all() else None
        parts = matrix_of(np.ones(c), points.pair, np.arange(c), (p, c + k))
        shared = beside(use - low_use, slack_use)
        if self.allowance is not None and not self.is_repair:
            most = self.allowance - MIXED_LEAVE * spare(self.problem, self.allowance)
            shared = stacked(shared, np.append(np.zeros(c), slack_cost)[None])
            remaining = np.append(remaining, most)
        scale = row_scale(shared)
        size = max(float(np.abs(gain).max(initial=0.0)), 1e-300)
        cost = np.concatenate([-gain / size, slack_cost / slack_cost.max() if self.is_repair else np.zeros(k)])
        right = np.concatenate([np.ones(p), remaining / scale])
        found = solved(cost, stacked(parts, scaled_rows(shared, scale)), right)
        if found is None:
            return None
        unit = slack_cost.max() if self.is_repair else size
        duals = found.multipliers * unit
        value = -found.cost * unit + (self.value.ravel() @ self.low_clicks)
        return Mixture(found.x[:c], duals[:p], self._prices(duals[p:] / scale), float(value))

    def unmixed(self, points: Columns) -> Mixture:
        """Each pair at its lower bound and all prices 0, from which a valid but loose bound follows."""
        rows = self.limits.size + (self.allowance is not None and not self.is_repair)
        weights, pair_value = np.zeros(points.pair.size), np.zeros(self.low.size)
        value = float(self.value.ravel() @ self.low_clicks)
        return Mixture(weights, pair_value, self._prices(np.zeros(rows)), value)

    def _slack(self) -> tuple[Matrix, Floats]:
        """(rows, k) use of the shared constraints if each guarantee is missed whole, and (k,) impressions missed."""
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
            # The price of missing caps the prices of the guarantees. The solver meets this only up to rounding.
            impressions = np.minimum(impressions, missing)
            clicks = np.minimum(clicks, missing * self.problem.impressions_per_click)
        return Prices(float(total[0]), drawer, impressions, clicks, classes, missing)

    def coefficients(self, prices: Prices) -> tuple[Floats, Floats, Floats]:
        """(p,) value of a click, (p,) price of an impression, and (m, d) price of a point above each cap."""
        price, above = prices.costs()
        return (self.value + prices.clicks[:, None]).ravel(), price.ravel(), above

    def net_value(self, points: Columns, prices: Prices) -> Floats:
        """(c,) value of points less their cost at the prices."""
        weight, price, above = self.coefficients(prices)
        caps = self.problem.classes.caps[self.drawer[points.pair]]
        level = (points.impressions[:, None] > caps * AT_CAP).sum(axis=1)
        clicks = clicks_at(self.parameters[:, points.pair], points.impressions)
        cost = price[points.pair] * points.impressions + above[self.drawer[points.pair], level]
        net: Floats = weight[points.pair] * clicks - cost
        return net

    def lagrangian_bound(self, prices: Prices) -> tuple[float, Floats, Columns]:
        """Upper bound on every plan in the box at `prices`, (p,) each pair's part of it, and each pair's best point."""
        problem = self.problem
        weight, price, above = self.coefficients(prices)
        values, points = best_points(
            self.parameters, self.drawer, weight, price, self.low, self.box.high.ravel(), problem.classes.caps, above
        )
        if self.is_repair:
            shared = prices.value_of_limits(problem, problem.min_impressions, problem.min_clicks, 0.0)
        else:
            shared = prices.value_of_plan_limits(problem, self.allowance)
        return float(values.sum() + shared), values, Columns(np.arange(values.size), points)
