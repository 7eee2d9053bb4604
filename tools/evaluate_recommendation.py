"""Evaluates interests on simulated logs with known interests, and candidates on held-out long views of real logs.

    python tools/evaluate_recommendation.py                                  # simulated interests
    python tools/evaluate_recommendation.py --data ../shared/data/kuairand   # and the KuaiRand cut

Interests: viewers of a simulated market have random sessions with random candidates, which are the history. One more
session of each viewer is held out. Candidates are computed from the log without its last days, and compared with the
long views of these last days, of videos that the viewer had not seen before; likes, follows and shares count as likes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import sparse

from creatorpool.recommend import (
    OUTCOMES,
    Catalogue,
    CategoryCounts,
    InterestScore,
    RandomPolicy,
    Recall,
    ScoreWeights,
    SessionLog,
    SessionSimulator,
    SimulatorParameters,
    category_counts,
    hits,
    interaction_matrix,
    rank_candidates,
    recalls,
    score_interests,
    split_by_history,
    top_similar,
)

EDGES = (1, 10, 30, 100)
CANDIDATES, POOL, NEIGHBOURS = 20, 100, 50
VIEW_WEIGHT = 0.01
"""w2 for a log in which a popular video has a hundred views"""

RANKERS: dict[str, tuple[int, ScoreWeights]] = {
    "most viewed": (1, ScoreWeights(0.0, 1.0, 0.0)),
    "similarity, plain cosine": (1, ScoreWeights(1.0, 0.0, 0.0)),
    "similarity, 2 common viewers": (2, ScoreWeights(1.0, 0.0, 0.0)),
    "final score, plain cosine": (1, ScoreWeights(1.0, VIEW_WEIGHT, 0.0)),
    "final score, 2 common viewers": (2, ScoreWeights(1.0, VIEW_WEIGHT, 0.0)),
}
"""By name: `min_common_viewers` and the weights"""


@dataclass(frozen=True)
class HeldOutLog:
    """Scores (items, users) and views (items,) of a log, and later long views (users, items) of items new to users."""

    matrix: sparse.csr_matrix
    views: np.ndarray
    relevant: sparse.csr_matrix


def main() -> None:
    """Print the table of interests, and with `--data` the tables of candidates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20_000, help="of the simulated history, by 5,000 viewers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder of KuaiRand's logs")
    arguments = parser.parse_args()
    out = Console(width=110)
    out.print(interest_table(arguments.sessions, simulated_interests(arguments.sessions, arguments.seed)))
    if arguments.data:
        for days in (1, 2, 3):
            out.print(candidate_table(days, held_out_candidates(held_out_log(arguments.data, days), arguments.seed)))


def simulated_interests(sessions: int, seed: int) -> dict[str, tuple[int, dict[str, InterestScore]]]:
    """By group of viewers with equally long histories: their number, and the scores of three predictions."""
    # The shown videos must not depend on the viewers' interests.
    simulator = SessionSimulator(SimulatorParameters(interest_share=0.0), seed=seed)
    market, parameters = simulator.market, simulator.parameters
    viewers = np.arange(parameters.viewers)
    history = _counts(simulator, simulator.play(RandomPolicy(), sessions, seed=seed + 1))
    later = _counts(simulator, simulator.play(RandomPolicy(), viewers.size, seed=seed + 2, viewers=viewers))
    truth = np.zeros(history.seen.shape, dtype=bool)
    np.put_along_axis(truth, np.asarray(market.interests), True, axis=1)
    groups = {name: users for name, users in split_by_history(history, EDGES).items() if users.any()}
    groups["all"] = np.ones(viewers.size, dtype=bool)
    found = score_interests(history, later, np.asarray(market.region), truth, groups)
    return {name: (int(users.sum()), found[name]) for name, users in groups.items()}


def _counts(simulator: SessionSimulator, log: SessionLog) -> CategoryCounts:
    category = np.asarray(simulator.market.category)
    items, users = category.size, simulator.parameters.viewers
    member = sparse.csr_matrix((np.ones(items), (np.arange(items), category)))
    matrix = interaction_matrix(log.video, log.viewer, np.array(OUTCOMES)[log.outcome], shape=(items, users))
    return category_counts(matrix.T, member)


def held_out_log(folder: Path, days: int) -> HeldOutLog:
    """The log in `folder` with its last `days` days held out, restricted to viewers and videos that occur before."""
    log = pd.concat([pd.read_csv(path, sep="\t") for path in sorted(folder.glob("events_*.tsv*"))])
    log["length"] = log.groupby("video_id")["duration_ms"].transform("max")
    last = sorted(log["date"].unique())[-days:]
    before, after = log[~log["date"].isin(last)], log[log["date"].isin(last) & (log["long_view"] == 1)]
    users, items = (pd.Index(sorted(before[name].unique())) for name in ("user_id", "video_id"))
    is_liked = (before["is_follow"] + before["is_forward"] + before.get("is_like", 0)).to_numpy() > 0
    rules = (is_liked, before["play_time_ms"] >= 0.5 * before["length"], before["play_time_ms"] < 3000)
    shape = (items.size, users.size)
    place = items.get_indexer(before["video_id"])
    matrix = interaction_matrix(
        place,
        users.get_indexer(before["user_id"]),
        np.select(rules, ("liked", "watched", "skipped"), "other"),
        shape=shape,
    )
    after = after[after["user_id"].isin(users) & after["video_id"].isin(items)]
    wanted = np.zeros(shape[::-1], dtype=bool)
    wanted[users.get_indexer(after["user_id"]), items.get_indexer(after["video_id"])] = True
    seen = matrix.tocoo()
    wanted[seen.col, seen.row] = False
    return HeldOutLog(matrix, np.bincount(place, minlength=items.size), sparse.csr_matrix(wanted))


def held_out_candidates(log: HeldOutLog, seed: int) -> tuple[int, int, dict[str, Recall]]:
    """Number of viewers with long views, number of these views, and the recall of each ranker."""
    items, users = log.matrix.shape
    catalogue = Catalogue(log.views, np.ones(items, dtype=bool), sparse.csr_matrix((items, 1)))
    nothing = np.zeros((users, 1), dtype=bool)  # the log has no categories
    neighbours = {least: top_similar(log.matrix, NEIGHBOURS, min_common=least) for least in (1, 2)}
    found = {
        name: hits(
            rank_candidates(
                log.matrix.T, neighbours[least], catalogue, nothing, weights, limit=CANDIDATES, pool=POOL
            ).item,
            log.relevant,
        )
        for name, (least, weights) in RANKERS.items()
    }
    relevant = np.diff(log.relevant.indptr)
    return int((relevant > 0).sum()), int(relevant.sum()), recalls(found, relevant, draws=2000, seed=seed)


def interest_table(sessions: int, found: dict[str, tuple[int, dict[str, InterestScore]]]) -> Table:
    """Both measures of the three predictions, one row per group of viewers."""
    table = Table(title=f"Interests predicted from {sessions:,} simulated sessions of random candidates")
    ways = ("popularity", "region", "user")
    heads = (*(f"found: {way}" for way in ways), *(f"log loss: {way}" for way in ways))
    for name in ("videos seen", "viewers", *heads):
        table.add_column(name, justify="right")
    for group, (viewers, scores) in found.items():
        shares = (f"{scores[way].found:.1%}" for way in ways)
        losses = (f"{scores[way].log_loss:.4f}" for way in ways)
        table.add_row(group, f"{viewers:,}", *shares, *losses)
    return table


def candidate_table(days: int, found: tuple[int, int, dict[str, Recall]]) -> Table:
    """Recall of each ranker, and its difference from the most viewed."""
    viewers, views, rows = found
    first = list(RANKERS)
    table = Table(title=f"Last {days} day(s): {views:,} long views of {viewers} viewers, among {CANDIDATES} candidates")
    for name in ("candidates by", "recall", "difference from most viewed"):
        table.add_column(name)
    for name in first:
        against = rows.get(f"{name} − {first[0]}")
        table.add_row(name, _cell(rows[name]), _cell(against, "+") if against else "")
    return table


def _cell(found: Recall, sign: str = "") -> str:
    return f"{found.value:{sign}.2%} [{found.low:{sign}.2%}, {found.high:{sign}.2%}]"


if __name__ == "__main__":
    main()
