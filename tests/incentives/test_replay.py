from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from creatorpool.errors import InputError
from creatorpool.incentives import (
    ContinuationEstimate,
    band_separation,
    fit_exposure,
    holdout_consistency,
    replay_continuation,
    replay_value,
    stability,
)

METHODS = ("propensity", "self-normalised", "doubly-robust")


def logged_bandit(n: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Three actions in two contexts with known click rates; the target policy's true value."""
    rng = np.random.default_rng(seed)
    rate = np.array([[0.1, 0.3, 0.5], [0.4, 0.2, 0.1]])
    logging = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    target = np.array([[0.1, 0.2, 0.7], [0.7, 0.2, 0.1]])
    context = rng.integers(0, 2, n)
    action = (rng.random(n)[:, None] > np.cumsum(logging, axis=1)[context]).sum(axis=1)
    guess = rate * 0.8 + 0.05  # a biased model
    rows = {
        "outcome": (rng.random(n) < rate[context, action]).astype(float),
        "propensity": logging[context, action],
        "target": target[context, action],
        "predicted": guess[context, action],
        "predicted_target": (target * guess).sum(axis=1)[context],
    }
    return rows, float((target * rate).sum() / 2)


@pytest.mark.parametrize("method", METHODS)
def test_replay_intervals_cover_the_truth_in_most_seeds(method: str) -> None:
    covered = []
    for seed in range(200):
        rows, truth = logged_bandit(800, seed)
        low, high = replay_value(**rows, method=method).interval  # type: ignore[arg-type]
        covered.append(low <= truth <= high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_doubly_robust_with_a_fair_model_is_the_most_precise() -> None:
    rows, _ = logged_bandit(5000, 1)
    errors = {method: replay_value(**rows, method=method).error for method in METHODS}  # type: ignore[arg-type]
    assert errors["doubly-robust"] < 0.8 * errors["propensity"]


def test_thompson_policy_of_the_open_bandit_from_random_logs_alone(open_bandit: Path) -> None:
    """Outcomes come from the random logs only; the Thompson policy contributes only its choice probabilities."""
    random = pd.read_csv(open_bandit / "men_random.csv.gz")
    thompson = pd.read_csv(open_bandit / "men_bts.csv.gz")
    shown = thompson.groupby(["position", "item_id"]).size()
    share = shown / shown.groupby("position").transform("sum")
    keys = pd.MultiIndex.from_frame(random[["position", "item_id"]])
    target = share.reindex(keys).fillna(0.0).to_numpy()
    item_rate = (random.groupby("item_id")["click"].sum() + 0.5) / (random.groupby("item_id").size() + 100)
    model = item_rate.reindex(share.index.get_level_values("item_id")).to_numpy()
    under_target = pd.Series(share.to_numpy() * model, share.index).groupby("position").sum()
    rows = {
        "outcome": random["click"],
        "propensity": random["propensity_score"],
        "target": target,
        "predicted": item_rate.reindex(random["item_id"]).to_numpy(),
        "predicted_target": under_target.reindex(random["position"]).to_numpy(),
    }
    really = thompson["click"].mean()
    assert really == pytest.approx(0.0069, abs=1e-4)
    for method in METHODS:
        estimate = replay_value(**rows, method=method)  # type: ignore[arg-type]
        low, high = estimate.interval
        assert low <= really <= high
        assert high - low < 0.01
        assert estimate.effective_size > 1000


def test_replay_with_equal_policies_is_the_plain_mean() -> None:
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    for method in ("propensity", "self-normalised"):
        found = replay_value(y, np.full(5, 0.4), np.full(5, 0.4), method=method)
        assert found.value == pytest.approx(0.6)
        assert found.effective_size == pytest.approx(5)


def test_replay_continuation_is_a_mean_on_each_side() -> None:
    found = replay_continuation([1.0, 3.0, 10.0, 14.0], [False, False, True, True])
    assert (found.g0, found.g1, found.spread) == (2.0, 12.0, 10.0)
    assert found.g1_error == pytest.approx(np.std([10, 14], ddof=1) / np.sqrt(2))
    weighted = replay_continuation([1.0, 3.0, 10.0, 14.0], [False, False, True, True], [1.0, 1.0, 3.0, 1.0])
    assert weighted.g1 == pytest.approx(11.0)


def test_fit_exposure_recovers_the_link_and_predicts_discounted_exposure() -> None:
    rng = np.random.default_rng(2)
    score = rng.normal(3.0, 2.0, 20_000)
    model = fit_exposure(score, rng.random(20_000) < 1 / (1 + np.exp(-(0.8 * score - 2.0))))
    assert model.slope == pytest.approx(0.8, abs=0.05)
    assert model.intercept == pytest.approx(-2.0, abs=0.15)
    found = model.discounted([[1.0, 2.0]], 0.5, start=1)[0]
    assert found == pytest.approx(0.5 * model.share(1.0) + 0.25 * model.share(2.0))


def test_diagnostics_distinguish_a_changed_engine_from_chance() -> None:
    before = ContinuationEstimate(2.0, 12.0, 0.1, 0.3, 0.3)
    assert stability(before, ContinuationEstimate(2.0, 12.4, 0.1, 0.3, 0.3)).is_consistent
    assert not stability(before, ContinuationEstimate(2.0, 8.0, 0.1, 0.3, 0.3)).is_consistent
    rng = np.random.default_rng(0)
    passed = rng.random(2000) < 0.4
    exposure = np.where(passed, rng.gamma(12, 1, 2000), rng.gamma(2, 1, 2000))
    assert all(check.is_consistent for check in holdout_consistency(before, 0.4, exposure, passed))
    rate, mean = holdout_consistency(before, 0.4, exposure * 1.5, passed)
    assert rate.is_consistent
    assert not mean.is_consistent


def test_band_separation_is_the_gap_in_standard_deviations() -> None:
    means, passed = [0.2, 0.4, 0.6, 0.8], [False, False, True, True]
    assert band_separation(means, passed) == pytest.approx(0.4 / np.std([0.2, 0.4], ddof=1))
    assert band_separation([0.5, 0.5, 0.5, 0.5], passed) == 0


invalid_replays = [
    (lambda: replay_value([1.0, 0.0], [0.5, 0.0], [0.5, 0.5]), r"propensity\[1\] must be > 0"),
    (lambda: replay_value([1.0, 0.0], [0.5, 0.5], [0.0, 0.0]), "takes no logged action"),
    (lambda: replay_value([1.0, 0.0], [0.5], [0.5]), "one shape"),
    (lambda: replay_value([1.0, 0.0], [0.5, 0.5], [0.5, 0.5], method="doubly-robust"), "needs predicted"),
    (lambda: replay_value([1.0, 0.0], [0.5, 0.5], [0.5, 0.5], method="best"), "method must be"),  # type: ignore[arg-type]
    (lambda: replay_continuation([1.0, 2.0, 3.0], [True, True, False]), "must fail, got 1"),
    (lambda: fit_exposure([1.0, 2.0, 3.0], [0, 1, 1]), "separates"),
    (lambda: fit_exposure([1.0, 2.0, 3.0], [1, 1, 1]), "all rows or no rows"),
    (lambda: band_separation([0.1, 0.2, 0.3], [True, False, False]), "two entrants must pass"),
]


@pytest.mark.parametrize(("call", "message"), invalid_replays)
def test_impossible_replay_is_refused_with_its_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
