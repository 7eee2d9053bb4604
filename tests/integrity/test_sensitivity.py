"""What other believed numbers do to a day's payouts, against splits by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.integrity.markets import random_market

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.integrity.market import Market
from creatorpool.integrity.sensitivity import (
    Change,
    rescaled,
    score_changes,
    sensitivity,
    tier_changes,
    weight_changes,
)
from creatorpool.quality.safety import safety

PRO_RATA = SplitPolicy("log", 1.0, 0.0)
"""Each video gets its share of the effective impressions."""
TAU, STEP = 0.5, 0.1


@pytest.fixture(params=[False, True], ids=["as measured", "smoothed"])
def market(request: pytest.FixtureRequest) -> Market:
    """A day with scores of safety, paid in proportion to effective impressions."""
    day = random_market(3, videos=40, policy=PRO_RATA, is_smoothed=request.param)
    rng = np.random.default_rng(4)
    s_pos, s_tox = rng.uniform(0.5, 0.95, 40), rng.uniform(0.0, 0.7, 40)  # no safety is 0, changed or not
    return replace(day, columns={**day.columns, "s_pos": s_pos, "s_tox": s_tox, "safety": safety(s_pos, s_tox, TAU)})


def creators_by_hand(market: Market, impressions: np.ndarray) -> dict[str, float]:
    """Micros of each creator where pools are paid pro rata."""
    earned = dict.fromkeys(sorted(set(market.creator.tolist())), 0.0)
    for pool in market.pools.values():
        own = impressions[pool.videos]
        for creator, share in zip(market.creator[pool.videos], own / own.sum(), strict=True):
            earned[creator] += share * pool.pool.money
    return earned


def changes(market: Market) -> dict[tuple[str, str], Change]:
    found = [*score_changes(market, TAU, STEP, seed=1), *weight_changes(market, STEP)]
    return {(change.number, change.change): change for change in found}


def by_hand(market: Market, factor: np.ndarray) -> tuple[float, float, float]:
    """Moved, gain and loss if each video's effective impressions are multiplied by `factor`."""
    before = creators_by_hand(market, market.effective_impressions)
    after = creators_by_hand(market, market.effective_impressions * factor)
    gains = np.array([after[creator] - before[creator] for creator in before])
    return 0.5 * np.abs(gains).sum(), gains.max(), gains.min()


@pytest.mark.parametrize("number", ["s_pos", "s_tox"])
@pytest.mark.parametrize(("words", "step"), [("+0.1", 0.1), ("−0.1", -0.1)])
def test_score_moves_the_power_of_safety(market: Market, number: str, words: str, step: float) -> None:
    scores = {name: market.columns[name] for name in ("s_pos", "s_tox")}
    scores[number] = np.clip(scores[number] + step, 0, 1)
    ratio = np.maximum(0, scores["s_pos"] - TAU * scores["s_tox"]) / market.columns["safety"]
    rated = market.effective_impressions > 0
    # A product with a component of quality above 1 is cut to 1, which these days do not reach.
    expected = by_hand(market, np.where(rated, ratio ** market.formula.exponents["safety"], 1.0))

    found = sensitivity(market, changes(market)[number, words])

    assert (found.moved, found.gain, found.loss) == pytest.approx(expected, rel=1e-9, abs=1e-3)
    assert found.moved > 0


def test_scores_that_are_wrong_by_chance_depend_on_the_seed_alone(market: Market) -> None:
    def chosen(seed: int) -> Change:
        return next(c for c in score_changes(market, TAU, STEP, seed) if "by chance" in c.change)

    first, again, other = (sensitivity(market, chosen(seed)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_weight_of_a_component_moves_its_power(market: Market) -> None:
    phi, columns = market.formula.exponents, market.formula.scores(market.columns, market.priors).components
    other = rescaled(phi, "safety", 1.1)
    rated = market.effective_impressions > 0
    logs = [
        np.where(rated, np.log(np.where(rated, columns[name], 1.0)), 0.0) * (other[name] - phi[name]) for name in phi
    ]

    found = sensitivity(market, changes(market)["signals.component_weights.safety", "+10%"])

    assert (found.moved, found.gain, found.loss) == pytest.approx(by_hand(market, np.exp(sum(logs))), rel=1e-9)


def test_every_number_is_changed_in_both_directions(market: Market) -> None:
    numbers = [number for number, _ in changes(market)]

    assert {number: numbers.count(number) for number in numbers} == {
        "s_pos": 3,
        "s_tox": 3,
        "signals.toxicity_penalty": 2,
        **{f"signals.action_weights.{name}": 2 for name in market.formula.action_weights},
        **{f"signals.component_weights.{name}": 2 for name in market.formula.exponents},
    }
    tiers = [number for number, _, _ in tier_changes(market.formula.tiers, STEP)]
    assert tiers == [*(f"signals.tiers.{tier}" for _ in range(2) for tier in market.formula.tiers), "signals.tiers"]


def test_what_a_bound_holds_back_is_counted(market: Market) -> None:
    held = {key: change.held for key, change in changes(market).items()}
    above = int(np.count_nonzero(market.columns["s_pos"] + STEP > 1))
    below = int(np.count_nonzero(market.columns["s_tox"] - STEP < 0))

    assert above > 0
    assert below > 0
    assert held["s_pos", "+0.1"] == f"{above} of 40 videos"
    assert held["s_tox", "−0.1"] == f"{below} of 40 videos"
    assert not held["s_pos", "−0.1"], "no score is below the step"
    assert not any(words for (number, _), words in held.items() if number.startswith("signals."))
    (upward, _) = (change.held for change in score_changes(market, 0.95, STEP, 1) if "penalty" in change.number)
    assert upward == "1"


def test_same_market_moves_nothing_and_names_what_is_paid(market: Market) -> None:
    found = sensitivity(market, Change("none", "none", replace(market)))

    assert (found.moved, found.gain, found.loss, found.share) == (0, 0, 0, 0)
    assert found.paid == pytest.approx(sum(pool.pool.money for pool in market.pools.values()))


def test_rescaled_weights_sum_to_one_and_keep_the_others_proportions() -> None:
    weights = {"a": 0.5, "b": 0.3, "c": 0.2, "d": 0.0}

    changed = rescaled(weights, "a", 1.2)

    assert changed == pytest.approx({"a": 0.6, "b": 0.24, "c": 0.16, "d": 0.0})
    assert rescaled(weights, "a", 5.0) == {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}
    assert rescaled(weights, "d", 1.1) == pytest.approx(weights)
    assert rescaled({"a": 1.0, "b": 0.0}, "a", 0.9) == {"a": 1.0, "b": 0.0}
