"""The verdict of an audit: what the most profitable fake viewer earns, and which one setting lowers that most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from creatorpool.comparison.compare import OWN
from creatorpool.integrity.attack import FakeViewer
from creatorpool.integrity.audit import AS_CONFIGURED, Finding


@dataclass(frozen=True)
class Verdict:
    """The most profitable attack under the configuration, for each of its fake viewers, in micros."""

    fake: FakeViewer
    fakes: int
    gain: float
    cost: float
    remedy: str | None
    """The variant of the settings that leaves the worst attack least; None if none leaves less"""
    remedied: float
    """Gain of the worst attack under it; that of the configuration if there is none"""

    @property
    def is_exposed(self) -> bool:
        """Whether the attack earns more than it costs."""
        return self.gain > self.cost


def verdict_of(findings: Sequence[Finding]) -> Verdict | None:
    """The verdict on creatorpool's rule; None without an attack on it.

    Attacks on the most exploitable videos count, and if there are none, those on typical videos.
    """
    own = [finding for finding in findings if finding.rule == OWN]
    on_best = [finding for finding in own if finding.target == "exploitable"] or own
    worst = {variant: _worst(on_best, variant) for variant in dict.fromkeys(finding.variant for finding in on_best)}
    if AS_CONFIGURED not in worst:
        return None
    found = worst[AS_CONFIGURED]
    remedy = min(worst, key=lambda variant: _each(worst[variant]))
    attack = found.attack
    return Verdict(
        fake=attack.fake,
        fakes=attack.fakes,
        gain=_each(found),
        cost=found.cost / attack.fakes,
        remedy=None if remedy == AS_CONFIGURED else remedy,
        remedied=_each(worst[remedy]),
    )


def _worst(findings: Sequence[Finding], variant: str) -> Finding:
    """The attack with the largest profit for each fake viewer."""
    return max(
        (finding for finding in findings if finding.variant == variant),
        key=lambda finding: finding.profit / finding.attack.fakes,
    )


def _each(finding: Finding) -> float:
    """Gain for each fake viewer."""
    return finding.gain / finding.attack.fakes
