"""A ranking policy as an engine of the incentive models: an entrant's share after the test (formulas §3.11).

A period is one slate with the entrant among its candidates. The entrant's share of the period is the probability with
which the policy shows it. The policy sees the entrant as it sees every video: by measured successes and failures,
views, and the viewer's match.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from creatorpool.errors import InputError
from creatorpool.incentives.continuation import TestPlan
from creatorpool.incentives.engines import EngineState
from creatorpool.recommend.observation import RankingPolicy, observe
from creatorpool.recommend.simulator import SessionSimulator
from creatorpool.recommend.simulator_market import Floats, Integers
from creatorpool.recommend.simulator_sessions import Session, Slate, ordered, similarity_score

_ENTRANT = -1
"""Position of the entrant among the slate's videos."""
_MEANS, _TOTALS = 49, 9
"""Size of the grid of shares: posterior means, evenly spaced in log-odds, and counts, evenly spaced in logarithms."""
_REACH = 4.0
"""Log-odds of the outermost means: success chances of 1.8 % and 98.2 %."""


@dataclass(frozen=True)
class Audience:
    """Slates from sessions that a policy played; in each, the entrant replaces one candidate."""

    session: Session
    """(n,) sessions, at any step"""
    slate: Slate
    """(n, r)"""
    place: Integers
    """(n,) rank of the candidate that the entrant replaces"""
    match: Floats
    """(n,) match of viewer and entrant"""
    noise: Floats
    """(n,) error of the entrant's similarity score"""


class SlateEngine:
    """An engine of the incentive models from a ranking policy.

    Parameters
    ----------
    simulator : SessionSimulator
        Market of viewers and incumbent videos.
    policy : RankingPolicy
        The ranking policy.
    plan : TestPlan
        Test and prior; they determine the range of the grid.
    category : str
        Category of the entrant.
    slates : int
        Number of slates over which shares are averaged, >= 1.
    seed : int
        Seed of the slates and of the entrant's match with viewers.

    Raises
    ------
    InputError
        If the category is unknown or slates is below 1.

    Notes
    -----
    The share depends only on the entrant's posterior. It is computed once on a grid of posterior means and counts, with
    the same slates for all points, and interpolated; it is exact at the grid's points. Larger counts than the grid's
    last, 1000 views after the test, use the share at the last.
    """

    def __init__(
        self,
        simulator: SessionSimulator,
        policy: RankingPolicy,
        plan: TestPlan,
        *,
        category: str,
        slates: int = 2000,
        seed: int = 0,
    ) -> None:
        names = simulator.parameters.categories
        if category not in names:
            raise InputError(f"category must be one of {list(names)}, got '{category}'")
        if slates < 1:
            raise InputError(f"slates must be >= 1, got {slates}")
        self.simulator, self.policy, self.plan = simulator, policy, plan
        self._category = names.index(category)
        self._audience = gather_audience(simulator, policy, slates, seed)
        prior = sum(plan.prior)
        self._means = np.linspace(-_REACH, _REACH, _MEANS)
        self._totals = np.log(prior + np.geomspace(plan.n, plan.n + 1000.0, _TOTALS))
        self.table = np.array([[self.share_of(m, t) for t in np.exp(self._totals)] for m in expit(self._means)])
        """(means, counts) shares"""

    def __call__(self, state: EngineState) -> Floats:
        """(paths,) shares of the period."""
        return self.share(state.mean, state.alpha + state.beta)

    def share(self, mean: Floats, total: Floats) -> Floats:
        """Shares at posterior means and counts (prior included) by bilinear interpolation; arrays of one shape."""
        i, u = _bracket(self._means, logit(mean))
        j, v = _bracket(self._totals, np.log(total))
        low = (1 - v) * self.table[i, j] + v * self.table[i, j + 1]
        high = (1 - v) * self.table[i + 1, j] + v * self.table[i + 1, j + 1]
        return np.asarray((1 - u) * low + u * high)

    def share_of(self, mean: float, total: float) -> float:
        """Share of an entrant with this posterior mean and count, averaged over the audience."""
        p, market, crowd = self.simulator.parameters, self.simulator.market, self._audience
        slate, rows = crowd.slate, np.arange(crowd.place.size)
        alpha, beta = np.full(rows.size, mean * total), np.full(rows.size, (1 - mean) * total)
        similarity = similarity_score(np, p, market, crowd.match, alpha, beta, crowd.noise)
        views = total - sum(self.plan.prior)
        popularity = (np.log1p(views) - market.views_centre) / market.views_scale
        parts = [slate.video, slate.category, slate.similarity, slate.popularity, slate.alpha, slate.beta]
        own = [_ENTRANT, self._category, similarity, popularity, alpha, beta]
        mixed = [part.copy() for part in parts]
        for part, value in zip(mixed, own, strict=True):
            part[rows, crowd.place] = value
        offered = ordered(np, p, market, crowd.session, *mixed)
        chances = self.policy.probabilities(observe(market, crowd.session, offered))
        return float(chances[offered.video == _ENTRANT].mean())


def gather_audience(simulator: SessionSimulator, policy: RankingPolicy, slates: int, seed: int) -> Audience:
    """Draw `slates` steps from sessions that the policy played; every step has the same probability."""
    p, rng = simulator.parameters, np.random.default_rng(np.random.SeedSequence([seed, 3]))
    # Every session has at least one step, so `slates` sessions have enough.
    steps = list(simulator.steps(policy, slates, seed=seed))
    chosen = rng.choice(sum(step.session.size for step in steps), slates, replace=False)
    session = Session(*(np.concatenate(parts)[chosen] for parts in zip(*(s.before for s in steps), strict=True)))
    slate = Slate(*(np.concatenate(parts)[chosen] for parts in zip(*(s.observation.slate for s in steps), strict=True)))
    style = rng.standard_normal((slates, p.taste_dimensions)) / np.sqrt(p.taste_dimensions)
    match = (simulator.market.taste[session.viewer] * style).sum(axis=1)
    return Audience(session, slate, rng.integers(0, p.candidates, slates), match, rng.standard_normal(slates))


def _bracket(grid: Floats, values: Floats) -> tuple[Integers, Floats]:
    """Position of the grid interval around each value, and the part of it below; values are clipped to the grid."""
    kept = np.clip(values, grid[0], grid[-1])
    at = np.clip(np.searchsorted(grid, kept, side="right") - 1, 0, grid.size - 2)
    return at, (kept - grid[at]) / (grid[at + 1] - grid[at])
