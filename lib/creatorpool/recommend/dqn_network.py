"""Networks from a state to the values of its r candidates, or, given an action, to that action's value."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from creatorpool.recommend.dqn_settings import DQNSettings, Features
from creatorpool.recommend.simulator_parameters import AGES, OUTCOMES, REGION_TASTES
from creatorpool.recommend.state_vector import CONTEXT, PARTS, StateLayout

_MINUTES = 10.0
"""Scale of a session's minutes, so that the input is near 1."""


class Perceptron(nn.Module):
    """Dense layers with ReLU between them; usable as a network if a state's row needs no further encoding."""

    hidden: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """Map (…, f) to (…, outputs), or, given (n,) actions, to their (n,) outputs."""
        for width in self.hidden:
            x = nn.relu(nn.Dense(width)(x))
        found: jax.Array = nn.Dense(self.outputs)(x)
        return found if action is None else values_of_actions(found, action)


class JointNetwork(nn.Module):
    """One network from the whole state to r values, as in the source (formulas §5.4)."""

    layout: StateLayout
    features: Features
    hidden: Sequence[int]

    @nn.compact
    def __call__(self, rows: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """Map (n, size) state vectors to (n, r) values, or, given (n,) actions, to their (n,) values."""
        context, candidates = network_inputs(self.layout, self.features, rows)
        flat = jnp.concatenate([context, candidates.reshape(rows.shape[0], -1)], axis=1)
        values: jax.Array = Perceptron(self.hidden, self.layout.candidates)(flat, action)
        return values


class SharedNetwork(nn.Module):
    """One network that values one candidate at a time, so that all ranks share what it learns.

    Nothing is lost: the next slate does not depend on the candidates that were not shown.
    """

    layout: StateLayout
    features: Features
    hidden: Sequence[int]

    @nn.compact
    def __call__(self, rows: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """Map (n, size) state vectors to (n, r) values, or, given (n,) actions, to their (n,) values."""
        context, candidates = network_inputs(self.layout, self.features, rows)
        if action is not None:  # learning needs one candidate of each state only
            candidates = jnp.take_along_axis(candidates, action[:, None, None], axis=1)
        shape = (*candidates.shape[:2], context.shape[1])
        each = jnp.concatenate([jnp.broadcast_to(context[:, None, :], shape), candidates], axis=2)
        values: jax.Array = Perceptron(self.hidden, 1)(each)[:, :, 0]
        return values if action is None else values[:, 0]


def values_of_actions(values: jax.Array, action: jax.Array) -> jax.Array:
    """(n,) values of (n,) actions, from (n, a) values."""
    return jnp.take_along_axis(values, action[:, None], axis=1)[:, 0]


def session_network(layout: StateLayout, settings: DQNSettings) -> nn.Module:
    """The network that `settings.network` names."""
    kind = JointNetwork if settings.network == "joint" else SharedNetwork
    return kind(layout, settings.features, settings.hidden)


def network_inputs(layout: StateLayout, features: Features, rows: jax.Array) -> tuple[jax.Array, jax.Array]:
    """State vectors as (n, c) context and (n, r, k) candidates: numbers scaled, categories one-hot."""
    n, names = rows.shape[0], layout.categories
    minutes, videos, skips, last, outcome, first, second, region, age = rows[:, :CONTEXT].T
    context = [
        jnp.stack([minutes / _MINUTES, jnp.log1p(videos), jnp.log1p(skips)], axis=1),
        _indicators(last, names),  # −1, before the first video, gives all zeros
        _indicators(outcome, len(OUTCOMES) - 1),  # there is no state after `left`
        jnp.maximum(_indicators(first, names), _indicators(second, names)),
        _indicators(region, len(REGION_TASTES)),
        _indicators(age, len(AGES)),
    ]
    parts = rows[:, CONTEXT:].reshape(n, PARTS, layout.candidates).transpose(0, 2, 1)
    if features == "scores":
        return jnp.concatenate(context, axis=1), parts[:, :, :1]
    category = parts[:, :, PARTS - 1]
    again = (category == last[:, None]).astype(rows.dtype)[:, :, None]
    candidates = jnp.concatenate([parts[:, :, : PARTS - 1], again, _indicators(category, names)], axis=2)
    return jnp.concatenate(context, axis=1), candidates


def _indicators(values: jax.Array, size: int) -> jax.Array:
    return jax.nn.one_hot(values.astype(jnp.int32), size)
