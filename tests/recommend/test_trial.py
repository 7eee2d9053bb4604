from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from creatorpool.errors import InputError
from creatorpool.recommend import DQNSettings, FinalScorePolicy, SessionSimulator, SimulatorParameters
from creatorpool.recommend.trial import Trial, TrialPlan, as_row, run_trial, standings, tuned_weights, values_of

# As in test_dqn.py: equal environments and settings share one compiled program.
PARAMETERS = SimulatorParameters(videos=300, viewers=500, candidates=5)
SETTINGS = DQNSettings(
    hidden=(32,), sessions=32, memory=8192, warm_up=512, batch=128, epsilon_transitions=20_000, learning_rate=3e-3
)


@pytest.fixture(scope="module")
def trial() -> Trial:
    plan = TrialPlan(
        parameters=PARAMETERS,
        agents={"agent": SETTINGS},
        transitions=30_000,
        evaluations=2,
        sessions=1500,
        curve_sessions=300,
        tuned_weights=(1.0, 0.1, 0.5),
    )
    return run_trial(plan, seed=4)


@pytest.mark.slow
def test_a_trial_evaluates_the_agent_and_every_peer(trial: Trial) -> None:
    assert list(trial.scores) == [
        "random",
        "popularity",
        "UCB by video",
        "Thompson by video",
        "bandit over ranks",
        "final score",
        "final score, tuned",
        "agent",
    ]
    returns = {name: scores["returns"] for name, scores in trial.scores.items()}
    assert min(returns, key=returns.__getitem__) == "random"
    assert returns["agent"] > max(value for name, value in returns.items() if name != "agent")
    for scores in trial.scores.values():
        # The rewards of a session, computed from its rates.
        stayed = scores["videos"] - 1
        expected = stayed * (1 - scores["skip_rate"] + scores["like_rate"] - 2 * scores["skip_rate"]) - 0.5
        assert scores["returns"] == pytest.approx(expected)


def test_the_curve_begins_before_training_and_ends_after_it(trial: Trial) -> None:
    curve = trial.curves["agent"]
    assert curve["transitions"][0] == 0
    assert curve["transitions"][1] >= 15_000
    assert curve["transitions"][2] >= 30_000
    assert curve["returns"][2] > curve["returns"][0]


def test_values_are_saved_and_loaded_by_policy(trial: Trial) -> None:
    rows = [as_row(trial), as_row(trial)]
    np.testing.assert_array_equal(values_of(rows, "returns")["random"], [trial.scores["random"]["returns"]] * 2)


def test_standings_are_paired_t_intervals() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 3, 12)
    one, two = 1 + luck + rng.normal(0, 0.2, 12), luck + rng.normal(0, 0.2, 12)
    first, second = standings({"one": one, "two": two}, "one")
    of_two = ttest_1samp(two, 0).confidence_interval()
    assert (second.mean - second.half_width, second.mean + second.half_width) == pytest.approx(
        (of_two.low, of_two.high)
    )
    lead = ttest_rel(one, two).confidence_interval()
    assert (second.lead - second.lead_half_width, second.lead + second.lead_half_width) == pytest.approx(
        (lead.low, lead.high)
    )
    assert second.champion_wins == (one > two).sum()
    assert (first.lead, first.lead_half_width, first.champion_wins) == (0, 0, 0)


def test_standings_need_the_same_seeds_and_a_known_champion() -> None:
    with pytest.raises(InputError, match=r"champion must be one of \['a'\], got 'b'"):
        standings({"a": [1.0, 2.0]}, "b")
    with pytest.raises(InputError, match="the same seeds"):
        standings({"a": [1.0, 2.0], "b": [1.0]}, "a")


def test_tuned_weights_are_the_best_of_the_grid_on_their_market() -> None:
    found = tuned_weights(PARAMETERS, 5, 300)
    simulator = SessionSimulator(PARAMETERS, 5)
    best = simulator.play(FinalScorePolicy(found), 300).returns.mean()
    for weights in ((1.0, 0.0, 0.0), (1.0, 0.3, 1.0), (1.0, 0.2, 0.5)):
        assert simulator.play(FinalScorePolicy(weights), 300).returns.mean() <= best
