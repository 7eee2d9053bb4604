"""Payouts by rule close to the micro, and gains and losses agree with plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from tests.comparison.pools import random_pool

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.compare import OTHERS, RULES, compare, other_shares, rule_payouts
from creatorpool.comparison.measures import small_creators
from creatorpool.comparison.pool import Pool
from creatorpool.comparison.rules import Viewing
from creatorpool.money import round_to_total

VIDEOS = 30


@pytest.fixture
def pool() -> Pool:
    return random_pool(5, VIDEOS)


@pytest.fixture
def payouts(pool: Pool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    video, depth = np.divmod(rng.choice(VIDEOS * 9, 120, replace=False), 9)
    viewing = Viewing(video, depth + 1, (depth + 1) * rng.integers(1, 5, 120))
    published = round_to_total(pool.split(SplitPolicy("linear", 0.5, 0.3)).payout, pool.money)
    views = np.bincount(video, viewing.views, VIDEOS).astype(np.float64) + 1.0
    return rule_payouts(pool, published, other_shares(views, viewing, 0.5))


def test_payouts_of_every_rule_sum_to_the_money_exactly(pool: Pool, payouts: dict[str, np.ndarray]) -> None:
    assert tuple(payouts) == RULES
    for payout in payouts.values():
        assert payout.dtype == np.int64
        assert (payout >= 0).all()
        assert sum(payout.tolist()) == pool.money


def test_equal_split_gives_the_spare_micros_to_the_first_ids(pool: Pool, payouts: dict[str, np.ndarray]) -> None:
    each, spare = divmod(pool.money, VIDEOS)
    assert payouts["equal"].tolist() == [each + 1] * spare + [each] * (VIDEOS - spare)


def test_compare_counts_gains_and_losses_as_loops_do(pool: Pool, payouts: dict[str, np.ndarray]) -> None:
    is_small = small_creators(pool.creator, pool.effective_impressions, 0.5)
    own, *others = compare(pool, payouts, is_small)

    assert (own.moved_micros, own.videos_gaining, own.creators_losing) == (0, 0, 0)
    assert own.top_gain is None
    assert own.top_loss is None
    assert tuple(outcome.rule for outcome in others) == OTHERS
    for outcome in others:
        change = outcome.payout - payouts["creatorpool"]
        gained: dict[str, int] = {}
        for creator, micros in zip(pool.creator, change.tolist(), strict=True):
            gained[creator] = gained.get(creator, 0) + micros
        assert sum(gained.values()) == 0
        assert outcome.creators_gaining == sum(micros > 0 for micros in gained.values())
        assert outcome.creators_losing == sum(micros < 0 for micros in gained.values())
        assert outcome.videos_gaining == (change > 0).sum()
        assert outcome.videos_losing == (change < 0).sum()
        assert outcome.moved_micros == sum(max(micros, 0) for micros in change.tolist())
        assert outcome.small_creators_change_micros == change[is_small].sum()
        assert outcome.top_gain is not None
        assert outcome.top_gain.micros == gained[outcome.top_gain.creator] == max(gained.values())
        assert outcome.top_loss is not None
        assert outcome.top_loss.micros == gained[outcome.top_loss.creator] == min(gained.values())
