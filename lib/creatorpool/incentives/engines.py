"""Ranking engines after the test: the share of impressions an entrant gets in a period (formulas §3.11, S4 App. C).

An engine is any callable from an `EngineState` to the (paths,) expected shares of the period. This module has the
usual ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, expit

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.types import Booleans, Floats


@dataclass(frozen=True)
class EngineState:
    """What an engine knows about each path in a period; all arrays are (paths,)."""

    alpha: Floats
    """successes of the entrant's Beta posterior, prior included"""
    beta: Floats
    """failures of the posterior, prior included"""
    pulls: Floats
    """impressions so far"""
    passed: Booleans
    initial_alpha: Floats
    """the posterior right after the test"""
    initial_beta: Floats
    period: int
    """periods since entry"""
    rng: np.random.Generator
    """the engine's randomness, the same for the pass and the fail side"""

    @property
    def mean(self) -> Floats:
        """Posterior mean."""
        return np.asarray(self.alpha / (self.alpha + self.beta))


Engine = Callable[[EngineState], Floats]


@dataclass(frozen=True)
class TwoBandEngine:
    """Shows graduates with probability ρ1 in each period, the others with ρ0."""

    pass_rate: float
    """ρ1"""
    fail_rate: float
    """ρ0"""

    def __post_init__(self) -> None:
        checked_numbers("band rates", [self.fail_rate, self.pass_rate], 0.0, 1.0)

    def __call__(self, state: EngineState) -> Floats:
        """(paths,) shares by band."""
        return np.where(state.passed, self.pass_rate, self.fail_rate)


@dataclass(frozen=True)
class FrozenIndexEngine:
    """Inclusion by the posterior mean right after the test, in all periods: weight · σ(slope · (mean − frontier))."""

    slope: float
    frontier: float
    weight: float = 1.0

    def __call__(self, state: EngineState) -> Floats:
        """(paths,) shares by the index right after the test."""
        mean = state.initial_alpha / (state.initial_alpha + state.initial_beta)
        return np.asarray(self.weight * expit(self.slope * (mean - self.frontier)))


@dataclass(frozen=True)
class ThompsonEngine:
    """Thompson sampling for one or several seats against incumbents of known or uncertain quality.

    The entrant's share is Σ_seats weight × P[its draw ranks there], exact given the incumbents' draws.
    """

    incumbents: Floats
    """(j,) qualities, or (j, 2) Beta posteriors (successes, failures)"""
    seat_weights: Floats = field(default_factory=lambda: np.ones(1))
    """(seats,) weight of each position, such as its share of attention, in [0, 1]; they must not increase"""

    def __post_init__(self) -> None:
        rivals = checked_numbers("incumbents", self.incumbents, 0.0)
        weights = checked_numbers("seat_weights", self.seat_weights, 0.0, 1.0)
        if rivals.ndim == 1 and (rivals > 1).any():
            raise InputError(f"incumbents of known quality must lie in [0, 1], got {rivals.max()}")
        if rivals.ndim not in (1, 2) or (rivals.ndim == 2 and (rivals.shape[1] != 2 or (rivals <= 0).any())):
            raise InputError(f"incumbents must be (j,) qualities or (j, 2) Beta counts > 0, got shape {rivals.shape}")
        if weights.ndim != 1 or weights.size == 0 or (np.diff(weights) > 0).any():
            raise InputError(f"seat_weights must be a list of numbers that do not increase, got {weights.tolist()}")
        object.__setattr__(self, "incumbents", rivals)
        object.__setattr__(self, "seat_weights", weights)

    def __call__(self, state: EngineState) -> Floats:
        """Expected position weight of the entrant's posterior draw among the incumbents."""
        draws = self.incumbents
        if draws.ndim == 2:
            draws = state.rng.beta(draws[:, 0], draws[:, 1])
        return expected_position_weight(state.alpha, state.beta, draws, self.seat_weights)


def expected_position_weight(alpha: Floats, beta: Floats, incumbents: ArrayLike, seat_weights: ArrayLike) -> Floats:
    """(paths,) Σ_seats weight · P[a Beta(alpha, beta) draw takes the seat] among (j,) incumbent scores.

    A draw above the r-th best incumbent gets seat r or a better one. So each seat adds (its weight − the next seat's
    weight) · P[the draw beats the incumbent of that seat].
    """
    best = np.sort(np.asarray(incumbents, dtype=np.float64))[::-1]
    weights = np.asarray(seat_weights, dtype=np.float64)
    drops = weights - np.append(weights[1:], 0.0)
    share = np.zeros(np.broadcast_shapes(alpha.shape, beta.shape))
    for seat, drop in enumerate(drops):
        share += drop * (1.0 - betainc(alpha, beta, best[seat]) if seat < best.size else 1.0)
    return share


@dataclass(frozen=True)
class UcbEngine:
    """Index mean + c √(2 log t / pulls), included with probability σ(slope · (index − frontier_t)).

    The competitors' frontier follows an AR(1) process around its mean, with the same path for all entrants.
    """

    exploration: float
    """c"""
    slope: float
    frontier: float
    """mean of the frontier"""
    persistence: float = 0.0
    """AR(1) coefficient, in [0, 1)"""
    drift: float = 0.0
    """standard deviation of the frontier's shocks"""
    start: float | None = None
    """frontier at entry; its mean by default"""
    weight: float = 1.0
    seed: int = 0
    horizon: int = 4096
    """periods for which the frontier's path is drawn; later periods use its last value"""
    path: Floats = field(init=False, repr=False, compare=False)
    """(horizon,) the frontier"""

    def __post_init__(self) -> None:
        if not 0 <= self.persistence < 1:
            raise InputError(f"persistence must lie in [0, 1), got {self.persistence}")
        shocks = self.drift * np.random.default_rng(self.seed).standard_normal(self.horizon)
        path = np.empty(self.horizon)
        gap = (self.frontier if self.start is None else self.start) - self.frontier
        for t in range(self.horizon):
            path[t] = self.frontier + gap
            gap = self.persistence * gap + shocks[t]
        object.__setattr__(self, "path", path)

    def __call__(self, state: EngineState) -> Floats:
        """(paths,) shares by the upper-confidence index and the period's frontier."""
        bonus = self.exploration * np.sqrt(2.0 * np.log(max(state.period, 2)) / np.maximum(state.pulls, 1.0))
        gap = state.mean + bonus - self.path[min(state.period, self.horizon - 1)]
        return np.asarray(self.weight * expit(self.slope * gap))
