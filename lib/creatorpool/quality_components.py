"""The published components of quality: the only list of them.

A further component is one entry here, a column in each of the contracts `video_signals`, `video_quality` and
`payout_changes`, its weight in conf/base.yaml and its expression in `quality.frames.video_signals`. A custom signal
(conf/signals.yaml) needs no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Smoothing = Literal["none", "rate", "actions"]
"""Under `quality.smoothing: empirical_bayes` a component stays as measured, is a rate that shrinks towards its
category's, or is formed anew from the shrunk rates of the actions."""


@dataclass(frozen=True)
class Component:
    """A factor of the quality score, in [0, 1]."""

    name: str
    """Column of `video_signals` and `video_quality`, and key of its weight φ under `signals.component_weights`"""
    words: str
    """As a creator's statement names it among the reasons of a change"""
    smoothing: Smoothing


COMPONENTS = (
    Component("watch_completion", "watch completion", "none"),
    Component("engagement_rate", "engagement rate", "actions"),
    Component("engagement_diversity", "engagement diversity", "actions"),
    Component("rewatch", "rewatching", "rate"),
    Component("safety", "safety", "none"),
)
"""Their order is that in which logarithms are summed: it decides the last bit of every score."""

COMPONENT_NAMES = tuple(component.name for component in COMPONENTS)
SMOOTHED_RATES = tuple(component.name for component in COMPONENTS if component.smoothing == "rate")
