"""Environments on which the agent learns: parallel episodes, as pure functions that compile with the learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from creatorpool.recommend.observation import observe
from creatorpool.recommend.simulator_market import Market
from creatorpool.recommend.simulator_parameters import LEFT, LIKED, REWARDS, SKIPPED, SimulatorParameters
from creatorpool.recommend.simulator_sessions import AnswerDraws, Session, Slate, SlateDraws, answer, begin, offer
from creatorpool.recommend.state_vector import StateLayout, state_vector


class StepResult(NamedTuple):
    """Result of one step of n episodes."""

    state: Any
    """state of the environment; episodes that ended have restarted"""
    reward: jax.Array
    done: jax.Array
    tallies: jax.Array
    """(n, m) increments of the environment's `tallies`"""


class Environment(Protocol):
    """Episodes that restart when they end; hashable, so that equal environments share one compiled program.

    `world`, any nested arrays, holds what may differ between environments that share the program. Every function gets
    it as an argument.
    """

    def __hash__(self) -> int:
        """Equal for environments with the same behaviour."""
        ...

    @property
    def actions(self) -> int:
        """Number of actions in each state."""
        ...

    @property
    def features(self) -> int:
        """Length of a state's row."""
        ...

    @property
    def tallies(self) -> tuple[str, ...]:
        """Names of the quantities that `step` counts."""
        ...

    def start(self, world: Any, key: jax.Array, episodes: int) -> Any:
        """State of `episodes` new episodes."""
        ...

    def rows(self, world: Any, state: Any) -> jax.Array:
        """(n, features) rows that the agent sees."""
        ...

    def step(self, world: Any, state: Any, action: jax.Array, key: jax.Array) -> StepResult:
        """Take (n,) actions."""
        ...


@dataclass(frozen=True)
class SessionEnvironment:
    """Sessions, by the same functions that `SessionSimulator` runs on numpy; the world is a market."""

    parameters: SimulatorParameters

    @property
    def layout(self) -> StateLayout:
        """Layout of the state vectors."""
        return StateLayout(len(self.parameters.categories), self.parameters.candidates)

    @property
    def actions(self) -> int:
        """Number of candidates."""
        return self.parameters.candidates

    @property
    def features(self) -> int:
        """Length of a state vector."""
        return self.layout.size

    @property
    def tallies(self) -> tuple[str, ...]:
        """Quantities that are counted over a session."""
        return ("skips", "likes", "minutes")

    def start(self, world: Market, key: jax.Array, episodes: int) -> tuple[Session, Slate]:
        """New sessions of viewers drawn at random."""
        of_viewers, of_slates = jax.random.split(key)
        session = self._new_sessions(jax.random.uniform(of_viewers, (episodes, 2)))
        return session, self._offer(world, session, of_slates)

    def rows(self, world: Market, state: tuple[Session, Slate]) -> jax.Array:
        """(n, features) state vectors."""
        session, slate = state
        found: jax.Array = state_vector(jnp, observe(world, session, slate))
        return found

    def step(self, world: Market, state: tuple[Session, Slate], action: jax.Array, key: jax.Array) -> StepResult:
        """Show the candidates at (n,) ranks; answers, and the next slates."""
        session, slate = state
        of_answers, of_slates = jax.random.split(key)
        uniforms = jax.random.uniform(of_answers, (action.shape[0], len(AnswerDraws._fields) + 2))
        video = jnp.take_along_axis(slate.video, action[:, None], axis=1)[:, 0]
        after, outcome, seconds = answer(jnp, self.parameters, world, session, video, AnswerDraws(*uniforms[:, 2:].T))
        done = outcome == LEFT
        fresh = self._new_sessions(uniforms[:, :2])
        session = Session(*(jnp.where(done, new, old) for new, old in zip(fresh, after, strict=True)))
        tallies = jnp.stack([outcome == SKIPPED, outcome == LIKED, seconds / 60.0], axis=1).astype(jnp.float32)
        return StepResult(
            (session, self._offer(world, session, of_slates)), jnp.asarray(REWARDS)[outcome], done, tallies
        )

    def world(self, market: Market) -> Market:
        """The market as arrays on the device."""
        return Market(*(jnp.asarray(part) for part in market))

    def _new_sessions(self, uniforms: jax.Array) -> Session:
        viewer = jnp.minimum((uniforms[:, 0] * self.parameters.viewers).astype(int), self.parameters.viewers - 1)
        return begin(jnp, viewer, (uniforms[:, 1] < 0.5).astype(int))

    def _offer(self, world: Market, session: Session, key: jax.Array) -> Slate:
        of_choice, of_noise = jax.random.split(key)
        shape = (session.viewer.shape[0], self.parameters.candidates)
        source, category, video = jax.random.uniform(of_choice, (3, *shape))
        draws = SlateDraws(source, category, video, jax.random.normal(of_noise, shape))
        return offer(jnp, self.parameters, world, session, draws)
