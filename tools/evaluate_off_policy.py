"""Estimates the values of ranking policies from the logs of other policies (docs/recommendation.md).

    python tools/evaluate_off_policy.py ../shared/data/open-bandit

First it uses a part of the Open Bandit data, which has logs of two policies: an estimate for one policy from the logs
of the other can be compared with the policy's own logs. Then it uses sessions of the simulated market, where the exact
value of every choice is known. This part trains a DQN agent and needs the extra rl.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from creatorpool.recommend import (
    DQNAgent,
    FinalScorePolicy,
    LoggedChoices,
    RandomPolicy,
    RankingPolicy,
    SessionSimulator,
    UcbPolicy,
    cross_fitted_rates,
    evaluate_policy,
    softmax_chances,
)
from creatorpool.recommend.simulator_sessions import expected_rewards

ITEMS = 34
METHODS = ("propensity", "self-normalised", "doubly-robust")


def main(folder: Path) -> None:
    console = Console(width=130)
    console.print(open_bandit(folder))
    console.print(simulated_sessions())


def open_bandit(folder: Path) -> Table:
    """Values of each policy from the other's logs, and of a policy learned on half of the random logs from the rest."""
    logs = {name: pd.read_csv(folder / f"men_{name}.csv.gz") for name in ("random", "bts")}
    table = new_table("Click rate on the Open Bandit data, in per mille", "own logs")
    for one, other, name in (("random", "bts", "Thompson"), ("bts", "random", "random")):
        position = logs[one]["position"].to_numpy() - 1
        truth = 1000 * logs[other]["click"].mean()
        add_row(
            table, f"{name}, from the other's logs", choices(logs[one]), shares(logs[other])[position], position, truth
        )
    is_kept = np.random.default_rng(0).random(len(logs["random"])) < 0.5
    learned, kept = logs["random"][~is_kept], logs["random"][is_kept]
    rates = (np.bincount(learned["item_id"], learned["click"], ITEMS) + 100 * learned["click"].mean()) / (
        np.bincount(learned["item_id"], minlength=ITEMS) + 100
    )
    for temperature in (0.01, 0.002):
        chances = np.tile(softmax_chances(rates, temperature), (len(kept), 1))
        add_row(
            table,
            f"softmax of click rates, {temperature}",
            choices(kept),
            chances,
            kept["position"].to_numpy() - 1,
            None,
        )
    return table


def simulated_sessions() -> Table:
    """Values of policies estimated from random sessions, choice by choice, and the exact values in the same states."""
    simulator = SessionSimulator(seed=0)
    agent = DQNAgent(simulator)
    agent.train(80_000)
    steps = list(simulator.steps(RandomPolicy(), 3000, seed=9))
    table = new_table("Reward of a choice in the states of random sessions, × 1000", "exact")
    policies: dict[str, RankingPolicy] = {
        "random": RandomPolicy(),
        "UCB by video": UcbPolicy(),
        "final score": FinalScorePolicy(),
        "DQN": agent,
    }
    truth = np.concatenate(
        [
            expected_rewards(np, simulator.parameters, simulator.market, step.before, step.observation.slate.video)
            for step in steps
        ]
    )
    action, reward, propensity = (
        np.concatenate([getattr(step, name) for step in steps]) for name in ("action", "reward", "propensity")
    )
    logged = LoggedChoices(action, reward, propensity, simulator.parameters.candidates)
    for name, policy in policies.items():
        chances = np.concatenate([policy.probabilities(step.observation) for step in steps])
        add_row(table, name, logged, chances, None, 1000 * float((chances * truth).sum(axis=1).mean()))
    return table


def choices(log: pd.DataFrame) -> LoggedChoices:
    """The logged items, clicks and propensities."""
    return LoggedChoices(log["item_id"].to_numpy(), log["click"].to_numpy(), log["propensity_score"].to_numpy(), ITEMS)


def shares(log: pd.DataFrame) -> np.ndarray:
    """(positions, items) shares of the impressions at each position that showed each item."""
    shown = (
        log.groupby(["position", "item_id"]).size().unstack(fill_value=0).reindex(columns=range(ITEMS), fill_value=0)
    )
    counts = shown.to_numpy(dtype=float)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def new_table(title: str, truth: str) -> Table:
    table = Table(title=title)
    table.add_column("policy")
    for name in (*METHODS, "effective rows", truth):
        table.add_column(name, justify="right")
    return table


def add_row(
    table: Table,
    name: str,
    logged: LoggedChoices,
    chances: np.ndarray,
    context: np.ndarray | None,
    truth: float | None,
) -> None:
    """Add a row with the policy's value and 95 % interval by each method, in thousandths."""
    found = evaluate_policy(logged, chances, cross_fitted_rates(logged, context))
    cells = []
    for estimate in found.values():
        low, high = estimate.interval
        cells.append(f"{1000 * estimate.value:.1f} [{1000 * low:.1f}, {1000 * high:.1f}]")
    size = found["propensity"].effective_size
    table.add_row(name, *cells, f"{size:,.0f} of {logged.action.size:,}", "–" if truth is None else f"{truth:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/open-bandit"))
