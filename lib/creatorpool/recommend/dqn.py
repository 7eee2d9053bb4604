"""The learning agent: a deep Q-network that chooses the next video (formulas §5.4, S2 (3.4), (3.5))."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from creatorpool.errors import InputError
from creatorpool.recommend.dqn_environment import SessionEnvironment
from creatorpool.recommend.dqn_learner import DQNLearner, EpisodeMetrics
from creatorpool.recommend.dqn_network import session_network
from creatorpool.recommend.dqn_settings import DQNSettings
from creatorpool.recommend.observation import Observation
from creatorpool.recommend.policies import one_hot_of_largest
from creatorpool.recommend.simulator import SessionSimulator
from creatorpool.recommend.simulator_market import Floats
from creatorpool.recommend.state_vector import state_vector


class DQNAgent:
    """Learns on a simulated market which candidate to show; as a policy it is greedy.

    Parameters
    ----------
    simulator : SessionSimulator
        Market on which the agent learns.
    settings : DQNSettings, optional
        State, exploration and learning.
    seed : int
        The same seed on the same machine gives the same agent.

    Examples
    --------
    >>> simulator = SessionSimulator(seed=1)
    >>> agent = DQNAgent(simulator)
    >>> metrics = agent.train(80_000)
    >>> simulator.play(agent, 4000).returns.mean()
    """

    def __init__(self, simulator: SessionSimulator, settings: DQNSettings | None = None, seed: int = 0) -> None:
        self.simulator, self.settings = simulator, settings or DQNSettings()
        environment = SessionEnvironment(simulator.parameters)
        self.layout = environment.layout
        network = session_network(environment.layout, self.settings)
        self._learner = DQNLearner(environment, environment.world(simulator.market), network, self.settings, seed)

    @property
    def transitions(self) -> int:
        """Videos shown in training so far."""
        return self._learner.transitions

    @property
    def metrics(self) -> EpisodeMetrics:
        """Metrics of all training sessions; the tallies are skips, likes and minutes."""
        return self._learner.metrics

    def train(self, transitions: int) -> EpisodeMetrics:
        """Learn from at least `transitions` more shown videos, >= 1; return the metrics of the sessions that ended."""
        return self._learner.train(transitions)

    def values(self, observation: Observation) -> Floats:
        """(n, r) Q-values of the candidates.

        Raises
        ------
        InputError
            If slates have another number of candidates than in training.
        """
        rows = state_vector(np, observation)
        if rows.shape[1] != self.layout.size:
            shown = observation.slate.score.shape[1]
            raise InputError(f"the agent learned on slates of {self.layout.candidates} candidates, got {shown}")
        return self._learner.values(rows)

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) chances: 1 at the candidate with the largest value."""
        return one_hot_of_largest(self.values(observation))

    def save(self, path: Path | str) -> None:
        """Write a checkpoint, including replay memory and open sessions."""
        self._learner.save(Path(path), self._about())

    def restore(self, path: Path | str) -> None:
        """Continue from a checkpoint of an agent with the same settings, seed and market; results are bit-identical.

        Raises
        ------
        InputError
            If the file is not a checkpoint, or one of another agent; the message names the difference.
        """
        self._learner.restore(Path(path), self._about())

    def _about(self) -> dict[str, object]:
        predicted = np.ascontiguousarray(self.simulator.market.predicted, dtype=np.int64)
        return {
            "market": asdict(self.simulator.parameters),
            "market_seed": self.simulator.seed,
            "predicted_interests": hashlib.sha256(predicted.tobytes()).hexdigest(),
        }
