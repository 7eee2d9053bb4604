"""The payouts of one pool by each rule, to the micro, with gains and losses against the published payouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.comparison.measures import Bools, Spread, spread
from creatorpool.comparison.pool import Pool
from creatorpool.comparison.rules import Viewing, equal_split, pro_rata, scaled_user, user_centric
from creatorpool.money import exact_sum, round_to_total
from creatorpool.numerics.types import Floats, Integers

OWN = "creatorpool"
OTHERS = ("pro_rata", "user_centric", "scaled_user", "equal")
RULES = (OWN, *OTHERS)


@dataclass(frozen=True)
class Change:
    """A creator, and the change of the creator's payouts from the published ones to those of a rule, micros."""

    creator: str
    micros: int


@dataclass(frozen=True)
class RuleOutcome:
    """The result of one rule on one pool."""

    rule: str
    payout: Integers
    """(n,) micros, which sum to the pool's money exactly"""
    spread: Spread
    videos_paid: int
    creators_paid: int
    moved_micros: int
    """½ Σ |payout - published|: money that would change hands"""
    videos_gaining: int
    videos_losing: int
    creators_gaining: int
    creators_losing: int
    small_creators_change_micros: int
    top_gain: Change | None
    top_loss: Change | None


def other_shares(views: Floats, viewing: Viewing, creators_share: float) -> dict[str, Floats]:
    """Shares of a pool's (n,) videos by each of `OTHERS`.

    Parameters
    ----------
    views : (n,) array
        Qualified views of each video.
    creators_share : float
        1 - the platform's share, as in `scaled_user`.
    """
    return {
        "pro_rata": pro_rata(views),
        "user_centric": user_centric(viewing, views.size),
        "scaled_user": scaled_user(viewing, views.size, creators_share),
        "equal": equal_split(views.size),
    }


def rule_payouts(pool: Pool, published: Integers, shares: Mapping[str, Floats]) -> dict[str, Integers]:
    """(n,) micros by rule. `OWN`, the first, has the published payouts; the others split the same money by `shares`.

    Shares are rounded by largest remainder. Other rules have no floors and no caps.
    """
    order = np.arange(pool.video.size)  # videos are in ascending order of their ids
    return {OWN: published} | {
        rule: round_to_total(share * float(pool.money), pool.money, order=order) for rule, share in shares.items()
    }


def compare(pool: Pool, payouts: Mapping[str, Integers], is_small: Bools) -> list[RuleOutcome]:
    """Compare each rule's payouts, (n,) micros, with those of `OWN`; `is_small` marks videos of small creators."""
    names, code = np.unique(pool.creator, return_inverse=True)
    return [_outcome(rule, payout, payouts[OWN], names, code, is_small) for rule, payout in payouts.items()]


def _outcome(
    rule: str, payout: Integers, published: Integers, names: NDArray[Any], code: NDArray[np.intp], is_small: Bools
) -> RuleOutcome:
    change = payout - published
    paid, gained = _by_creator(payout, code, names.size), _by_creator(change, code, names.size)
    return RuleOutcome(
        rule=rule,
        payout=payout,
        spread=spread(payout, is_small),
        videos_paid=int(np.count_nonzero(payout)),
        creators_paid=int(np.count_nonzero(paid)),
        moved_micros=exact_sum(np.abs(change)) // 2,
        videos_gaining=int(np.count_nonzero(change > 0)),
        videos_losing=int(np.count_nonzero(change < 0)),
        creators_gaining=int(np.count_nonzero(gained > 0)),
        creators_losing=int(np.count_nonzero(gained < 0)),
        small_creators_change_micros=exact_sum(change[is_small]),
        top_gain=_extreme(gained, names, int(np.argmax(gained))) if (gained > 0).any() else None,
        top_loss=_extreme(gained, names, int(np.argmin(gained))) if (gained < 0).any() else None,
    )


def _by_creator(micros: Integers, code: NDArray[np.intp], creators: int) -> Integers:
    total = np.zeros(creators, dtype=np.int64)
    np.add.at(total, code, micros)
    return total


def _extreme(gained: Integers, names: NDArray[Any], place: int) -> Change:
    return Change(str(names[place]), int(gained[place]))
