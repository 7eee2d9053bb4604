"""Ranking policies without a network, with which the learning agent is compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatorpool.errors import InputError
from creatorpool.recommend.observation import Observation
from creatorpool.recommend.simulator_market import Array, Floats, Integers


class RandomPolicy:
    """Shows every candidate with the same probability."""

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities 1/r."""
        n, r = observation.slate.score.shape
        return np.full((n, r), 1.0 / r)


class PopularityPolicy:
    """Shows the candidate with the most views."""

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities: 1 at the most viewed candidate."""
        return one_hot_of_largest(observation.slate.popularity)


@dataclass(frozen=True)
class FinalScorePolicy:
    """Shows the candidate with the best final score."""

    weights: tuple[float, float, float] | None = None
    """w1, w2, w3 of similarity, views and interest; by default the slate's final score is used"""

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities: 1 at the best final score."""
        slate = observation.slate
        if self.weights is None:
            return one_hot_of_largest(slate.score)
        w1, w2, w3 = self.weights
        return one_hot_of_largest(w1 * slate.similarity + w2 * slate.popularity + w3 * slate.is_interest)


class RankBandit:
    """ε-greedy bandit over candidate ranks: it learns one mean reward per rank and sees nothing else.

    Raises
    ------
    InputError
        If candidates is below 1 or epsilon outside [0, 1].
    """

    def __init__(self, candidates: int, epsilon: float) -> None:
        if candidates < 1 or not 0 <= epsilon <= 1:
            raise InputError(f"a bandit needs candidates >= 1 and epsilon in [0, 1], got {candidates} and {epsilon}")
        self.epsilon = epsilon
        self.total, self.count = np.zeros(candidates), np.zeros(candidates)

    @property
    def values(self) -> Floats:
        """(r,) mean reward of each rank; inf for a rank that was never tried."""
        means: Floats = np.divide(self.total, self.count, out=np.full(self.total.size, np.inf), where=self.count > 0)
        return means

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities: 1 − ε at the best rank, plus ε spread evenly over all ranks."""
        n, r = observation.slate.score.shape
        row = np.full(r, self.epsilon / r)
        row[int(np.argmax(self.values))] += 1.0 - self.epsilon
        return np.broadcast_to(row, (n, r))

    def learn(self, action: Integers, reward: Floats) -> None:
        """Learn from (n,) shown ranks and their (n,) rewards."""
        self.total += np.bincount(action, reward, self.total.size)
        self.count += np.bincount(action, minlength=self.total.size)


class ThompsonPolicy:
    """Thompson sampling by video: shows the candidate with the largest draw from its success posterior.

    The probabilities are the shares of wins in `draws` draws, which are new for each state. Given the draws they are
    exact, so that logs of this policy can be replayed.

    Raises
    ------
    InputError
        If draws is below 1.
    """

    def __init__(self, draws: int = 32, seed: int = 0) -> None:
        if draws < 1:
            raise InputError(f"draws must be >= 1, got {draws}")
        self.draws, self._rng = draws, np.random.default_rng(seed)

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) shares of the draws in which each candidate is best."""
        slate = observation.slate
        drawn = self._rng.beta(slate.alpha, slate.beta, (self.draws, *slate.alpha.shape))
        best = drawn.argmax(axis=2)
        return np.asarray((best[:, :, None] == np.arange(slate.alpha.shape[1])).mean(axis=0))


@dataclass(frozen=True)
class UcbPolicy:
    """Shows the candidate with the largest mean + c √(2 log t / pulls); t: all pulls of the slate (formulas §3.11)."""

    exploration: float = 0.1
    """c"""

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities: 1 at the largest index."""
        alpha, beta = observation.slate.alpha, observation.slate.beta
        pulls = alpha + beta
        bonus = self.exploration * np.sqrt(2.0 * np.log(pulls.sum(axis=1, keepdims=True)) / pulls)
        return one_hot_of_largest(alpha / pulls + bonus)


def one_hot_of_largest(values: Array) -> Floats:
    """(n, r) array of 0 and 1; the 1 is at the first largest value of each row."""
    chosen = np.zeros(np.shape(values))
    np.put_along_axis(chosen, np.argmax(values, axis=1)[:, None], 1.0, axis=1)
    return chosen
