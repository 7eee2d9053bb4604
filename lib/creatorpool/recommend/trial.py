"""Comparison of the learning agent with other policies: one trial per seed, then intervals. Needs the extra `rl`."""

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
"""Seeds of the sessions of the evaluation, and of those on which the bandit learns; the sessions must differ."""
BANDIT_EPSILON = 0.1


@dataclass(frozen=True)
class TrialPlan:
    """Plan of the trials, the same for every seed."""

    parameters: SimulatorParameters
    agents: Mapping[str, DQNSettings]
    """settings of each agent by its name"""
    transitions: int
    """videos shown to each agent, and to the bandit, in training"""
    evaluations: int
    """number of points of each agent's learning curve, besides the first"""
    sessions: int
    """sessions that each policy plays in the final evaluation"""
    curve_sessions: int
    """sessions that an agent plays, without exploration, at each point of its learning curve"""
    tuned_weights: tuple[float, float, float]
    """final-score weights that were tuned on another market"""


@dataclass(frozen=True)
class Trial:
    """Results of one seed, which has its own market, agents and sessions."""

    seed: int
    scores: dict[str, dict[str, float]]
    """by policy: mean return, videos and minutes per session, rates of skips and likes"""
    curves: dict[str, dict[str, list[float]]]
    """by agent: numbers of transitions, and the mean returns without exploration after them"""


@dataclass(frozen=True)
class Standing:
    """Results of a policy over all seeds, with 95 % intervals by Student's t."""

    name: str
    mean: float
    """mean return over seeds"""
    half_width: float
    """half-width of the mean's interval"""
    lead: float
    """mean over seeds of the champion's return minus this policy's"""
    lead_half_width: float
    """half-width of the lead's interval"""
    champion_wins: int
    """seeds in which the champion's return was larger"""


def run_trial(plan: TrialPlan, seed: int) -> Trial:
    """Train every agent of the plan on the market of a seed, and evaluate all policies on the same sessions."""
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
    """The policies without a network, by name; the bandit learns from as many shown videos as the agents."""
    bandit, shown, number = RankBandit(plan.parameters.candidates, BANDIT_EPSILON), 0, 0
    while shown < plan.transitions:
        for step in simulator.steps(bandit, 500, seed=LEARNED + number):
            bandit.learn(step.action, step.reward)
            shown += step.action.size
        number += 1
    bandit.epsilon = 0.0  # evaluated without exploration, as the agents are
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
    """Results of each policy, in the order given, from (seeds,) mean returns; leads are paired by seed.

    Raises
    ------
    InputError
        If the champion is unknown, or the policies do not have the same number of seeds, at least two.
    """
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in returns.items()}
    if champion not in columns:
        raise InputError(f"the champion must be one of {list(columns)}, got '{champion}'")
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) > 1 or columns[champion].size < 2:
        raise InputError(f"every policy needs the same seeds, at least two, got these numbers of seeds: {sizes}")
    found = []
    for name, values in columns.items():
        lead = columns[champion] - values
        found.append(
            Standing(name, *_interval(values), *_interval(lead), champion_wins=int((lead > 0).sum())),
        )
    return found


def tuned_weights(parameters: SimulatorParameters, seed: int, sessions: int) -> tuple[float, float, float]:
    """The weights w1 = 1, w2, w3 of a grid with the largest mean return in `sessions` sessions on one market."""
    simulator = SessionSimulator(parameters, seed)
    grid = [
        (1.0, views, interest) for views in (0.0, 0.1, 0.2, 0.3, 0.5) for interest in (0.0, 0.25, 0.5, 0.75, 1.0, 2.0)
    ]
    return max(grid, key=lambda weights: simulator.play(FinalScorePolicy(weights), sessions).returns.mean())


def as_row(trial: Trial) -> dict[str, Any]:
    """The trial as nested dictionaries of names and numbers, for a file."""
    return asdict(trial)


def _interval(values: np.ndarray) -> tuple[float, float]:
    half_width = student.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(half_width)


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
    """(seeds,) values of one measure by policy, from rows of `as_row`."""
    names = list(trials[0]["scores"])
    return {name: np.array([trial["scores"][name][measure] for trial in trials]) for name in names}
