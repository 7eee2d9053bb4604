"""Networks from a state to the values of its r candidates; given an action, to the value of that one alone."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from creatorpool.recommend.dqn_settings import DQNSettings, Features
from creatorpool.recommend.simulator_parameters import AGES, OUTCOMES, REGION_TASTES
from creatorpool.recommend.state_vector import CONTEXT, PARTS, StateLayout

_MINUTES = 10.0
"""Scale that brings a session's minutes near 1."""


class Perceptron(nn.Module):
    """Dense layers with ReLU between them; a network by itself where a state's numbers are its features."""

    hidden: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """(…, f) to (…, outputs), or to the (n,) outputs of the actions."""
        for width in self.hidden:
            x = nn.relu(nn.Dense(width)(x))
        found: jax.Array = nn.Dense(self.outputs)(x)
        return found if action is None else of_actions(found, action)


class JointNetwork(nn.Module):
    """One network from the whole state to r values, as in the source."""

    layout: StateLayout
    features: Features
    hidden: Sequence[int]

    @nn.compact
    def __call__(self, rows: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """(n, size) state vectors to (n, r) values, or to the (n,) values of the actions."""
        context, candidates = spread_out(self.layout, self.features, rows)
        flat = jnp.concatenate([context, candidates.reshape(rows.shape[0], -1)], axis=1)
        values: jax.Array = Perceptron(self.hidden, self.layout.candidates)(flat, action)
        return values


class SharedNetwork(nn.Module):
    """One network asked once for each candidate: what it learns of one rank it knows of all.

    The next slate does not depend on the candidates that were not shown, so that nothing is lost.
    """

    layout: StateLayout
    features: Features
    hidden: Sequence[int]

    @nn.compact
    def __call__(self, rows: jax.Array, action: jax.Array | None = None) -> jax.Array:
        """(n, size) state vectors to (n, r) values, or to the (n,) values of the actions."""
        context, candidates = spread_out(self.layout, self.features, rows)
        if action is not None:  # learning asks for one candidate of each state: no need to value the others
            candidates = jnp.take_along_axis(candidates, action[:, None, None], axis=1)
        shape = (*candidates.shape[:2], context.shape[1])
        each = jnp.concatenate([jnp.broadcast_to(context[:, None, :], shape), candidates], axis=2)
        values: jax.Array = Perceptron(self.hidden, 1)(each)[:, :, 0]
        return values if action is None else values[:, 0]


def of_actions(values: jax.Array, action: jax.Array) -> jax.Array:
    """(n,) values of the (n,) actions among (n, a)."""
    return jnp.take_along_axis(values, action[:, None], axis=1)[:, 0]


def session_network(layout: StateLayout, settings: DQNSettings) -> nn.Module:
    """The network that the settings name."""
    kind = JointNetwork if settings.network == "joint" else SharedNetwork
    return kind(layout, settings.features, settings.hidden)


def spread_out(layout: StateLayout, features: Features, rows: jax.Array) -> tuple[jax.Array, jax.Array]:
    """State vectors as (n, c) context and (n, r, k) candidates, scaled, categories as indicators."""
    n, names = rows.shape[0], layout.categories
    minutes, videos, skips, last, outcome, first, second, region, age = rows[:, :CONTEXT].T
    context = [
        jnp.stack([minutes / _MINUTES, jnp.log1p(videos), jnp.log1p(skips)], axis=1),
        _indicators(last, names),  # −1, nothing yet, is no indicator at all
        _indicators(outcome, len(OUTCOMES) - 1),  # nobody is seen after leaving
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
