"""Replay memory on the device: a ring buffer of transitions from which batches are drawn (formulas §5.4)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Transitions(NamedTuple):
    """(n, …) arrays of transitions."""

    state: jax.Array
    """(n, f)"""
    action: jax.Array
    reward: jax.Array
    following: jax.Array
    """(n, f) next state; without meaning where `done`"""
    done: jax.Array
    """whether the episode ended with the transition"""


class ReplayMemory(NamedTuple):
    """A ring buffer of the latest transitions."""

    rows: Transitions
    """(capacity, …)"""
    added: jax.Array
    """number of transitions added so far"""


def empty_memory(capacity: int, features: int) -> ReplayMemory:
    """A ring buffer without transitions."""
    rows = Transitions(
        state=jnp.zeros((capacity, features), jnp.float32),
        action=jnp.zeros(capacity, jnp.int32),
        reward=jnp.zeros(capacity, jnp.float32),
        following=jnp.zeros((capacity, features), jnp.float32),
        done=jnp.zeros(capacity, jnp.bool_),
    )
    return ReplayMemory(rows, jnp.zeros((), jnp.int32))


def remember(memory: ReplayMemory, new: Transitions) -> ReplayMemory:
    """Replace the oldest transitions by (n, …) new ones; the capacity must be a multiple of n."""
    capacity, n = memory.rows.action.shape[0], new.action.shape[0]
    at = memory.added % capacity

    def write(old: jax.Array, values: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice_in_dim(old, values.astype(old.dtype), at, 0)

    return ReplayMemory(Transitions(*map(write, memory.rows, new)), memory.added + n)


def sample(memory: ReplayMemory, key: jax.Array, size: int) -> Transitions:
    """Draw `size` transitions uniformly, with replacement."""
    held = jnp.minimum(memory.added, memory.rows.action.shape[0])
    at = jax.random.randint(key, (size,), 0, jnp.maximum(held, 1))
    return Transitions(*(column[at] for column in memory.rows))
