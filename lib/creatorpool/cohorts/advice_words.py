"""The advice of a segment in plain words: what to change, how creators answer, and why the platform gains."""

from __future__ import annotations

from dataclasses import dataclass

from creatorpool.cohorts.success_value import SuccessValue, with_money
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.payoffs import Payoffs
from creatorpool.incentives.policy import Policy

RELATIVE_TOLERANCE = 1e-6
"""A smaller relative change of n, k, N or B counts as none."""

SAME_QUALITY = 5e-4
"""A smaller change of quality shows no digit of three"""

NAMES = {"n": "the window", "k": "the bar", "mass": "the discounted test impressions", "bounty": "the bounty"}
UNITS = {"n": " impressions", "k": " successes", "mass": "", "bounty": ""}


@dataclass(frozen=True)
class PolicyChange:
    """A segment's policy of today and the advised one, with the payoffs at the quality that creators answer with."""

    old: Policy
    new: Policy
    today: Payoffs
    then: Payoffs

    @property
    def gain(self) -> float:
        """Change of the platform's value for each entrant, in values of one success."""
        return float(self.then.platform - self.today.platform)

    @property
    def parts(self) -> dict[str, float]:
        """The gain by cause; the parts sum to it (V = qE − Bπ)."""
        before, after = self.today, self.then
        return {
            "exposure": float(after.quality * (after.exposure - before.exposure)),
            "quality": float((after.quality - before.quality) * before.exposure),
            "bounties": float(self.old.bounty * before.probability - self.new.bounty * after.probability),
        }

    def changed(self) -> list[str]:
        """Names of the terms that change."""
        return [name for name in NAMES if _differ(float(getattr(self.old, name)), float(getattr(self.new, name)))]


def advice_sentence(change: PolicyChange, budgets: Budgets, success: SuccessValue | None) -> str:
    """What to do about a segment's policy, and why, in one or two sentences; money is in the currency if known."""
    limits = (
        f"budgets of {budgets.impressions:.4g} test impressions and {with_money(budgets.cash, success)} of bounty "
        f"for each entrant"
    )
    if not change.changed():
        return f"keep today's policy: no change that brings the platform 0.1 % more is within {limits}"
    terms = " and ".join(_term(change, name, success) for name in change.changed())
    return f"{terms}: {_answer(change)}{_result(change, success)}. This is within {limits}"


def _term(change: PolicyChange, name: str, success: SuccessValue | None) -> str:
    old, new = float(getattr(change.old, name)), float(getattr(change.new, name))
    money = success if name == "bounty" else None
    verb = "raise" if new > old else "lower"
    return f"{verb} {NAMES[name]} from {with_money(old, money)} to {with_money(new, money)}{UNITS[name]}"


def _answer(change: PolicyChange) -> str:
    before, after = float(change.today.quality), float(change.then.quality)
    if abs(after - before) < SAME_QUALITY:
        return f"creators answer with the same quality ({after:.3f})"
    return f"creators answer with {'more' if after > before else 'less'} quality ({before:.3f} → {after:.3f})"


def _result(change: PolicyChange, success: SuccessValue | None) -> str:
    answers_better = float(change.then.quality) >= float(change.today.quality) - SAME_QUALITY
    gains = change.gain >= 0
    link, verb = "and" if answers_better == gains else "yet", "gains" if gains else "loses"
    causes = " and ".join(f"{name} {part:+.3g}" for name, part in change.parts.items() if _differ(0.0, part))
    others = "" if gains else "; other segments gain more from the budget that becomes free"
    return (
        f", {link} the platform {verb} {with_money(abs(change.gain), success)} for each entrant, because of "
        f"{causes}; {_graduates(change)}{others}"
    )


def _graduates(change: PolicyChange) -> str:
    before, after = float(change.today.probability), float(change.then.probability)
    return f"the share that graduates goes from {before:.1%} to {after:.1%}"


def _differ(old: float, new: float) -> bool:
    return abs(new - old) > RELATIVE_TOLERANCE * (1.0 + abs(old))
