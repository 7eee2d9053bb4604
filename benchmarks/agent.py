"""The learning agent: its speed against a plain loop with the same network, and its returns against its peers'.

    python benchmarks/agent.py                                   speed, and a trial of three seeds
    python benchmarks/agent.py --seeds 20 --save agent.jsonl     the table of docs/recommendation.md
    python benchmarks/agent.py --part speed

Seeds in the file are not run again. tools/draw_recommendation.py draws the curves.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from rich.console import Console
from rich.table import Table

from creatorpool.recommend import DQNSettings, SessionSimulator, SimulatorParameters
from creatorpool.recommend.dqn import DQNAgent
from creatorpool.recommend.dqn_network import session_network
from creatorpool.recommend.dqn_program import squared_error
from creatorpool.recommend.replay_memory import Transitions
from creatorpool.recommend.state_vector import StateLayout, state_vector
from creatorpool.recommend.trial import TrialPlan, as_row, run_trial, standings, tuned_weights, values_of

CHAMPION = "DQN"
SETTINGS = DQNSettings()
AGENTS = {
    CHAMPION: SETTINGS,
    "DQN, double": replace(SETTINGS, double=True),
    "DQN, γ = 0": replace(SETTINGS, discount=0.0),
    "DQN, joint network": replace(SETTINGS, network="joint"),
    "DQN, final scores only": replace(SETTINGS, features="scores"),
    "DQN, the source's": replace(SETTINGS, features="scores", network="joint"),
}
TUNED_ON = 10_000
"""Seed of the market on which final-score weights are tuned; no trial uses it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("speed", "trial"), help="one part only")
    parser.add_argument("--seeds", type=int, default=3, help="trials, seeds 0 and up")
    parser.add_argument("--save", type=Path, help="file of JSON lines, one a trial")
    parser.add_argument("--transitions", type=int, default=80_000, help="videos shown to each agent in training")
    parser.add_argument("--quick", action="store_true", help="a tenth of the training")
    options = parser.parse_args()
    part = 0.1 if options.quick else 1.0
    console = Console(width=120)
    if options.part != "trial":
        console.print(speed(part))
    if options.part != "speed":
        plan = trial_plan(int(options.transitions * part))
        console.print(standing_table(list(trials(plan, options.seeds, options.save))))
        console.print(f"tuned final score: w1, w2, w3 = {plan.tuned_weights}, on a market of its own")


def trials(plan: TrialPlan, seeds: int, save: Path | None) -> Iterator[dict[str, object]]:
    """Rows of the trials; those in the file `save` are read from it."""
    known = {}
    if save and save.exists():
        known = {row["seed"]: row for row in map(json.loads, save.read_text().splitlines())}
        for row in known.values():
            if set(row["curves"]) != set(plan.agents) or row["curves"][CHAMPION]["transitions"][-2] >= plan.transitions:
                sys.exit(f"{save} has trials of other agents or of another length: give another file")
    for seed in range(seeds):
        if seed not in known:
            known[seed] = as_row(run_trial(plan, seed))
            if save:
                with save.open("a") as file:
                    file.write(json.dumps(known[seed]) + "\n")
        yield known[seed]


def trial_plan(transitions: int) -> TrialPlan:
    """All agents learn from the same number of shown videos."""
    parameters = SimulatorParameters()
    return TrialPlan(
        parameters=parameters,
        agents=AGENTS,
        transitions=transitions,
        evaluations=8,
        sessions=4000,
        curve_sessions=1000,
        tuned_weights=tuned_weights(parameters, TUNED_ON, 4000),
    )


def standing_table(rows: list[dict[str, object]]) -> Table:
    """Mean return of a session by policy, over the seeds."""
    table = Table(title=f"Return of a session over {len(rows)} markets, 95 % intervals; leads of {CHAMPION} are paired")
    table.add_column("policy")
    for name in ("return", "lead", "beaten", "videos", "minutes", "skipped", "liked"):
        table.add_column(name, justify="right")
    measures = {name: values_of(rows, name) for name in ("videos", "minutes", "skip_rate", "like_rate")}
    for standing in standings(values_of(rows, "returns"), CHAMPION):
        own = {name: float(values[standing.name].mean()) for name, values in measures.items()}
        leads = ("–", "–")
        if standing.name != CHAMPION:
            leads = (
                f"{standing.lead:+.2f} ± {standing.lead_half_width:.2f}",
                f"{standing.champion_wins} of {len(rows)}",
            )
        table.add_row(
            standing.name,
            f"{standing.mean:.2f} ± {standing.half_width:.2f}",
            *leads,
            f"{own['videos']:.1f}",
            f"{own['minutes']:.2f}",
            f"{own['skip_rate']:.1%}",
            f"{own['like_rate']:.1%}",
        )
    return table


def speed(part: float) -> Table:
    """Videos shown per second, learning included: one update per 64 shown videos, the same network and batch."""
    simulator = SessionSimulator()
    agent = DQNAgent(simulator, SETTINGS)
    agent.train(2 * SETTINGS.warm_up)
    start = agent.transitions, time.perf_counter(), time.process_time()
    agent.train(int(100_000 * part))
    compiled = _rates(agent.transitions - start[0], start[1], start[2])
    plain = plain_loop(simulator, int(4_000 * part))
    table = Table(title="Environment steps a second while learning")
    table.add_column("what")
    for name in ("a second", "a CPU second"):
        table.add_column(name, justify="right")
    table.add_row("one compiled program, 64 sessions side by side", *(f"{rate:,.0f}" for rate in compiled))
    table.add_row("plain loop, one session, a call a step", *(f"{rate:,.0f}" for rate in plain))
    table.add_row("ratio", *(f"{ours / theirs:.0f}" for ours, theirs in zip(compiled, plain, strict=True)))
    return table


def plain_loop(simulator: SessionSimulator, steps: int) -> tuple[float, float]:
    """One video at a time: sessions in numpy, one call of the network per video, one update per 64 videos."""
    network = session_network(
        StateLayout(len(simulator.parameters.categories), simulator.parameters.candidates), SETTINGS
    )
    values = jax.jit(network.apply)
    optimiser = optax.adam(SETTINGS.learning_rate)
    rng = np.random.default_rng(0)
    memory: list[tuple[Any, ...]] = []
    rows = np.zeros((1, StateLayout(8, simulator.parameters.candidates).size), np.float32)
    weights = network.init(jax.random.PRNGKey(0), rows)
    kept, target = optimiser.init(weights), weights
    gradient_of = jax.jit(jax.grad(lambda w, t, batch: squared_error(network, SETTINGS, w, t, batch)))
    update = jax.jit(optimiser.update)

    class Greedy:
        """The ε-greedy policy on the network's values."""

        def probabilities(self, observation):  # type: ignore[no-untyped-def]
            found = np.asarray(values(weights, state_vector(np, observation)))[0]
            chances = np.full((1, found.size), 0.05 / found.size)
            chances[0, int(found.argmax())] += 0.95
            return chances

    policy, done, number, start = Greedy(), 0, 0, (0.0, 0.0)
    warm_up = SETTINGS.batch
    while done < steps + warm_up:
        before = None
        for step in simulator.steps(policy, 1, seed=number):
            row = state_vector(np, step.observation)[0]
            if before is not None:
                memory.append((*before, row, False))
            before = (row, int(step.action[0]), float(step.reward[0]))
            done += 1
            if len(memory) >= warm_up and done % SETTINGS.sessions == 0:
                batch = [memory[at] for at in rng.integers(0, len(memory), SETTINGS.batch)]
                drawn = Transitions._make(np.array(column) for column in zip(*batch, strict=True))
                change, kept = update(gradient_of(weights, target, drawn), kept, weights)
                weights = optax.apply_updates(weights, change)
            if done == warm_up + SETTINGS.sessions:
                start = time.perf_counter(), time.process_time()
        if before is not None:
            memory.append((*before, np.zeros_like(before[0]), True))
        number += 1
    return _rates(done - warm_up - SETTINGS.sessions, *start)


def _rates(steps: int, wall: float, processor: float) -> tuple[float, float]:
    """Steps per second of wall time and of processor time."""
    return steps / (time.perf_counter() - wall), steps / (time.process_time() - processor)


if __name__ == "__main__":
    main()
