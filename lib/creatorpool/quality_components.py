"""The published components of quality: the only list of them.

A further component is one entry here, a column in each of the contracts `video_signals`, `video_quality` and
`payout_changes`, its weight in conf/base.yaml and its expression in `quality.frames.video_signals`. A custom signal
(conf/signals.yaml) needs no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Smoothing = Literal["none", "rate", "actions"]
"""What `quality.smoothing: empirical_bayes` does to a component: `none` leaves it as measured, `rate` shrinks it
towards the rate of its category, `actions` computes it from the shrunk rates of the actions."""


@dataclass(frozen=True)
class Component:
    """A factor of the quality score, in [0, 1]."""

    name: str
    """Column of `video_signals` and `video_quality`, and key of its weight φ under `signals.component_weights`"""
    label: str
    """Its name in a creator's statement, among the reasons for a change"""
    smoothing: Smoothing


COMPONENTS = (
    Component("watch_completion", "watch completion", "none"),
    Component("engagement_rate", "engagement rate", "actions"),
    Component("engagement_diversity", "engagement diversity", "actions"),
    Component("rewatch", "rewatching", "rate"),
    Component("safety", "safety", "none"),
)
"""Logarithms are summed in this order: it decides the last bit of every score."""

COMPONENT_NAMES = tuple(component.name for component in COMPONENTS)
SMOOTHED_RATES = tuple(component.name for component in COMPONENTS if component.smoothing == "rate")
