"""A video's signals and quality once fake viewers have watched it (formulas §1.5, §2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.allocation.types import Floats
from creatorpool.errors import InputError
from creatorpool.quality.geometric import engagement_diversity, geometric_quality
from creatorpool.quality.smoothing import ACTION_RATES, QualityPriors, fit_priors, smoothed_components

Columns = Mapping[str, NDArray[Any]]
"""Signals of a day's (n,) videos, as table `video_signals` has them; `category`, the video's first; `is_compliant`."""
Places = NDArray[np.intp]

PUBLISHED_COMPONENTS = ("watch_completion", "engagement_rate", "engagement_diversity", "rewatch", "safety")
SIGNAL_COLUMNS = ("views", "viewers", "trust_weight", *PUBLISHED_COMPONENTS, *ACTION_RATES)


@dataclass(frozen=True)
class ScoreRules:
    """All that quality depends on beside a video's signals; `priors` is what the day's videos have in common."""

    exponents: Mapping[str, float]
    action_weights: Mapping[str, float]
    tiers: Mapping[str, float]
    is_smoothed: bool

    def priors(self, columns: Columns) -> QualityPriors | None:
        """Fitted from the signals of whole categories, where rates are smoothed."""
        return fit_priors(columns, self.tiers) if self.is_smoothed else None

    def quality(self, columns: Columns, priors: QualityPriors | None) -> Floats:
        """Q of each video."""
        components = {name: columns[name] for name in self.exponents}
        if priors is not None:
            components |= smoothed_components(columns, priors, self.tiers, self.action_weights)
        stack = np.column_stack([components[name] for name in self.exponents])
        return geometric_quality(stack, list(self.exponents.values()), columns["is_compliant"])

    def effective_impressions(self, columns: Columns, priors: QualityPriors | None) -> Floats:
        """M = views · Q of each video."""
        return np.asarray(columns["views"] * self.quality(columns, priors), dtype=np.float64)


@dataclass(frozen=True)
class FakeViewer:
    """What each fake viewer does: watches the whole video `views_each` times, and takes all actions or none."""

    tier: str
    behaviour: str
    views_each: int
    acts: bool


BEHAVIOURS = ("watch", "act", "replay")
"""Watches once; watches once and takes every action; watches again and again, and takes every action."""


def fake_viewer(tier: str, behaviour: str, replays: int) -> FakeViewer:
    """The fake viewer of one of `BEHAVIOURS`, who when replaying has `replays` >= 1 views that count."""
    if behaviour not in BEHAVIOURS:
        raise InputError(f"behaviour must be one of {BEHAVIOURS}, got '{behaviour}'")
    return FakeViewer(tier, behaviour, replays if behaviour == "replay" else 1, behaviour != "watch")


def with_fake_viewers(
    columns: Columns, rows: Places, number: NDArray[np.int64] | int, fake: FakeViewer, rules: ScoreRules
) -> dict[str, NDArray[Any]]:
    """Columns of the videos at `rows` once each has `number` more viewers, all of them fake.

    Parameters
    ----------
    columns : mapping of (n,) arrays
        `SIGNAL_COLUMNS`, custom signals, `category` and `is_compliant`, before the attack.
    rows : (m,) int array
        Videos attacked, each on its own: a video may come twice, with two numbers of fakes.
    number : (m,) int64 array or int
        Fake viewers of each, >= 0, new to the video.

    Returns
    -------
    mapping of (m,) arrays
        Every signal is a mean over viewers weighted by trust, so its sum is the mean times the trust, to which the
        fakes' own is added. Custom signals stay as they are: what a fake's would be is not known here.
    """
    before = {name: values[rows] for name, values in columns.items()}
    added = np.asarray(number, dtype=np.float64) * rules.tiers[fake.tier]
    trust = before["trust_weight"] + added
    own = {"watch_completion": 1.0, "rewatch": float(fake.views_each > 1)}
    own |= dict.fromkeys(ACTION_RATES, float(fake.acts))
    mixed = {
        name: np.minimum(1.0, (before["trust_weight"] * before[name] + added * value) / trust)
        for name, value in own.items()
    }
    engagement = sum(rules.action_weights[name.removesuffix("_rate")] * mixed[name] for name in ACTION_RATES)
    return {
        **before,
        **mixed,
        "views": before["views"] + number * fake.views_each,
        "viewers": before["viewers"] + number,
        "trust_weight": trust,
        "engagement_rate": np.minimum(1.0, engagement),
        "engagement_diversity": engagement_diversity(np.column_stack([mixed[name] for name in ACTION_RATES])),
    }
