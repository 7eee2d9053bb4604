"""Any ranking policy as the engine of the incentives: its share for an entrant after the test (formulas §3.11).

A period is one slate that has the entrant among its candidates; its share of the period is the policy's chance to show
it. The policy sees the entrant as it sees every video: by its measured successes and failures, its views, and the
viewer's match with it.
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
"""Stands for the entrant among the slate's videos."""
_MEANS, _TOTALS = 49, 9
"""Grid of the table of shares: posterior means, evenly in log-odds, and posterior counts, evenly in logs."""
_REACH = 4.0
"""Log-odds of the outermost means: success chances of 1.8 % and 98.2 %."""


@dataclass(frozen=True)
class Audience:
    """Slates as a policy meets them in the sessions it makes, with one candidate's place kept for the entrant."""

    session: Session
    """(n,) at any point of sessions"""
    slate: Slate
    """(n, r)"""
    place: Integers
    """(n,) rank of the candidate that gives way"""
    match: Floats
    """(n,) match of viewer and entrant"""
    noise: Floats
    """(n,) error of the entrant's similarity score"""


class SlateEngine:
    """An incentives' engine from a ranking policy.

    Parameters
    ----------
    simulator : SessionSimulator
        Market of viewers and incumbents.
    policy : RankingPolicy
        The engine in use.
    plan : TestPlan
        The test and the prior behind the posterior; they bound what the table must hold.
    category : str
        Of the entrant.
    slates : int
        States and slates over which the share is averaged.
    seed : int
        Of these, and of the entrant's match with viewers.

    Notes
    -----
    The share depends on the entrant's posterior alone, so it is worked out once on a grid of posterior means and
    counts, on the same slates throughout, and read off by interpolation: exact at the grid's points. Counts beyond the
    grid's last, 1000 views after the test, are read off there.
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
        """Shares at posterior means and counts, prior included, by bilinear interpolation; arrays of one shape."""
        i, u = _bracket(self._means, logit(mean))
        j, v = _bracket(self._totals, np.log(total))
        low = (1 - v) * self.table[i, j] + v * self.table[i, j + 1]
        high = (1 - v) * self.table[i + 1, j] + v * self.table[i + 1, j + 1]
        return np.asarray((1 - u) * low + u * high)

    def share_of(self, mean: float, total: float) -> float:
        """The share of an entrant with one posterior, averaged over the audience."""
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
    """`slates` states and slates from sessions that the policy itself has made, every step of each alike."""
    p, rng = simulator.parameters, np.random.default_rng(np.random.SeedSequence([seed, 3]))
    # Every session has a first step, so that as many sessions hold enough slates.
    steps = list(simulator.steps(policy, slates, seed=seed))
    chosen = rng.choice(sum(step.session.size for step in steps), slates, replace=False)
    session = Session(*(np.concatenate(parts)[chosen] for parts in zip(*(s.before for s in steps), strict=True)))
    slate = Slate(*(np.concatenate(parts)[chosen] for parts in zip(*(s.observation.slate for s in steps), strict=True)))
    style = rng.standard_normal((slates, p.taste_dimensions)) / np.sqrt(p.taste_dimensions)
    match = (simulator.market.taste[session.viewer] * style).sum(axis=1)
    return Audience(session, slate, rng.integers(0, p.candidates, slates), match, rng.standard_normal(slates))


def _bracket(grid: Floats, values: Floats) -> tuple[Integers, Floats]:
    """Position of the grid's interval that holds each value, and the part of it before the value; ends are kept to."""
    kept = np.clip(values, grid[0], grid[-1])
    at = np.clip(np.searchsorted(grid, kept, side="right") - 1, 0, grid.size - 2)
    return at, (kept - grid[at]) / (grid[at + 1] - grid[at])
