"""The advice in money and words: its parts add up to the gain, and a fall of quality is explained."""

from __future__ import annotations

import pytest

from creatorpool.cohorts.advice_words import PolicyChange, advice_sentence
from creatorpool.cohorts.success_value import SuccessValue, value_sentence, with_money
from creatorpool.incentives import QuadraticCost, payoffs
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.policy import Policy

SUCCESS = SuccessValue(paid_micros=171_670_000, successes=13_957, currency="USD")
COST = QuadraticCost(20.0)
BUDGETS = Budgets(17.33, 2.0)


def policy(n: int = 12, k: int = 5, bounty: float = 0.0) -> Policy:
    return Policy(float(n), n, k, bounty, 5.0, 26.0, 0.5)


def change(old: Policy, new: Policy, before: float, after: float) -> PolicyChange:
    return PolicyChange(old, new, payoffs(old, COST, before), payoffs(new, COST, after))


def test_less_quality_and_a_gain_are_explained_by_what_brings_the_gain() -> None:
    found = change(policy(12), policy(13), 0.451, 0.445)

    text = advice_sentence(found, BUDGETS, SUCCESS)

    assert text.startswith(
        "raise the window from 12 to 13 impressions and raise the discounted test impressions from 12 to 13: creators "
        "answer with less quality (0.451 → 0.445), yet the platform gains "
    )
    assert "because of exposure +" in text
    assert "and quality -" in text
    assert "the share that graduates goes from 69.8% to 76.1%" in text
    assert text.endswith(
        "This is within budgets of 17.33 test impressions and 2 (0.0246 USD) of bounty for each entrant"
    )


@pytest.mark.parametrize("after", [0.40, 0.451, 0.50])
@pytest.mark.parametrize("new", [policy(13), policy(12, 4, 3.0), policy(11, 6, 1.0)])
def test_parts_add_up_to_the_gain(new: Policy, after: float) -> None:
    found = change(policy(12, 5, 2.0), new, 0.451, after)

    assert sum(found.parts.values()) == pytest.approx(found.gain, abs=1e-12)


def test_bounty_is_told_in_money_too() -> None:
    text = advice_sentence(change(policy(), policy(bounty=8.0), 0.40, 0.46), BUDGETS, SUCCESS)

    assert text.startswith("raise the bounty from 0 (0.00 USD) to 8 (0.0984 USD): creators answer with more quality")
    assert "bounties -" in text


def test_segment_that_loses_says_who_gains() -> None:
    text = advice_sentence(change(policy(13), policy(12), 0.45, 0.45), BUDGETS, None)

    assert "creators answer with the same quality (0.450), yet the platform loses" in text
    assert "other segments gain more from the budget that becomes free" in text
    assert "USD" not in text


def test_no_change_keeps_todays_policy() -> None:
    assert advice_sentence(change(policy(), policy(), 0.4, 0.4), BUDGETS, SUCCESS).startswith("keep today's policy")


def test_value_of_a_success_says_where_it_comes_from() -> None:
    assert value_sentence(SUCCESS) == (
        "One success is worth 0.0123 USD: the day's pools paid 171.67 USD for 13,957 successes."
    )
    assert "payouts are not published" in value_sentence(None)
    assert SuccessValue.of_facts({"policy_advice": 3} | SUCCESS.as_facts()) == SUCCESS
    assert SuccessValue.of_facts({"policy_advice": 3}) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1000.0, "1000 (12.30 USD)"), (1.0, "1 (0.0123 USD)"), (0.01, "0.01 (0.000123 USD)"), (0.0, "0 (0.00 USD)")],
)
def test_small_amounts_keep_their_digits(amount: float, text: str) -> None:
    assert with_money(amount, SUCCESS) == text
