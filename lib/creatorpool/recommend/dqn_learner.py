"""Training in chunks, with metrics of every episode, and checkpoints from which training continues bit-identically."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax.linen as nn
import numpy as np

from creatorpool.errors import InputError
from creatorpool.recommend.dqn_checkpoint import read_checkpoint, write_checkpoint
from creatorpool.recommend.dqn_environment import Environment
from creatorpool.recommend.dqn_program import StepMetrics, build_program
from creatorpool.recommend.dqn_settings import DQNSettings
from creatorpool.recommend.simulator_market import Floats, Integers

_BLOCK = 512
"""States per call of the compiled program: one shape is compiled for any number of states."""


@dataclass(frozen=True)
class EpisodeMetrics:
    """(e,) arrays, one entry per episode, in the order in which episodes ended."""

    transition: Integers
    """transitions of all sessions up to the episode's end"""
    returns: Floats
    """sum of the episode's rewards"""
    length: Floats
    """steps of the episode"""
    tallies: dict[str, Floats]
    """the environment's tallies, by name"""
    epsilon: Floats
    """exploration rate at the episode's end"""
    loss: Floats
    """loss of the update in the last step; NaN before the first update"""


class DQNLearner:
    """A deep Q-network on any environment.

    Parameters
    ----------
    environment : Environment
        Environment of the training.
    world : nested arrays
        Argument of the environment's functions.
    network : flax.linen.Module
        Maps (n, features) to (n, actions) values; with (n,) actions as a second argument, to their (n,) values.
    settings : DQNSettings
        Settings of learning.
    seed : int
        Seed of weights, exploration, episodes and batches. The same seed on the same machine gives the same agent.
    """

    def __init__(
        self, environment: Environment, world: Any, network: nn.Module, settings: DQNSettings, seed: int = 0
    ) -> None:
        self.environment, self.settings, self.seed = environment, settings, seed
        self._program, self._world = build_program(environment, network, settings), world
        self._state = self._program.begin(world, seed)
        self._metrics: list[np.ndarray] = []

    @property
    def transitions(self) -> int:
        """Steps of all sessions so far."""
        return int(self._state.memory.added)

    @property
    def weights(self) -> Any:
        """Weights of the online network."""
        return self._state.weights

    def train(self, transitions: int) -> EpisodeMetrics:
        """Learn from at least `transitions` more, in whole chunks; return the metrics of the episodes that ended.

        Raises
        ------
        InputError
            If transitions is below 1.
        """
        if transitions < 1:
            raise InputError(f"transitions must be >= 1, got {transitions}")
        goal, known = self.transitions + transitions, len(self._metrics)
        while self.transitions < goal:
            before = self.transitions
            self._state, found = self._program.run(self._world, self._state)
            self._metrics.append(self._ended(found, before))
        return self._as_metrics(self._metrics[known:])

    @property
    def metrics(self) -> EpisodeMetrics:
        """Metrics of all episodes."""
        return self._as_metrics(self._metrics)

    def values(self, rows: Floats) -> Floats:
        """(n, actions) Q-values of (n, features) states."""
        n = rows.shape[0]
        padded = np.zeros((-(-n // _BLOCK) * _BLOCK, rows.shape[1]), np.float32)
        padded[:n] = rows
        blocks = [
            np.asarray(self._program.values(self._state.weights, padded[at : at + _BLOCK]))
            for at in range(0, padded.shape[0], _BLOCK)
        ]
        return np.concatenate(blocks)[:n].astype(np.float64)

    def save(self, path: Path, about: dict[str, Any] | None = None) -> None:
        """Write everything that training needs to continue to one file; `restore` needs the same `about`."""
        metrics = np.concatenate(self._metrics) if self._metrics else np.empty((0, self._columns))
        write_checkpoint(path, self._about(about), (self._state, metrics))

    def restore(self, path: Path, about: dict[str, Any] | None = None) -> None:
        """Continue from a checkpoint of a learner with the same settings and seed.

        Raises
        ------
        InputError
            If the file is not a checkpoint, or one of another learner; the message names the difference.
        """
        like = (self._state, np.empty((0, self._columns)))
        self._state, metrics = read_checkpoint(path, self._about(about), like)
        self._metrics = [np.asarray(metrics)]

    def _about(self, about: dict[str, Any] | None) -> dict[str, Any]:
        return {"settings": vars(self.settings), "seed": self.seed, **(about or {})}

    @property
    def _columns(self) -> int:
        return 5 + len(self.environment.tallies)

    def _ended(self, found: StepMetrics, before: int) -> np.ndarray:
        """(e, columns): transition, return, length, tallies…, epsilon, loss of the episodes that ended in a chunk."""
        step, session = np.nonzero(np.asarray(found.ended))
        tallies = np.asarray(found.tallies)[step, session].astype(np.float64)
        count = before + (step + 1.0) * self.settings.sessions
        tail = [np.asarray(values)[step].astype(np.float64) for values in (found.epsilon, found.loss)]
        return np.column_stack([count, tallies, *tail])

    def _as_metrics(self, parts: list[np.ndarray]) -> EpisodeMetrics:
        rows = np.concatenate([np.empty((0, self._columns)), *parts])
        names = self.environment.tallies
        return EpisodeMetrics(
            transition=rows[:, 0].astype(np.int64),
            returns=rows[:, 1],
            length=rows[:, 2],
            tallies={name: rows[:, 3 + at] for at, name in enumerate(names)},
            epsilon=rows[:, -2],
            loss=rows[:, -1],
        )
