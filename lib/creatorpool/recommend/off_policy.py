"""Off-policy evaluation: rewards of another ranking policy, from logs with propensities (formulas §3.12).

The values are those of single choices in the logged contexts, by `incentives.replay`. Another policy also changes which
states a session reaches; reweighting single choices cannot measure that part of its value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts, checked_numbers
from creatorpool.incentives.replay import Method, ReplayEstimate, replay_value
from creatorpool.recommend.simulator_market import Floats, Integers

METHODS: tuple[Method, ...] = ("propensity", "self-normalised", "doubly-robust")


@dataclass(frozen=True)
class LoggedChoices:
    """Logged choices among `actions` items, (n,) each.

    Raises
    ------
    InputError
        If shapes differ or a value is out of range.
    """

    action: Integers
    """shown item, 0 … actions − 1"""
    reward: Floats
    propensity: Floats
    """probability with which it was shown, in (0, 1]"""
    actions: int
    """number of items"""

    def __post_init__(self) -> None:
        action, reward = checked_counts("action", self.action, 0), checked_numbers("reward", self.reward)
        propensity = checked_numbers("propensity", self.propensity, 0.0, 1.0)
        if action.ndim != 1 or not action.shape == reward.shape == propensity.shape or action.size < 2:
            raise InputError(
                f"action, reward and propensity must have one shape (n,), n >= 2, "
                f"got {action.shape}, {reward.shape} and {propensity.shape}"
            )
        if action.max() >= self.actions:
            raise InputError(f"action must be below the number of actions, {self.actions}, got {action.max()}")
        for name, values in (("action", action), ("reward", reward), ("propensity", propensity)):
            object.__setattr__(self, name, values)

    def take(self, rows: ArrayLike) -> LoggedChoices:
        """The choices at `rows`, positions or a mask."""
        at = np.asarray(rows)
        return LoggedChoices(self.action[at], self.reward[at], self.propensity[at], self.actions)


def evaluate_policy(
    logged: LoggedChoices, chances: ArrayLike, predicted: ArrayLike | None = None
) -> dict[Method, ReplayEstimate]:
    """Mean reward of a choice under a target policy, by each method that the inputs allow.

    Parameters
    ----------
    logged : LoggedChoices
        Choices of the logging policy.
    chances : (n, actions) array_like
        Probability with which the target policy shows each item in each logged context; rows sum to 1.
    predicted : (n, actions) array_like, optional
        A model's reward of each item in each context, fitted without the row itself (`cross_fitted_rates`). Without it
        there is no doubly robust value.

    Returns
    -------
    dict
        Estimate by method.

    Raises
    ------
    InputError
        If a shape is wrong or a row of chances is not a distribution.
    """
    target = _checked_table("chances", chances, logged)
    if (target < 0).any() or (np.abs(target.sum(axis=1) - 1) > 1e-6).any():
        raise InputError("chances must be >= 0 and sum to 1 in each row")
    rows = np.arange(logged.action.size)
    taken = np.minimum(target[rows, logged.action], 1.0)
    found: dict[Method, ReplayEstimate] = {
        method: replay_value(logged.reward, logged.propensity, taken, method=method)
        for method in METHODS
        if method != "doubly-robust"
    }
    if predicted is not None:
        guess = _checked_table("predicted", predicted, logged)
        found["doubly-robust"] = replay_value(
            logged.reward,
            logged.propensity,
            taken,
            method="doubly-robust",
            predicted=guess[rows, logged.action],
            predicted_target=(target * guess).sum(axis=1),
        )
    return found


def cross_fitted_rates(
    logged: LoggedChoices, context: ArrayLike | None = None, *, folds: int = 5, strength: float = 100.0, seed: int = 0
) -> Floats:
    """(n, actions) mean rewards by item and context; each row's are estimated from the rows of other folds.

    Parameters
    ----------
    context : (n,) array_like of int, optional
        Group of each row, 0 and up, such as the position on the page; by default all rows are one group.
    folds : int
        Number of random parts of the rows, in [2, n].
    strength : float
        Strength of shrinkage, in rows, > 0: of an item's mean in a context to its mean over all contexts, and of that
        mean to the mean of all items.
    seed : int
        Seed of the folds.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A model fitted on a row's own reward predicts that reward too well, which makes the doubly robust correction too
    small. The folds prevent this.
    """
    group = np.zeros_like(logged.action) if context is None else checked_counts("context", context, 0)
    if group.shape != logged.action.shape:
        raise InputError(f"context must have the shape of the choices, {logged.action.shape}, got {group.shape}")
    if not 2 <= folds <= logged.action.size or not strength > 0:
        raise InputError(f"folds must lie in [2, n] and strength be > 0, got {folds} and {strength}")
    fold = np.random.default_rng(seed).permutation(logged.action.size) % folds
    rates = np.empty((logged.action.size, logged.actions))
    for part in range(folds):
        own = fold == part
        rates[own] = _rates(logged.take(~own), group[~own], int(group.max()) + 1, strength)[group[own]]
    return rates


def softmax_chances(scores: ArrayLike, temperature: float) -> Floats:
    """(…, actions) softmax probabilities of (…, actions) scores; a low temperature, > 0, is nearly greedy.

    Raises
    ------
    InputError
        If a score is not finite or the temperature not > 0.
    """
    values = checked_numbers("scores", scores)
    if not temperature > 0:
        raise InputError(f"temperature must be > 0, got {temperature}")
    power = np.exp((values - values.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(power / power.sum(axis=-1, keepdims=True))


def _rates(logged: LoggedChoices, group: Integers, groups: int, strength: float) -> Floats:
    """(groups, actions) means, each shrunk to the item's mean, which is shrunk to the mean of all."""
    cell = group * logged.actions + logged.action
    size = groups * logged.actions
    total = np.bincount(cell, logged.reward, size).reshape(groups, -1)
    count = np.bincount(cell, minlength=size).reshape(groups, -1)
    of_item = (total.sum(axis=0) + strength * logged.reward.mean()) / (count.sum(axis=0) + strength)
    return np.asarray((total + strength * of_item) / (count + strength))


def _checked_table(name: str, values: ArrayLike, logged: LoggedChoices) -> Floats:
    table = checked_numbers(name, values)
    if table.shape != (logged.action.size, logged.actions):
        raise InputError(f"{name} must have shape {(logged.action.size, logged.actions)}, got {table.shape}")
    return table
