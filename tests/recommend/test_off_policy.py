from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.recommend import (
    FinalScorePolicy,
    RandomPolicy,
    RankBandit,
    SessionSimulator,
    SimulatorParameters,
)
from creatorpool.recommend.off_policy import (
    METHODS,
    LoggedChoices,
    cross_fitted_rates,
    evaluate_policy,
    softmax_chances,
)
from creatorpool.recommend.simulator_sessions import expected_rewards


def by_definition(
    logged: list[tuple[int, Fraction, Fraction]], chances: list[list[Fraction]], predicted: list[list[Fraction]]
) -> dict[str, Fraction | float]:
    """Three estimators, row by row in fractions: Horvitz–Thompson, Hájek, and that of Dudík, Langford and Li (2011)."""
    weight = [chances[i][a] / p for i, (a, _, p) in enumerate(logged)]
    n = len(logged)
    plain = sum(w * y for w, (_, y, _) in zip(weight, logged, strict=True)) / n
    model = sum(sum(c * g for c, g in zip(chances[i], predicted[i], strict=True)) for i in range(n)) / n
    correction = sum(w * (y - predicted[i][a]) for i, (w, (a, y, _)) in enumerate(zip(weight, logged, strict=True))) / n
    return {
        "propensity": plain,
        "self-normalised": plain * n / sum(weight),
        "doubly-robust": model + correction,
    }


@given(st.integers(0, 10_000))
def test_values_are_those_of_the_definitions_in_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, actions = int(rng.integers(2, 12)), int(rng.integers(2, 5))
    logged = [
        (int(rng.integers(actions)), Fraction(int(rng.integers(-4, 5)), 2), Fraction(int(rng.integers(1, 9)), 8))
        for _ in range(n)
    ]
    raw = rng.integers(1, 9, (n, actions))
    chances = [[Fraction(int(c), int(row.sum())) for c in row] for row in raw]
    predicted = [[Fraction(int(g), 4) for g in row] for row in rng.integers(-8, 9, (n, actions))]
    expected = by_definition(logged, chances, predicted)
    action, reward, propensity = (np.array([float(row[at]) for row in logged]) for at in range(3))
    choices = LoggedChoices(action.astype(np.int64), reward, propensity, actions)
    found = evaluate_policy(choices, np.array(chances, dtype=float), np.array(predicted, dtype=float))
    assert tuple(found) == METHODS
    for method, value in expected.items():
        assert found[method].value == pytest.approx(float(value), rel=1e-12, abs=1e-12)  # type: ignore[index]


def test_values_from_logs_of_one_policy_cover_the_exact_values_of_others() -> None:
    """Estimates for the final score and a softmax policy from random logs, against the exact means in their states."""
    simulator = SessionSimulator(SimulatorParameters(videos=300, viewers=500, candidates=5), seed=3)
    covered: dict[str, list[bool]] = {method: [] for method in METHODS}
    for seed in range(40):
        step = next(simulator.steps(RandomPolicy(), 1500, seed=seed))
        logged = LoggedChoices(step.action, step.reward, step.propensity, 5)
        truth = expected_rewards(np, simulator.parameters, simulator.market, step.before, step.observation.slate.video)
        for chances in (
            FinalScorePolicy().probabilities(step.observation),
            softmax_chances(step.observation.slate.score, 1.0),
        ):
            exact = float((chances * truth).sum(axis=1).mean())
            found = evaluate_policy(logged, chances, cross_fitted_rates(logged, strength=20.0))
            for method in METHODS:
                low, high = found[method].interval
                covered[method].append(low <= exact <= high)
    for hits in covered.values():
        assert np.mean(hits) >= 0.9


def test_the_thompson_policy_of_the_open_bandit_from_random_logs_alone(open_bandit: Path) -> None:
    """Both ways: random logs estimate the Thompson policy's click rate, and Thompson logs the random policy's."""
    logs = {name: pd.read_csv(open_bandit / f"men_{name}.csv.gz") for name in ("random", "bts")}
    items = 34
    assert all(log["item_id"].max() < items for log in logs.values())
    for one, other in (("random", "bts"), ("bts", "random")):
        log, shown = logs[one], logs[other].groupby(["position", "item_id"]).size().unstack(fill_value=0)
        share = shown.reindex(columns=range(items), fill_value=0).to_numpy(dtype=float)
        position = log["position"].to_numpy() - 1
        chances = (share / share.sum(axis=1, keepdims=True))[position]
        shown_item, click, propensity = (log[name].to_numpy() for name in ("item_id", "click", "propensity_score"))
        logged = LoggedChoices(shown_item, click, propensity, items)
        found = evaluate_policy(logged, chances, cross_fitted_rates(logged, position))
        really = logs[other]["click"].mean()
        for method in METHODS:
            low, high = found[method].interval
            # The other policy's own click rate is known only within its own interval.
            slack = 1.96 * math.sqrt(really / len(logs[other]))
            assert low - slack <= really <= high + slack, (one, method)


def test_no_row_is_used_to_predict_itself() -> None:
    rng = np.random.default_rng(1)
    action = rng.integers(0, 3, 600)
    logged = LoggedChoices(action, np.zeros(600), np.full(600, 1 / 3), 3)
    spike = np.zeros(600)
    spike[17] = 1000.0
    changed = LoggedChoices(action, spike, np.full(600, 1 / 3), 3)
    before, after = cross_fitted_rates(logged), cross_fitted_rates(changed)
    np.testing.assert_array_equal(before[17], after[17])
    assert (after != before).any(axis=1).mean() == pytest.approx(0.8, abs=0.01)


def test_rates_are_shrunk_means_of_item_and_context() -> None:
    action, context = np.array([0, 0, 1, 1, 0, 1]), np.array([0, 1, 0, 1, 0, 0])
    logged = LoggedChoices(action, np.array([1.0, 0.0, 3.0, 1.0, 2.0, 2.0]), np.full(6, 0.5), 2)
    found = cross_fitted_rates(logged, context, folds=6, strength=2.0)  # each row is left out once
    # Row 5 (item 1, context 0) without itself: mean of all 7/5, item 1 (4 + 2·1.4)/4 = 1.7, cell (3 + 2·1.7)/3.
    assert found[5, 1] == pytest.approx(6.4 / 3)
    # Item 0 there: item (3 + 2·1.4)/5 = 1.16, cell (3 + 2·1.16)/4.
    assert found[5, 0] == pytest.approx(5.32 / 4)


def test_policies_of_logged_sessions_have_their_logged_propensities() -> None:
    simulator = SessionSimulator(SimulatorParameters(videos=300, viewers=500, candidates=5))
    bandit = RankBandit(5, 0.4)
    bandit.learn(np.array([0, 1, 2, 3, 4]), np.array([0.0, 0.0, 1.0, 0.0, 0.0]))
    log = simulator.play(bandit, 2000)
    np.testing.assert_allclose(log.propensity, np.where(log.action == 2, 0.68, 0.08))
    assert (log.action == 2).mean() == pytest.approx(0.68, abs=0.02)


two = LoggedChoices(np.array([0, 1]), np.array([1.0, 0.0]), np.array([0.5, 0.5]), 2)
invalid = [
    (
        lambda: LoggedChoices(np.array([0, 2]), np.zeros(2), np.ones(2), 2),
        "action must be below the number of actions, 2, got 2",
    ),
    (lambda: LoggedChoices(np.array([0, 1]), np.zeros(3), np.ones(2), 2), "one shape"),
    (lambda: evaluate_policy(two, [[0.5, 0.5]]), r"chances must have shape \(2, 2\)"),
    (lambda: evaluate_policy(two, [[0.5, 0.4], [0.5, 0.5]]), "sum to 1"),
    (lambda: evaluate_policy(LoggedChoices(two.action, two.reward, np.array([0.0, 1.0]), 2), np.eye(2)), "must be > 0"),
    (lambda: cross_fitted_rates(two, folds=3), "folds"),
    (lambda: cross_fitted_rates(two, [0]), "context must have the shape"),
    (lambda: softmax_chances([1.0, 2.0], 0.0), "temperature"),
]


@pytest.mark.parametrize(("call", "message"), invalid)
def test_impossible_logs_are_refused_with_their_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
