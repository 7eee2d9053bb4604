"""The learner against problems with known solutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.recommend import DQNSettings
from creatorpool.recommend.dqn_environment import StepResult
from creatorpool.recommend.dqn_learner import DQNLearner
from creatorpool.recommend.dqn_network import Perceptron
from creatorpool.recommend.dqn_program import epsilon_greedy, exploration, squared_error
from creatorpool.recommend.replay_memory import Transitions, empty_memory, remember, sample

STATES, ACTIONS = 5, 3


@dataclass(frozen=True)
class Chain:
    """A Markov decision process with known transitions; its world is (transition (s, a, s + 1), reward (s, a)).

    The last column of the transitions is the end. Episodes begin in state 0.
    """

    actions = ACTIONS
    features = STATES
    tallies = ()

    def start(self, world: Any, key: jax.Array, episodes: int) -> jax.Array:
        return jnp.zeros(episodes, jnp.int32)

    def rows(self, world: Any, state: jax.Array) -> jax.Array:
        return jax.nn.one_hot(state, STATES)

    def step(self, world: Any, state: jax.Array, action: jax.Array, key: jax.Array) -> StepResult:
        transition, reward = world
        following = jax.random.categorical(key, jnp.log(transition[state, action]))
        done = following == STATES
        moved = jnp.where(done, 0, following)
        return StepResult(moved, reward[state, action], done, jnp.zeros((state.shape[0], 0)))


def decision_process(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.full(STATES + 1, 0.5), (STATES, ACTIONS))
    return transition, rng.normal(size=(STATES, ACTIONS))


def optimal_values(transition: np.ndarray, reward: np.ndarray, discount: float) -> np.ndarray:
    """Q* by value iteration (formulas §5); the end is worth 0."""
    values = np.zeros((STATES, ACTIONS))
    for _ in range(2000):
        values = reward + discount * transition[:, :, :STATES] @ values.max(axis=1)
    return values


@pytest.mark.slow
@pytest.mark.parametrize("double", [False, True])
def test_the_learner_finds_the_optimal_values_of_a_known_decision_process(double: bool) -> None:
    transition, reward = decision_process(3)
    expected = optimal_values(transition, reward, 0.9)
    myopic = optimal_values(transition, reward, 0.0)
    assert (expected.argmax(axis=1) != myopic.argmax(axis=1)).any()  # the future matters here
    settings = DQNSettings(
        discount=0.9,
        double=double,
        sessions=64,
        memory=25_600,
        batch=512,
        warm_up=2048,
        target_every=50,
        learning_rate=3e-3,
        epsilon_end=0.5,
        epsilon_transitions=50_000,
        chunk=100,
    )
    world = (jnp.asarray(transition, jnp.float32), jnp.asarray(reward, jnp.float32))
    learner = DQNLearner(Chain(), world, Perceptron((), ACTIONS), settings, seed=0)
    learner.train(200_000)
    found = learner.values(np.eye(STATES))
    np.testing.assert_allclose(found, expected, atol=0.15)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    with pytest.raises(InputError, match="transitions must be >= 1"):
        learner.train(0)


def test_the_error_is_that_of_the_bellman_equation_worked_out_by_hand() -> None:
    """Linear values, two transitions; the second one ends."""
    network = Perceptron((), 2)
    weights = _linear([[1.0, 2.0], [3.0, 1.0]])
    target = _linear([[5.0, 4.0], [0.0, 7.0]])
    batch = Transitions(
        state=jnp.eye(2),
        action=jnp.array([0, 1]),
        reward=jnp.array([1.0, -2.0]),
        following=jnp.array([[1.0, 1.0], [0.0, 1.0]]),
        done=jnp.array([False, True]),
    )
    plain, double = DQNSettings(discount=0.5), DQNSettings(discount=0.5, double=True)
    # Next state (1, 1): online values (4, 3), target values (5, 11). Found: Q(s1, 0) = 1 and Q(s2, 1) = 1.
    assert squared_error(network, plain, weights, target, batch) == pytest.approx(((1 + 5.5 - 1) ** 2 + 9) / 2)
    assert squared_error(network, double, weights, target, batch) == pytest.approx(((1 + 2.5 - 1) ** 2 + 9) / 2)


def _linear(kernel: list[list[float]]) -> Any:
    return {"params": {"Dense_0": {"kernel": jnp.array(kernel), "bias": jnp.zeros(2)}}}


def test_memory_keeps_the_latest_transitions_and_draws_them_uniformly() -> None:
    memory, put, draw = empty_memory(12, 1), jax.jit(remember), jax.jit(sample, static_argnums=2)
    for number in range(5):
        values = jnp.arange(4) + 4.0 * number
        memory = put(
            memory,
            Transitions(values[:, None], values.astype(int), values, values[:, None] + 1, values.astype(int) % 2 == 0),
        )
        if number == 1:
            drawn = draw(memory, jax.random.PRNGKey(0), 4000)
            assert set(np.asarray(drawn.action).tolist()) == set(range(8))
    assert set(np.asarray(memory.rows.action).tolist()) == set(range(8, 20))
    drawn = draw(memory, jax.random.PRNGKey(0), 24_000)
    counts = np.bincount(np.asarray(drawn.action), minlength=20)[8:]
    assert (np.abs(counts - 2000) < 5 * np.sqrt(2000)).all()
    np.testing.assert_array_equal(drawn.following[:, 0], drawn.state[:, 0] + 1)
    np.testing.assert_array_equal(drawn.reward, drawn.action)
    np.testing.assert_array_equal(drawn.done, drawn.action % 2 == 0)


def test_exploration_falls_linearly_and_then_stays_constant() -> None:
    settings = DQNSettings(epsilon_start=0.9, epsilon_end=0.1, epsilon_transitions=1000)
    found = [float(exploration(settings, jnp.asarray(count))) for count in (0, 500, 1000, 9000)]
    assert found == pytest.approx([0.9, 0.5, 0.1, 0.1])


def test_epsilon_greedy_takes_the_best_except_for_its_share() -> None:
    values = jnp.tile(jnp.array([0.0, 2.0, 1.0]), (30_000, 1))
    action = np.asarray(epsilon_greedy(values, jnp.asarray(0.3), jax.random.PRNGKey(1)))
    np.testing.assert_allclose(np.bincount(action) / action.size, [0.1, 0.8, 0.1], atol=0.01)
