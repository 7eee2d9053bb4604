from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from creatorpool.errors import InputError
from creatorpool.recommend import (
    LEFT,
    LIKED,
    REWARDS,
    SKIPPED,
    FinalScorePolicy,
    Observation,
    PopularityPolicy,
    RandomPolicy,
    RankBandit,
    SessionSimulator,
    SimulatorParameters,
)
from creatorpool.recommend.simulator import drawn_action
from creatorpool.recommend.simulator_sessions import (
    AnswerDraws,
    Session,
    answer,
    expected_rewards,
    leave_odds,
    watch_odds,
)

SMALL = SimulatorParameters(videos=200, viewers=400)
FLAT = replace(
    SMALL,
    mood=0.0,
    interest=0.0,
    region=0.0,
    match=0.0,
    appeal=0.0,
    fatigue=0.0,
    leave=-2.0,
    leave_irritation=0.0,
    leave_minutes=0.0,
    leave_ages=(0.0, 0.0, 0.0),
    length_spread=0.0,
)
"""A market in which answers do not depend on viewers or videos, so that moments have closed forms."""


def within(values: np.ndarray, expected: float, deviations: float = 4.0) -> bool:
    return bool(abs(values.mean() - expected) < deviations * values.std(ddof=1) / np.sqrt(values.size))


def test_sessions_of_a_flat_market_have_the_moments_of_their_closed_forms() -> None:
    log = SessionSimulator(FLAT).play(RandomPolicy(), 20_000, seed=3)
    leave, watch, like = expit(-2.0), expit(FLAT.base), expit(FLAT.like + FLAT.like_slope * FLAT.base)
    assert within(log.lengths, 1 / leave)
    assert log.lengths.var() == pytest.approx((1 - leave) / leave**2, rel=0.05)
    stayed = log.outcome != LEFT
    assert within((log.outcome[stayed] == SKIPPED) * 1.0, 1 - watch)
    assert within((log.outcome[stayed] == LIKED) * 1.0, watch * like)
    reward = watch * (1 - like) * 1.0 + watch * like * 2.0 + (1 - watch) * -2.0
    assert within(log.returns, (1 / leave - 1) * reward - 0.5)
    seen = FLAT.length_seconds * (FLAT.complete + (1 - FLAT.complete) / 2)
    assert within(log.seconds[stayed & (log.outcome != SKIPPED)], seen)
    assert set(log.seconds[log.outcome == SKIPPED]) == {FLAT.skip_seconds}
    np.testing.assert_array_equal(log.reward, np.array(REWARDS)[log.outcome])


def test_interests_follow_the_region_and_predictions_their_accuracy() -> None:
    market = SessionSimulator(replace(SMALL, viewers=20_000)).market
    own = market.region_category[market.region]
    c, tilt = len(SMALL.categories), SMALL.region_tilt
    first = tilt / (tilt + c - 1)
    assert within((market.interests == own[:, None]).any(axis=1) * 1.0, first + (1 - first) * tilt / (tilt + c - 2))
    assert (market.interests[:, 0] != market.interests[:, 1]).all()
    right = SMALL.interest_accuracy + (1 - SMALL.interest_accuracy) / c
    assert within((market.predicted == market.interests).reshape(-1) * 1.0, right)


def test_answers_follow_the_formula_worked_out_viewer_by_viewer() -> None:
    """The vectorised log-odds against plain arithmetic."""
    market, p, rng = SessionSimulator(SMALL).market, SMALL, np.random.default_rng(1)
    n = 300
    session = Session(
        viewer=rng.integers(0, p.viewers, n),
        mood=rng.integers(0, 2, n),
        irritation=rng.normal(size=n),
        run=rng.integers(1, 6, n),
        minutes=rng.random(n) * 9,
        videos=rng.integers(0, 9, n),
        skips=rng.integers(0, 4, n),
        last_category=rng.integers(-1, 8, n),
        last_outcome=rng.integers(-1, 3, n),
    )
    video = rng.integers(0, p.videos, n)
    found, left = watch_odds(np, p, market, session, video[:, None])[:, 0], leave_odds(np, p, market, session)
    for i in range(n):
        u, v = int(session.viewer[i]), int(video[i])
        mood, other = (int(market.interests[u, m]) for m in (session.mood[i], 1 - session.mood[i]))
        category = int(market.category[v])
        taste = p.categories.index(("tech", "animals", "food")[market.region[u]])
        effect = {mood: p.mood, other: p.interest}.get(category, p.region if category == taste else 0.0)
        match = sum(market.taste[u, d] * market.style[v, d] for d in range(p.taste_dimensions))
        tired = min(int(session.run[i]), 3) if category == session.last_category[i] else 0
        odds = p.base + effect + p.match * match + p.appeal * market.appeal[v] - p.fatigue * tired
        assert found[i] == pytest.approx(odds, abs=1e-12)
        leave = p.leave + 0.8 * session.irritation[i] + 0.08 * session.minutes[i] + (-0.3, 0.0, 0.3)[market.age[u]]
        assert left[i] == pytest.approx(leave, abs=1e-12)


def test_expected_rewards_are_the_means_of_answers() -> None:
    simulator = SessionSimulator(SMALL)
    p, market, rng = simulator.parameters, simulator.market, np.random.default_rng(0)
    n, times = 8, 40_000
    one = list(simulator.steps(RandomPolicy(), 40, seed=1))[4]
    session = Session(*(part[:n] for part in one.before))
    video = one.observation.slate.video[:n]
    expected = expected_rewards(np, p, market, session, video)[:, 2]
    many = Session(*(np.tile(part, times) for part in session))
    draws = AnswerDraws(*rng.random((5, n * times)))
    _, outcome, _ = answer(np, p, market, many, np.tile(video[:, 2], times), draws)
    rewards = np.array(REWARDS)[outcome].reshape(times, n)
    assert all(within(rewards[:, i], expected[i]) for i in range(n))
    at_the_end = session._replace(videos=np.full(n, p.max_videos - 1))
    np.testing.assert_array_equal(expected_rewards(np, p, market, at_the_end, video), -0.5)


def test_observations_of_a_session_agree_with_its_log() -> None:
    """Each observation agrees with the log of the steps before it."""
    simulator = SessionSimulator(SMALL)
    steps = list(simulator.steps(RandomPolicy(), 200, seed=2))
    log = simulator.play(RandomPolicy(), 200, seed=2)
    for session in (0, 7, 199):
        rows = log.session == session
        assert log.outcome[rows][-1] == LEFT
        assert (log.outcome[rows][:-1] != LEFT).all()
        np.testing.assert_array_equal(log.step[rows], np.arange(rows.sum()))
        for number in range(1, int(rows.sum())):
            step = steps[number]
            at = int(np.flatnonzero(step.session == session)[0])
            seen: Observation = step.observation
            assert seen.videos[at] == number
            assert seen.skips[at] == (log.outcome[rows][:number] == SKIPPED).sum()
            assert seen.last_category[at] == log.category[rows][number - 1]
            assert seen.last_outcome[at] == log.outcome[rows][number - 1]
            assert seen.minutes[at] == pytest.approx(log.seconds[rows][:number].sum() / 60)
            assert (np.diff(seen.slate.score[at]) <= 0).all()


def test_the_same_seed_gives_the_same_log_and_all_policies_the_same_draws() -> None:
    simulator = SessionSimulator(SMALL, seed=4)
    one, two = (SessionSimulator(SMALL, seed=4).play(RandomPolicy(), 300, seed=1) for _ in range(2))
    for name in ("session", "video", "action", "outcome", "seconds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    score = simulator.play(FinalScorePolicy(), 300, seed=1)
    np.testing.assert_array_equal(one.viewer[one.step == 0], score.viewer[score.step == 0])
    assert not np.array_equal(one.video[one.step == 0], simulator.play(RandomPolicy(), 300, seed=2).video[:300])
    first = next(simulator.steps(RandomPolicy(), 300, seed=1)).observation.slate.video
    np.testing.assert_array_equal(first, next(simulator.steps(FinalScorePolicy(), 300, seed=1)).observation.slate.video)


def test_better_predicted_interests_make_a_better_final_score() -> None:
    simulator = SessionSimulator(SMALL, seed=4)
    known = SessionSimulator(SMALL, seed=4, predicted=simulator.market.interests)
    wrong = SessionSimulator(SMALL, seed=4, predicted=np.roll(simulator.market.interests, 1, axis=0))
    returns = [each.play(FinalScorePolicy(), 2000).returns.mean() for each in (known, simulator, wrong)]
    assert returns[0] > returns[1] > returns[2] + 2
    np.testing.assert_array_equal(known.market.interests, simulator.market.interests)


def test_sessions_end_at_the_longest_length() -> None:
    stays = replace(FLAT, leave=-30.0, max_videos=7)
    assert set(SessionSimulator(stays).play(RandomPolicy(), 50).lengths) == {7}


def test_measured_rates_of_videos_follow_their_appeal() -> None:
    market = SessionSimulator(SimulatorParameters()).market
    rate = market.alpha / (market.alpha + market.beta)
    assert np.corrcoef(market.appeal, rate)[0, 1] > 0.7
    assert market.popularity.mean() == pytest.approx(0, abs=1e-9)
    assert (market.count > 0).all()
    for c, (first, count) in enumerate(zip(market.first, market.count, strict=True)):
        assert (market.category[first : first + count] == c).all()


def test_policies_choose_by_their_definitions() -> None:
    simulator = SessionSimulator(SMALL)
    seen = next(simulator.steps(RandomPolicy(), 100)).observation
    rows = np.arange(100)
    np.testing.assert_array_equal(RandomPolicy().probabilities(seen), np.full((100, 10), 0.1))
    chosen = PopularityPolicy().probabilities(seen)
    np.testing.assert_array_equal(seen.slate.popularity[rows, chosen.argmax(axis=1)], seen.slate.popularity.max(axis=1))
    assert (FinalScorePolicy().probabilities(seen)[:, 0] == 1).all()
    only_interest = FinalScorePolicy((0.0, 0.0, 1.0)).probabilities(seen).argmax(axis=1)
    np.testing.assert_array_equal(seen.slate.is_interest[rows, only_interest], seen.slate.is_interest.max(axis=1))


def test_the_bandit_learns_the_best_rank() -> None:
    bandit, rng = RankBandit(3, 0.2), np.random.default_rng(0)
    means = np.array([0.1, 0.6, 0.3])
    seen = next(SessionSimulator(replace(SMALL, candidates=3)).steps(RandomPolicy(), 50)).observation
    for _ in range(100):
        action, _chance = drawn_action(bandit.probabilities(seen), rng.random(50))
        bandit.learn(action, means[action] + rng.normal(size=50))
    np.testing.assert_allclose(bandit.values, means, atol=0.15)
    np.testing.assert_allclose(bandit.probabilities(seen)[0], [0.2 / 3, 0.8 + 0.2 / 3, 0.2 / 3])


def test_actions_are_drawn_with_their_probabilities() -> None:
    chances = np.tile([0.0, 0.25, 0.75, 0.0], (40_000, 1))
    action, propensity = drawn_action(chances, np.random.default_rng(0).random(40_000))
    assert set(action) == {1, 2}
    assert (action == 2).mean() == pytest.approx(0.75, abs=4 * math.sqrt(0.1875 / 40_000))
    np.testing.assert_array_equal(propensity, np.where(action == 2, 0.75, 0.25))


class Broken:
    """A policy whose values are not probabilities."""

    def probabilities(self, observation: Observation) -> np.ndarray:
        return np.full(observation.slate.score.shape, 0.2)


invalid = [
    (lambda: SimulatorParameters(candidates=0), "candidates must be >= 1, got 0"),
    (lambda: SimulatorParameters(complete=1.5), r"complete must lie in \[0, 1\], got 1.5"),
    (lambda: SimulatorParameters(base=math.nan), "base must be finite"),
    (lambda: SimulatorParameters(region_tilt=0.0), "region_tilt must be > 0"),
    (lambda: SimulatorParameters(categories=("tech", "food")), "animals"),
    (lambda: SimulatorParameters(videos=3), "videos must be >= 8"),
    (lambda: SimulatorParameters(leave_ages=(0.0,)), "leave_ages must hold 3"),
    (lambda: SimulatorParameters(prior=(0.0, 1.0)), "prior"),
    (lambda: SessionSimulator(SMALL).play(RandomPolicy(), 0), "sessions must be >= 1"),
    (lambda: SessionSimulator(SMALL).play(Broken(), 5), "sum to 1"),
    (lambda: SessionSimulator(SMALL).play(RandomPolicy(), 2, viewers=[0, 400]), "positions from 0 to 399"),
    (lambda: SessionSimulator(SMALL).play(RandomPolicy(), 2, viewers=[0.5, 1]), "must hold 2 whole numbers"),
    (lambda: SessionSimulator(SMALL, predicted=[[0, 1]]), "two per viewer"),
    (lambda: SessionSimulator(SMALL, predicted=np.full((400, 2), 8)), "predicted must hold positions from 0 to 7"),
    (lambda: RankBandit(3, 1.5), "epsilon"),
]


@pytest.mark.parametrize(("call", "message"), invalid)
def test_impossible_markets_and_plays_are_refused_with_their_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
