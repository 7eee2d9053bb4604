"""Environment, replay memory and learner as one compiled program (formulas §5.4).

References
----------
Mnih et al., Human-level control through deep reinforcement learning (Nature 2015), algorithm 1. Van Hasselt, Guez and
Silver, Deep reinforcement learning with double Q-learning (AAAI 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from creatorpool.recommend.dqn_environment import Environment
from creatorpool.recommend.dqn_network import values_of_actions
from creatorpool.recommend.dqn_settings import DQNSettings
from creatorpool.recommend.replay_memory import ReplayMemory, Transitions, empty_memory, remember, sample

Weights = Any
"""The nested arrays of a flax network or an optax optimiser."""


class TrainingState(NamedTuple):
    """Everything that training keeps between steps."""

    weights: Weights
    target: Weights
    optimiser: Weights
    memory: ReplayMemory
    environment: Any
    rows: jax.Array
    """(sessions, f) the agent's current states"""
    tallies: jax.Array
    """(sessions, 2 + m) return, length and the environment's tallies of the running episodes"""
    key: jax.Array
    updates: jax.Array


class StepMetrics(NamedTuple):
    """Metrics of each step of a chunk; arrays are (chunk, …)."""

    ended: jax.Array
    """(…, sessions) whether the episode ended"""
    tallies: jax.Array
    """(…, sessions, 2 + m) tallies of the episode so far"""
    loss: jax.Array
    """mean squared error of the update; NaN before the first update"""
    epsilon: jax.Array


class Program(NamedTuple):
    """The compiled functions of one environment, network and settings."""

    begin: Callable[[Any, int], TrainingState]
    """initial state from a world and a seed"""
    run: Callable[[Any, TrainingState], tuple[TrainingState, StepMetrics]]
    """runs a chunk of steps in a world; the given state must not be used afterwards"""
    values: Callable[[Weights, ArrayLike], jax.Array]
    """(n, actions) values from weights and (n, f) rows"""


@lru_cache(maxsize=16)
def build_program(environment: Environment, network: nn.Module, settings: DQNSettings) -> Program:
    """The program that trains `network` on `environment`; cached, because compilation takes long."""
    optimiser = optax.chain(optax.clip_by_global_norm(settings.largest_gradient), optax.adam(settings.learning_rate))

    def begin(world: Any, seed: int) -> TrainingState:
        key, of_weights, of_start = jax.random.split(jax.random.PRNGKey(seed), 3)
        start = environment.start(world, of_start, settings.sessions)
        rows = environment.rows(world, start)
        weights = network.init(of_weights, rows)
        state = TrainingState(
            weights=weights,
            target=jax.tree.map(jnp.copy, weights),
            optimiser=optimiser.init(weights),
            memory=empty_memory(settings.memory, environment.features),
            environment=start,
            rows=rows,
            tallies=jnp.zeros((settings.sessions, 2 + len(environment.tallies))),
            key=key,
            updates=jnp.zeros((), jnp.int32),
        )
        return strongly_typed(state)

    def step(world: Any, state: TrainingState) -> tuple[TrainingState, StepMetrics]:
        key, of_choice, of_step, of_batch = jax.random.split(state.key, 4)
        epsilon = exploration(settings, state.memory.added)
        action = epsilon_greedy(action_values(network, state.weights, state.rows), epsilon, of_choice)
        moved = environment.step(world, state.environment, action, of_step)
        rows = environment.rows(world, moved.state)
        memory = remember(state.memory, Transitions(state.rows, action, moved.reward, rows, moved.done))
        counted = jnp.stack([moved.reward, jnp.ones_like(moved.reward)], axis=1)
        tallies = state.tallies + jnp.concatenate([counted, moved.tallies], axis=1)
        learned, loss = learn(state._replace(memory=memory), of_batch)
        after = learned._replace(
            environment=moved.state, rows=rows, tallies=jnp.where(moved.done[:, None], 0.0, tallies), key=key
        )
        return after, StepMetrics(moved.done, tallies, loss, epsilon)

    def learn(state: TrainingState, key: jax.Array) -> tuple[TrainingState, jax.Array]:
        def update(state: TrainingState) -> tuple[TrainingState, jax.Array]:
            batch = sample(state.memory, key, settings.batch)
            loss, gradient = jax.value_and_grad(partial(squared_error, network, settings))(
                state.weights, state.target, batch
            )
            change, kept = optimiser.update(gradient, state.optimiser, state.weights)
            weights, updates = optax.apply_updates(state.weights, change), state.updates + 1
            is_due = updates % settings.target_every == 0
            target = jax.tree.map(lambda new, old: jnp.where(is_due, new, old), weights, state.target)
            return state._replace(weights=weights, target=target, optimiser=kept, updates=updates), loss

        is_ready = state.memory.added >= settings.warm_up
        learned: tuple[TrainingState, jax.Array] = jax.lax.cond(
            is_ready, update, lambda same: (same, jnp.full((), jnp.nan)), state
        )
        return learned

    def run(world: Any, state: TrainingState) -> tuple[TrainingState, StepMetrics]:
        after, found = jax.lax.scan(lambda carried, _: step(world, carried), state, None, settings.chunk)
        return strongly_typed(after), found

    return Program(jax.jit(begin), jax.jit(run, donate_argnums=1), jax.jit(partial(action_values, network)))


def strongly_typed(state: TrainingState) -> TrainingState:
    """The state with strong JAX types, as a checkpoint restores them; weak types would compile the program again."""
    typed: TrainingState = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), state)
    return typed


def exploration(settings: DQNSettings, transitions: jax.Array) -> jax.Array:
    """ε after `transitions`: linear from `epsilon_start` to `epsilon_end`, then constant."""
    part = jnp.minimum(transitions / settings.epsilon_transitions, 1.0)
    return settings.epsilon_start + part * (settings.epsilon_end - settings.epsilon_start)


def epsilon_greedy(values: jax.Array, epsilon: jax.Array, key: jax.Array) -> jax.Array:
    """(n,) actions from (n, a) values: the action with the largest value, or with probability ε a random one."""
    of_coin, of_action = jax.random.split(key)
    n, actions = values.shape
    explores = jax.random.uniform(of_coin, (n,)) < epsilon
    return jnp.where(explores, jax.random.randint(of_action, (n,), 0, actions), jnp.argmax(values, axis=1))


def squared_error(
    network: nn.Module, settings: DQNSettings, weights: Weights, target: Weights, batch: Transitions
) -> jax.Array:
    """Mean of (reward + γ max_a′ Q(s′, a′; target) − Q(s, a; weights))² (formulas §5.4, S2 (3.5))."""
    following = action_values(network, target, batch.following)
    if settings.double:
        chosen = jnp.argmax(action_values(network, weights, batch.following), axis=1)
        ahead = values_of_actions(following, chosen)
    else:
        ahead = following.max(axis=1)
    goal = batch.reward + settings.discount * jnp.where(batch.done, 0.0, ahead)
    found = action_values(network, weights, batch.state, batch.action)
    return jnp.mean((jax.lax.stop_gradient(goal) - found) ** 2)


def action_values(network: nn.Module, weights: Weights, rows: ArrayLike, action: jax.Array | None = None) -> jax.Array:
    """(n, actions) values of (n, f) rows, or, given (n,) actions, their (n,) values."""
    values: Any = network.apply(weights, rows, action)
    return jnp.asarray(values)
