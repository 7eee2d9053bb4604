"""Which signals keep videos from being paid: a quality is 0 as soon as one of its factors is 0 (formulas §6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from creatorpool.quality_components import COMPONENTS

Remedy = Literal["smoothing", "signal", "safety", "feed"]
"""What raises the coverage that a signal costs"""

LABELS = {component.name: component.label for component in COMPONENTS}
SMOOTHED = {component.name for component in COMPONENTS if component.smoothing != "none"}
FACT = "coverage"
"""Name of the coverage among the facts of a run"""

ADVICE: Mapping[Remedy, str] = {
    "smoothing": "set quality.smoothing to empirical_bayes, as conf/recommended.yaml does",
    "signal": "look at the signal's expression and range in conf/signals.yaml",
    "safety": "look at s_pos and s_tox in table videos, and at signals.toxicity_penalty",
    "feed": "look whether the feed still delivers what it is made of",
}


@dataclass(frozen=True)
class Loss:
    """A signal that is 0 for some of the compliant videos."""

    signal: str
    videos: int
    share: float
    """Of the compliant videos"""

    @property
    def label(self) -> str:
        """Name of the signal as people read it; custom signals have their own."""
        return LABELS.get(self.signal, self.signal)


@dataclass(frozen=True)
class Coverage:
    """A day's compliant videos, those of them with a quality above 0, and those at which each signal is 0.

    A video in two categories counts in both of `eligible` and `payable`.
    """

    compliant: int
    rated: int
    at_zero: Mapping[str, int]
    """By component and custom signal of positive weight, after smoothing"""
    is_smoothed: bool
    eligible: Mapping[str, int] = field(default_factory=dict)
    """Videos that may share the pool of each category; empty in the ledger of versions that did not keep it"""
    payable: Mapping[str, int] = field(default_factory=dict)
    """Those of them with a quality above 0"""

    @property
    def share(self) -> float:
        """Share of the compliant videos with a quality above 0; 0 without a compliant video."""
        return self.rated / self.compliant if self.compliant else 0.0

    @property
    def line(self) -> str:
        """The coverage as one sentence."""
        return (
            f"Coverage: {self.rated:,} of {self.compliant:,} compliant videos have a quality above 0 "
            f"({self.share:.1%})."
        )

    def unpaid_line(self, paid: int) -> str:
        """How many compliant videos get nothing from pools, for whatever reason, if `paid` videos get something."""
        return f"In all, {self.compliant - paid:,} of {self.compliant:,} compliant videos are paid nothing from pools."

    def losses(self, limit: float = 0.0) -> list[Loss]:
        """Signals that are 0 for more than the share `limit` of the compliant videos; the largest loss first."""
        found = [Loss(name, videos, videos / max(1, self.compliant)) for name, videos in self.at_zero.items()]
        return sorted((loss for loss in found if loss.share > limit), key=lambda loss: (-loss.videos, loss.signal))

    def remedy(self, loss: Loss) -> Remedy:
        """What raises the coverage that a signal costs."""
        if loss.signal == "safety":
            return "safety"
        if not self.is_smoothed and (loss.signal in SMOOTHED or loss.signal not in LABELS):
            return "smoothing"
        return "feed" if loss.signal in LABELS else "signal"

    def warning(self, limit: float) -> str | None:
        """What a payer should know and do about signals that cost more coverage than `limit`; None without one.

        All signals that are 0 for some videos are named, so that the videos are accounted for; the advice is on the
        costly ones.
        """
        losses = self.losses(limit)
        if not losses:
            return None
        every, unrated = self.losses(), self.compliant - self.rated
        counts = ", ".join(f"{loss.label} ({loss.videos:,} videos, {loss.share:.0%})" for loss in every)
        several = "; some have several" if sum(loss.videos for loss in every) > unrated else ""
        return (
            f"{unrated:,} of {self.compliant:,} compliant videos are paid nothing from pools, "
            f"because a signal is 0 for them: {counts}{several}. To pay more of them: {'; '.join(self._advice(losses))}"
        )

    def _advice(self, losses: list[Loss]) -> list[str]:
        by_remedy: dict[Remedy, list[str]] = {}
        for loss in losses:
            by_remedy.setdefault(self.remedy(loss), []).append(loss.label)
        several = len(by_remedy) > 1
        return [f"{', '.join(of)}: {ADVICE[remedy]}" if several else ADVICE[remedy] for remedy, of in by_remedy.items()]

    def as_facts(self) -> dict[str, Any]:
        """The numbers among the facts that the ledger keeps of a run."""
        return {FACT: asdict(self)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Coverage | None:
        """The coverage that a run found; None in the ledger of versions that did not keep it."""
        return cls(**facts[FACT]) if FACT in facts else None
