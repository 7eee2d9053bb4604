"""Evaluation on held-out data: measures by hand, interests on simulated logs, candidates on real logs."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from tests.checkout import project_root

from creatorpool.errors import InputError
from creatorpool.recommend import CategoryCounts, hits, recalls, score_interests, split_by_history

TOOL = runpy.run_path(str(project_root() / "tools" / "evaluate_recommendation.py"))


def test_hits_are_relevant_items_among_the_candidates() -> None:
    relevant = sparse.csr_matrix([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])

    assert hits([[2, 1, 0], [3, -1, -1], [0, 1, 2]], relevant).tolist() == [2, 0, 0]
    with pytest.raises(InputError, match="same users"):
        hits([[1]], relevant)


def test_recall_is_pooled_and_differences_are_paired() -> None:
    rng = np.random.default_rng(0)
    relevant = rng.integers(0, 5, 400)
    first = rng.binomial(relevant, 0.2)
    found = recalls({"first": first, "same": first, "all": relevant}, relevant, draws=500, seed=1)

    assert found["first"].value == first.sum() / relevant.sum()
    assert found["first"].low < found["first"].value < found["first"].high
    assert (found["all"].low, found["all"].high) == (1.0, 1.0)
    assert (found["same − first"].low, found["same − first"].high) == (0.0, 0.0)
    assert found["all − first"].low > 0.6
    with pytest.raises(InputError, match="recall is undefined"):
        recalls({"first": first}, np.zeros(400, dtype=int), draws=5, seed=1)


def test_intervals_cover_the_truth_at_about_their_nominal_rate() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        relevant = rng.integers(1, 5, 300)
        found = recalls({"any": rng.binomial(relevant, 0.2)}, relevant, draws=300, seed=1)["any"]
        covered += found.low <= 0.2 <= found.high
    assert 180 <= covered <= 198


def test_scores_by_hand() -> None:
    # Two regions, each with one user with a long history and one without; category 0 has the most responses.
    seen = np.array([[90, 90, 90], [0, 0, 0], [90, 90, 90], [0, 0, 0]])
    responded = np.array([[80, 10, 20], [0, 0, 0], [30, 20, 60], [0, 0, 0]])
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], dtype=bool)
    later = CategoryCounts(np.eye(4, 3, dtype=int), np.eye(4, 3, dtype=int))
    history = CategoryCounts(seen, responded)
    groups = split_by_history(history, (1,))

    found = score_interests(history, later, [0, 0, 1, 1], truth, groups)

    assert {name: users.tolist() for name, users in groups.items()} == {
        "0": [False, True, False, True],
        "1 or more": [True, False, True, False],
    }
    assert [found["1 or more"][way].found for way in ("popularity", "user")] == [0.5, 1.0]
    assert found["0"]["user"] == found["0"]["region"]  # a user without history has the region's rates
    assert found["1 or more"]["popularity"].log_loss == pytest.approx(-np.log([110 / 180, 80 / 180]).mean())


def test_interests_of_simulated_viewers_are_found_better_than_by_region_or_popularity() -> None:
    found = TOOL["simulated_interests"](8_000, seed=3)

    _, everybody = found["all"]
    assert everybody["popularity"].found < everybody["region"].found - 0.03
    assert everybody["region"].found < everybody["user"].found - 0.05
    assert everybody["user"].log_loss < everybody["region"].log_loss < everybody["popularity"].log_loss
    viewers, new = found["0"]
    assert viewers > 500
    assert new["user"] == new["region"]
    # A longer history gives better predictions.
    shares = [found[group][1]["user"].found for group in ("0", "1 to 9", "10 to 29", "30 to 99")]
    assert shares == sorted(shares)
    assert shares[-1] > 0.5


def test_candidates_predict_the_next_days_long_views_on_real_logs(
    kuairand: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = TOOL["held_out_log"](kuairand, 1)
    viewers, views, rows = TOOL["held_out_candidates"](log, seed=1)

    best = rows["similarity, 2 common viewers"]
    with capsys.disabled():
        shares = f"{best.value:.2%} by similarity, {rows['most viewed'].value:.2%} by views"
        print(f"\nKuaiRand: foreseen of {views} held-out long views: {shares}")
    assert (viewers, views) == (328, 833)
    assert not log.relevant.multiply(log.matrix.T).nnz  # seen items are not relevant
    assert rows["similarity, 2 common viewers − most viewed"].low > 0
    assert rows["final score, 2 common viewers − most viewed"].low > 0
    # Neighbours that share only one viewer displace better ones.
    assert rows["similarity, plain cosine"].value < best.value
