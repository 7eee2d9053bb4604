"""How much of a day's payouts changes hands if a number that the platform must believe is somewhat wrong.

Each change makes another market of the same day; the same formula scores its videos, and the same program splits its
pools (formulas §1, §2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.redistribution import money_moved
from creatorpool.integrity.market import Market
from creatorpool.numerics.types import Floats
from creatorpool.quality.engagement import engagement_components
from creatorpool.quality.safety import safety
from creatorpool.quality_components import COMPONENT_NAMES

SCORES = ("s_pos", "s_tox")
"""A video's scores, (n,) columns of the market in [0, 1]"""


@dataclass(frozen=True)
class Change:
    """A number that the platform believes, how it is changed, and the day's market with the change.

    `held` says what would have left its bounds with the whole change and stays at the bound instead; empty if nothing.
    """

    number: str
    change: str
    market: Market
    held: str = ""


@dataclass(frozen=True)
class Sensitivity:
    """What one change does to the payouts of the day; money in micros."""

    number: str
    change: str
    moved: float
    """Money that changes hands between creators, ½ Σ|p − p′|"""
    paid: float
    """Money that the pools pay"""
    gainer: str
    gain: float
    loser: str
    loss: float
    """Of the creators who gain and lose most; a loss is 0 or less"""
    held: str = ""
    """As that of the change"""

    @property
    def share(self) -> float:
        """Part of the paid money that changes hands, in [0, 1]."""
        return self.moved / self.paid if self.paid else 0.0


def sensitivity(market: Market, change: Change) -> Sensitivity:
    """What `change` does to the payouts of `market`."""
    names, code = np.unique(market.creator, return_inverse=True)
    before, after = (_by_creator(day, code, names.size) for day in (market, change.market))
    gains = after - before
    most, least = int(np.argmax(gains)), int(np.argmin(gains))
    return Sensitivity(
        number=change.number,
        change=change.change,
        moved=money_moved(before, after),
        paid=math.fsum(before),
        gainer=str(names[most]),
        gain=float(gains[most]),
        loser=str(names[least]),
        loss=float(gains[least]),
        held=change.held,
    )


def score_changes(market: Market, toxicity_penalty: float, step: float, seed: int) -> Iterator[Change]:
    """The scores of all videos `step` higher, `step` lower, and each of them higher or lower by chance; and τ.

    Parameters
    ----------
    toxicity_penalty : float
        τ, in [0, 1].
    step : float
        The change, in (0, 1): absolute for a score, which stays within [0, 1], relative for τ.
    seed : int
        Chooses which scores are higher.
    """
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), market.creator.size)
    shifts = ((f"+{step:g}", step), (f"−{step:g}", -step), (f"each video ±{step:g} by chance", step * signs))
    scores = {name: np.asarray(market.columns[name], dtype=np.float64) for name in SCORES}
    for name in SCORES:
        for words, shift in shifts:
            wanted = scores[name] + shift
            changed = np.clip(wanted, 0.0, 1.0)
            moved = _with_safety(market, scores | {name: changed}, toxicity_penalty)
            yield Change(name, words, moved, _held_videos(int(np.count_nonzero(changed != wanted)), wanted.size))
    for words, factor in _factors(step):
        penalty = toxicity_penalty * factor
        moved = _with_safety(market, scores, min(1.0, penalty))
        yield Change("signals.toxicity_penalty", words, moved, _held_at_one(penalty))


def weight_changes(market: Market, step: float) -> Iterator[Change]:
    """Each weight of an action β and of a component φ by the part `step` larger and smaller; the others give way."""
    formula = market.formula
    for words, factor in _factors(step):
        for action in formula.action_weights:
            beta = rescaled(formula.action_weights, action, factor)
            held = _held_at_one(formula.action_weights[action] * factor)
            yield Change(f"signals.action_weights.{action}", words, _with_action_weights(market, beta), held)
        for component in formula.exponents:
            phi = rescaled(formula.exponents, component, factor)
            changed = replace(market, formula=replace(formula, exponents=phi))
            yield Change(_weight_key(component), words, changed, _held_at_one(formula.exponents[component] * factor))


def tier_changes(tiers: Mapping[str, float], step: float) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Number, words and trust weights: each tier's weight changed by the part `step`, and all weights equal."""
    for words, factor in _factors(step):
        for tier, weight in tiers.items():
            yield f"signals.tiers.{tier}", words, {**tiers, tier: weight * factor}
    yield "signals.tiers", "all equal", dict.fromkeys(tiers, max(tiers.values()))


def rescaled(weights: Mapping[str, float], name: str, factor: float) -> dict[str, float]:
    """Weights of sum 1 with that of `name` times `factor`, at most 1; the others keep their proportions."""
    own = weights[name]
    if own >= 1.0:
        return dict(weights)
    changed = min(1.0, own * factor)
    left = (1.0 - changed) / (1.0 - own)
    return {other: changed if other == name else weight * left for other, weight in weights.items()}


def _weight_key(component: str) -> str:
    """The configuration's key of a component's weight."""
    published = component in COMPONENT_NAMES
    return f"signals.component_weights.{component}" if published else f"signals.custom.{component}.weight"


def _held_videos(number: int, videos: int) -> str:
    return f"{number:,} of {videos:,} videos" if number else ""


def _held_at_one(wanted: float) -> str:
    return "1" if wanted > 1.0 else ""


def _factors(step: float) -> tuple[tuple[str, float], ...]:
    return (f"+{step:.0%}", 1.0 + step), (f"−{step:.0%}", 1.0 - step)


def _with_safety(market: Market, scores: Mapping[str, Floats], toxicity_penalty: float) -> Market:
    changed = {"safety": safety(scores["s_pos"], scores["s_tox"], toxicity_penalty)}
    return replace(market, columns={**market.columns, **changed})


def _with_action_weights(market: Market, beta: dict[str, float]) -> Market:
    engagement = engagement_components(market.columns, beta)["engagement_rate"]
    columns = {**market.columns, "engagement_rate": engagement}
    return replace(market, columns=columns, formula=replace(market.formula, action_weights=beta))


def _by_creator(market: Market, code: NDArray[Any], creators: int) -> Floats:
    """(creators,) micros of each creator in all pools; a pool without effective impressions pays nothing."""
    earned = np.zeros(creators)
    for pool in market.pools.values():
        m = market.effective_impressions[pool.videos]
        if np.any(m > 0):
            payout = pool.pool.split(pool.policy, m).payout
            earned += np.bincount(code[pool.videos], weights=payout, minlength=creators)
    return earned
