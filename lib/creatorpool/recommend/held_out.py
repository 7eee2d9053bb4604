"""Evaluation of candidates and predicted interests on held-out, later interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from creatorpool.errors import InputError
from creatorpool.recommend.interests import (
    CategoryCounts,
    interest_prior,
    interest_rates,
    region_sums,
    top_interests,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Recall:
    """Share of the relevant items that are among the candidates, pooled over users, with a bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class InterestScore:
    """Quality of a prediction of interests for some users."""

    found: float
    """share of the true interests that were predicted"""
    log_loss: float
    """mean, over held-out items, of −log of the predicted probability of the user's response; lower is better"""


def hits(item: ArrayLike, relevant: sparse.spmatrix) -> IntArray:
    """(users,) number of relevant candidates of each user.

    `item` (users, r) holds positions of candidates, -1 for none; `relevant` (users, items) has an entry other than 0
    for each relevant item.

    Raises
    ------
    InputError
        If the numbers of users differ.
    """
    chosen = np.asarray(item, dtype=np.int64)
    wanted = sparse.csr_matrix(relevant)
    if chosen.ndim != 2 or chosen.shape[0] != wanted.shape[0]:
        raise InputError(f"candidates {chosen.shape} and relevant items {wanted.shape} must have the same users")
    user, place = np.nonzero(chosen >= 0)
    is_hit = np.asarray(wanted[user, chosen[user, place]]).ravel() != 0
    return np.bincount(user[is_hit], minlength=chosen.shape[0]).astype(np.int64)


def recalls(found: Mapping[str, IntArray], relevant: IntArray, *, draws: int, seed: int) -> dict[str, Recall]:
    """Recall of each name, from (users,) `found` hits by name and (users,) numbers of `relevant` items.

    For each name except the first, the result also has ``name − first``, the difference. The 95 % intervals come from
    `draws` bootstrap samples of users, the same for all names.

    Raises
    ------
    InputError
        If no user has a relevant item.
    """
    is_asked = relevant > 0
    if not is_asked.any():
        raise InputError("no user has a relevant held-out item: recall is undefined")
    names, total = list(found), relevant[is_asked]
    values = np.stack([found[name][is_asked] for name in names]).astype(np.float64)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(total.size, np.full(total.size, 1.0 / total.size), draws)
    sampled = (times @ values.T) / (times @ total)[:, None]
    value = values.sum(axis=1) / total.sum()
    result = {name: _recall(value[n], sampled[:, n]) for n, name in enumerate(names)}
    for n, name in enumerate(names[1:], start=1):
        result[f"{name} − {names[0]}"] = _recall(value[n] - value[0], sampled[:, n] - sampled[:, 0])
    return result


def score_interests(
    history: CategoryCounts,
    later: CategoryCounts,
    region: ArrayLike,
    truth: NDArray[np.bool_],
    users: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, InterestScore]]:
    """Scores of three predictions from `history` against true interests and `later` responses, by group of `users`.

    `popularity` predicts the categories with the most responses for every user; `region` those with the highest rate in
    the user's region; `user` those with the user's highest rate, shrunk to the region's. Each predicts as many
    categories as the users have true interests. All are fitted to all users. Arrays are (users, categories); `region`
    and the groups' masks are (users,).
    """
    place = np.asarray(region, dtype=np.int64)
    prior = interest_prior(region_sums(history, place, int(place.max(initial=-1)) + 1))
    responses = history.responded.sum(axis=0).astype(np.float64)
    overall = np.broadcast_to(prior.rate[-1], truth.shape)
    ways = {
        "popularity": (np.broadcast_to(responses, truth.shape), overall),
        "region": (prior.rate[place], prior.rate[place]),
        "user": (interest_rates(history, place, prior),) * 2,
    }
    count = int(truth.sum(axis=1).max(initial=0))
    found: dict[str, dict[str, InterestScore]] = {}
    for group, chosen in users.items():
        own = CategoryCounts(later.seen[chosen], later.responded[chosen])
        found[group] = {
            name: InterestScore(
                _found(top_interests(order[chosen], count), truth[chosen]), _log_loss(rates[chosen], own)
            )
            for name, (order, rates) in ways.items()
        }
    return found


def split_by_history(history: CategoryCounts, edges: Sequence[int]) -> dict[str, NDArray[np.bool_]]:
    """Masks of users by their number of seen items: below the first of the rising `edges`, between edges, and above."""
    seen, bounds = history.seen.sum(axis=1), [0, *edges]
    groups = {
        f"{low}" if high == low + 1 else f"{low} to {high - 1}": (seen >= low) & (seen < high)
        for low, high in pairwise(bounds)
    }
    return groups | {f"{bounds[-1]} or more": seen >= bounds[-1]}


def _recall(value: float, sampled: FloatArray) -> Recall:
    low, high = np.quantile(sampled, (0.025, 0.975))
    return Recall(float(value), float(low), float(high))


def _found(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((predicted & truth).sum() / max(truth.sum(), 1))


def _log_loss(rates: FloatArray, later: CategoryCounts) -> float:
    bounded = np.clip(rates, 1e-9, 1 - 1e-9)
    loss = later.responded * np.log(bounded) + (later.seen - later.responded) * np.log1p(-bounded)
    return float(-loss.sum() / max(later.seen.sum(), 1))
