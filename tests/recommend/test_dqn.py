from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from creatorpool import recommend
from creatorpool.errors import InputError, MissingExtraError
from creatorpool.recommend import (
    LEFT,
    SKIPPED,
    DQNSettings,
    FinalScorePolicy,
    RandomPolicy,
    SessionSimulator,
    SimulatorParameters,
)
from creatorpool.recommend.dqn import DQNAgent
from creatorpool.recommend.dqn_environment import SessionEnvironment
from creatorpool.recommend.dqn_network import network_inputs
from creatorpool.recommend.observation import observe
from creatorpool.recommend.simulator_market import Market
from creatorpool.recommend.simulator_sessions import AnswerDraws, SlateDraws, answer, begin, offer
from creatorpool.recommend.state_vector import StateLayout, state_vector

SIMULATOR = SessionSimulator(SimulatorParameters(videos=300, viewers=500, candidates=5), seed=2)
SETTINGS = DQNSettings(
    hidden=(32,), sessions=32, memory=8192, warm_up=512, batch=128, epsilon_transitions=20_000, learning_rate=3e-3
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained() -> DQNAgent:
    agent = DQNAgent(SIMULATOR, SETTINGS, seed=1)
    agent.train(60_000)
    return agent


def test_the_agent_beats_the_final_score_and_chance_after_a_short_training(trained: DQNAgent) -> None:
    returns = {
        name: SIMULATOR.play(policy, 3000, seed=7).returns
        for name, policy in (("agent", trained), ("score", FinalScorePolicy()), ("random", RandomPolicy()))
    }
    for peer in ("score", "random"):
        lead = returns["agent"] - returns[peer]
        assert lead.mean() > 4 * lead.std(ddof=1) / np.sqrt(lead.size)


def test_metrics_count_each_session_once_and_show_the_learning(trained: DQNAgent) -> None:
    found = trained.metrics
    assert found.length.sum() <= trained.transitions < found.length.sum() + 32 * SIMULATOR.parameters.max_videos
    assert (np.diff(found.transition) >= 0).all()
    stayed = found.length - 1  # the viewer leaves at the last video of a session
    watched = stayed - found.tallies["skips"] - found.tallies["likes"]
    np.testing.assert_allclose(
        found.returns, watched + 2 * found.tallies["likes"] - 2 * found.tallies["skips"] - 0.5, atol=1e-4
    )
    assert found.epsilon[0] > 0.95
    assert found.epsilon[-1] == pytest.approx(0.05)
    assert np.isfinite(found.loss[-1])
    assert found.returns[-1000:].mean() > found.returns[:500].mean() + 2


def test_training_resumed_from_a_checkpoint_equals_the_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    undisturbed = DQNAgent(SIMULATOR, SETTINGS, seed=3)
    undisturbed.train(6_400)
    undisturbed.save(tmp_path / "agent.npz")
    undisturbed.train(6_400)
    resumed = DQNAgent(SIMULATOR, SETTINGS, seed=3)
    resumed.restore(tmp_path / "agent.npz")
    assert resumed.transitions == 6_400
    resumed.train(6_400)
    run: Any = resumed._learner._program.run
    assert run._cache_size() == 1  # nothing was compiled again
    resumed.save(tmp_path / "resumed.npz")
    undisturbed.save(tmp_path / "undisturbed.npz")
    again = DQNAgent(SIMULATOR, SETTINGS, seed=3)
    again.train(12_800)
    again.save(tmp_path / "again.npz")
    expected = np.load(tmp_path / "undisturbed.npz")
    for other in ("resumed", "again"):
        found = np.load(tmp_path / f"{other}.npz")
        assert found.files == expected.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.npz",
        "agent.npz",
        "resumed.npz",
        "undisturbed.npz",
    ]


def test_a_missing_checkpoint_or_one_of_another_agent_is_refused(trained: DQNAgent, tmp_path: Path) -> None:
    path = tmp_path / "agent.npz"
    trained.save(path)
    with pytest.raises(InputError, match="seed is 1 there, 2 here"):
        DQNAgent(SIMULATOR, SETTINGS, seed=2).restore(path)
    with pytest.raises(InputError, match="market_seed is 2 there, 5 here"):
        DQNAgent(SessionSimulator(SIMULATOR.parameters, seed=5), SETTINGS, seed=1).restore(path)
    other = SessionSimulator(SIMULATOR.parameters, seed=2, predicted=SIMULATOR.market.interests)
    with pytest.raises(InputError, match="another agent: predicted_interests is"):
        DQNAgent(other, SETTINGS, seed=1).restore(path)
    with pytest.raises(InputError, match="there is no checkpoint"):
        trained.restore(tmp_path / "nowhere.npz")
    before = trained.transitions
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="is not a checkpoint, or is damaged"):
        trained.restore(path)
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InputError, match="is not a checkpoint, or is damaged"):
        trained.restore(tmp_path / "text.npz")
    assert trained.transitions == before


def test_a_session_is_the_same_on_numpy_and_on_the_device() -> None:
    """Three steps of 500 sessions with the same draws on both; float32 may change a draw at its threshold."""
    rng, p, n = np.random.default_rng(0), SIMULATOR.parameters, 500
    shape = (n, p.candidates)
    source, category, video = (rng.random(shape).astype(np.float32) for _ in range(3))
    draws = SlateDraws(source, category, video, rng.normal(size=shape))
    coins = AnswerDraws(*(rng.random(n).astype(np.float32) for _ in range(5)))
    action = (np.arange(n) % p.candidates)[:, None]

    def three_steps(xp: Any, world: Market, draws: SlateDraws, coins: AnswerDraws) -> list[Any]:
        session = begin(xp, xp.asarray(np.arange(n)), xp.asarray(np.arange(n) % 2))
        for _ in range(3):
            slate = offer(xp, p, world, session, draws)
            video = xp.take_along_axis(slate.video, xp.asarray(action), axis=1)[:, 0]
            session, outcome, seconds = answer(xp, p, world, session, video, coins)
        return [outcome, seconds, slate.score, *session]

    device = SessionEnvironment(p).world(SIMULATOR.market)
    ours = three_steps(np, SIMULATOR.market, draws, coins)
    theirs = jax.jit(partial(three_steps, jnp))(device, SlateDraws(*map(jnp.asarray, draws)), coins)
    pairs = zip(ours, theirs, strict=True)
    same = np.all([np.isclose(a, b, atol=1e-3).reshape(n, -1).all(axis=1) for a, b in pairs], axis=0)
    assert same.mean() > 0.99


def test_random_sessions_on_the_device_have_the_moments_of_those_on_numpy() -> None:
    environment, n, steps = SessionEnvironment(SIMULATOR.parameters), 2000, 60
    world = environment.world(SIMULATOR.market)

    def step(state: Any, key: jax.Array) -> tuple[Any, tuple[jax.Array, ...]]:
        of_action, of_step = jax.random.split(key)
        action = jax.random.randint(of_action, (n,), 0, environment.actions)
        moved = environment.step(world, state, action, of_step)
        return moved.state, (moved.reward, moved.done, moved.tallies)

    def played(key: jax.Array) -> tuple[jax.Array, ...]:
        found: tuple[jax.Array, ...]
        _, found = jax.lax.scan(step, environment.start(world, key, n), jax.random.split(key, steps))
        return found

    found = jax.jit(played)(jax.random.PRNGKey(1))
    reward, done, tallies = (np.asarray(part) for part in found)
    log = SIMULATOR.play(RandomPolicy(), n, seed=3)
    # On the device: the first session of each environment, within the steps. On numpy: the same part.
    first = np.cumsum(done, axis=0) - done == 0
    early = (log.step < steps).astype(np.float64)
    for ours, theirs in (
        ((reward * first).sum(axis=0), log.per_session(log.reward * early)),
        (first.sum(axis=0), log.per_session(early)),
        ((tallies[:, :, 0] * first).sum(axis=0), log.per_session((log.outcome == SKIPPED) * early)),
        ((tallies[:, :, 2] * first).sum(axis=0), log.per_session(log.seconds * early) / 60),
    ):
        assert abs(ours.mean() - theirs.mean()) < 4 * np.hypot(ours.std(), theirs.std()) / np.sqrt(n)


def test_networks_see_the_state_that_the_settings_name() -> None:
    steps = list(SIMULATOR.steps(RandomPolicy(), 50, seed=1))
    seen, layout = steps[3].observation, StateLayout(8, 5)
    rows = jnp.asarray(state_vector(np, seen))
    context, scores = (np.asarray(part) for part in network_inputs(layout, "scores", rows))
    assert context.shape == (50 - sum((step.outcome == LEFT).sum() for step in steps[:3]), 3 + 8 + 3 + 8 + 3 + 3)
    np.testing.assert_allclose(scores[:, :, 0], seen.slate.score, rtol=1e-6)
    np.testing.assert_array_equal(context[:, 3:11].argmax(axis=1), seen.last_category)
    np.testing.assert_array_equal(context[:, 11:14].argmax(axis=1), seen.last_outcome)
    _, candidates = (np.asarray(part) for part in network_inputs(layout, "candidates", rows))
    np.testing.assert_allclose(candidates[:, :, 1], seen.slate.similarity, rtol=1e-6)
    np.testing.assert_array_equal(candidates[:, :, 4], seen.slate.category == seen.last_category[:, None])
    np.testing.assert_array_equal(candidates[:, :, 5:].argmax(axis=2), seen.slate.category)
    first = np.asarray(network_inputs(layout, "scores", jnp.asarray(state_vector(np, steps[0].observation)))[0])
    assert (first[:, :14] == 0).all()


def test_the_shared_network_gives_a_candidate_the_same_value_at_every_rank(trained: DQNAgent) -> None:
    market: Market = SIMULATOR.market
    step = next(SIMULATOR.steps(RandomPolicy(), 40, seed=4))
    slate = step.observation.slate
    turned = type(slate)(*(part[:, ::-1] for part in slate))
    values = trained.values(step.observation)
    np.testing.assert_allclose(trained.values(observe(market, step.before, turned)), values[:, ::-1], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discount": 1.5}, r"discount must lie in \[0, 1\]"),
        ({"batch": 0}, "batch must be >= 1"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0"),
        ({"memory": 1000}, "multiple of sessions"),
        ({"network": "wide"}, "joint or shared"),
    ],
)
def test_impossible_settings_are_refused_with_their_rule(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DQNSettings(**change)  # type: ignore[arg-type]


def test_slates_of_another_size_are_refused(trained: DQNAgent) -> None:
    other = SessionSimulator(SimulatorParameters(videos=300, viewers=500, candidates=7))
    with pytest.raises(InputError, match="slates of 5 candidates, got 7"):
        other.play(trained, 5)


def test_without_the_extra_only_the_agent_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("creatorpool.recommend.")]:
        if "dqn" in name or "replay_memory" in name:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingExtraError, match=r"DQNAgent needs the extra rl, of which jax is missing"):
        _ = recommend.DQNAgent
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = recommend.Nothing
