"""The learning agent against its peers: one trial a seed, then intervals over the seeds. Needs the extra `rl`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from creatorpool.errors import InputError
from creatorpool.recommend.dqn import DQNAgent
from creatorpool.recommend.dqn_settings import DQNSettings
from creatorpool.recommend.observation import RankingPolicy
from creatorpool.recommend.policies import (
    FinalScorePolicy,
    PopularityPolicy,
    RandomPolicy,
    RankBandit,
    ThompsonPolicy,
    UcbPolicy,
)
from creatorpool.recommend.simulator import SessionSimulator
from creatorpool.recommend.simulator_parameters import SimulatorParameters

PLAYED, LEARNED = 1_000, 2_000
"""Seeds of the sessions on which all are judged, and of those on which the bandit learns: never the same sessions."""
BANDIT_EPSILON = 0.1


@dataclass(frozen=True)
class TrialPlan:
    """What every seed goes through."""

    parameters: SimulatorParameters
    agents: Mapping[str, DQNSettings]
    """settings of each agent by its name"""
    transitions: int
    """videos shown to each agent, and to the bandit, in training"""
    evaluations: int
    """how often on the way each agent is played without exploration"""
    sessions: int
    """played by each policy when it is judged"""
    curve_sessions: int
    """played by an agent at each point of its curve"""
    tuned_weights: tuple[float, float, float]
    """final-score weights that were tuned on another market"""


@dataclass(frozen=True)
class Trial:
    """One seed: its own market, agents and sessions."""

    seed: int
    scores: dict[str, dict[str, float]]
    """by policy: mean return, videos and minutes a session, rates of skips and likes"""
    curves: dict[str, dict[str, list[float]]]
    """by agent: transitions, and the mean return without exploration after them"""


@dataclass(frozen=True)
class Standing:
    """A policy over all seeds, with 95 % intervals of Student's t."""

    name: str
    mean: float
    reach: float
    """half the width of its interval"""
    lead: float
    """mean over seeds of the champion's return less this one's"""
    lead_reach: float
    beaten: int
    """seeds in which the champion's return was larger"""


def run_trial(plan: TrialPlan, seed: int) -> Trial:
    """Train every agent of the plan on the market of a seed, and judge all policies on the same sessions."""
    simulator = SessionSimulator(plan.parameters, seed)
    policies = peers(plan, simulator)
    curves: dict[str, dict[str, list[float]]] = {}
    for name, settings in plan.agents.items():
        agent = DQNAgent(simulator, settings, seed)
        curves[name] = _learning_curve(plan, simulator, agent)
        policies[name] = agent
    scores = {name: _judged(simulator, policy, plan.sessions) for name, policy in policies.items()}
    return Trial(seed, scores, curves)


def peers(plan: TrialPlan, simulator: SessionSimulator) -> dict[str, RankingPolicy]:
    """The policies without a network, by name; the bandit learns from as many videos shown as the agents."""
    bandit, shown, number = RankBandit(plan.parameters.candidates, BANDIT_EPSILON), 0, 0
    while shown < plan.transitions:
        for step in simulator.steps(bandit, 500, seed=LEARNED + number):
            bandit.learn(step.action, step.reward)
            shown += step.action.size
        number += 1
    bandit.epsilon = 0.0  # judged without exploration, as the agents are
    return {
        "random": RandomPolicy(),
        "popularity": PopularityPolicy(),
        "UCB by video": UcbPolicy(),
        "Thompson by video": ThompsonPolicy(),
        "bandit over ranks": bandit,
        "final score": FinalScorePolicy(),
        "final score, tuned": FinalScorePolicy(plan.tuned_weights),
    }


def standings(returns: Mapping[str, ArrayLike], champion: str) -> list[Standing]:
    """Policies in the order given, from their (seeds,) mean returns; leads are paired by seed.

    Raises
    ------
    InputError
        If the champion is unknown, or there are not the same two seeds or more of each.
    """
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in returns.items()}
    if champion not in columns:
        raise InputError(f"the champion must be one of {list(columns)}, got '{champion}'")
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) > 1 or columns[champion].size < 2:
        raise InputError(f"every policy needs the same seeds, two at least, got {sizes}")
    found = []
    for name, values in columns.items():
        lead = columns[champion] - values
        found.append(
            Standing(name, *_interval(values), *_interval(lead), beaten=int((lead > 0).sum())),
        )
    return found


def tuned_weights(parameters: SimulatorParameters, seed: int, sessions: int) -> tuple[float, float, float]:
    """The best w1 = 1, w2, w3 of a grid, by mean return on one market."""
    simulator = SessionSimulator(parameters, seed)
    grid = [
        (1.0, views, interest) for views in (0.0, 0.1, 0.2, 0.3, 0.5) for interest in (0.0, 0.25, 0.5, 0.75, 1.0, 2.0)
    ]
    return max(grid, key=lambda weights: simulator.play(FinalScorePolicy(weights), sessions).returns.mean())


def as_row(trial: Trial) -> dict[str, Any]:
    """Plain names and numbers, for a file."""
    return asdict(trial)


def _interval(values: np.ndarray) -> tuple[float, float]:
    reach = student.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(reach)


def _learning_curve(plan: TrialPlan, simulator: SessionSimulator, agent: DQNAgent) -> dict[str, list[float]]:
    at, returns = [0.0], [_judged(simulator, agent, plan.curve_sessions)["returns"]]
    for number in range(1, plan.evaluations + 1):
        agent.train(max(1, plan.transitions * number // plan.evaluations - agent.transitions))
        at.append(float(agent.transitions))
        returns.append(_judged(simulator, agent, plan.curve_sessions)["returns"])
    return {"transitions": at, "returns": returns}


def _judged(simulator: SessionSimulator, policy: RankingPolicy, sessions: int) -> dict[str, float]:
    log = simulator.play(policy, sessions, seed=PLAYED)
    return {
        "returns": float(log.returns.mean()),
        "videos": float(log.lengths.mean()),
        "minutes": float(log.minutes.mean()),
        "skip_rate": log.skip_rate,
        "like_rate": log.like_rate,
    }


def values_of(trials: Sequence[Mapping[str, Any]], measure: str) -> dict[str, np.ndarray]:
    """(seeds,) values of one measure by policy, from the rows of `as_row`."""
    names = list(trials[0]["scores"])
    return {name: np.array([trial["scores"][name][measure] for trial in trials]) for name in names}
