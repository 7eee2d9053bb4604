"""From a video's signals to its quality: the one formula that nights pay by and that attacks are measured with.

Pure numpy over columns of table `video_signals`: each video's result depends on its own row and on the fitted priors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from creatorpool.numerics.types import Floats
from creatorpool.quality.geometric import gated, geometric_mean
from creatorpool.quality.smoothing import QualityPriors, fit_priors, smoothed_components
from creatorpool.settings import SignalSettings

Columns = Mapping[str, NDArray[Any]]
"""Signals of (n,) videos, as table `video_signals` has them; `category`, the video's first; `is_compliant`."""


class Scores(NamedTuple):
    """Of n videos; (n,) arrays."""

    components: dict[str, Floats]
    """Published ones and custom signals, after smoothing"""
    raw: Floats
    """q, before the clamp and the compliance gate"""
    quality: Floats
    """Q, in [0, 1]"""


@dataclass(frozen=True)
class QualityFormula:
    """All that quality depends on beside a video's signals; plain values, as it travels to the executors."""

    exponents: Mapping[str, float]
    """φ of every component, custom signals included"""
    action_weights: Mapping[str, float]
    tiers: Mapping[str, float]
    is_smoothed: bool
    """Whether rates shrink towards their category's"""

    @classmethod
    def of(cls, settings: SignalSettings, *, is_smoothed: bool) -> QualityFormula:
        """The formula of a configuration."""
        return cls(settings.exponents(), settings.action_weights.model_dump(), dict(settings.tiers), is_smoothed)

    def priors(self, columns: Columns) -> QualityPriors | None:
        """Fitted from the signals of whole categories where rates are smoothed, else None.

        `columns` are those of `smoothing.PRIOR_COLUMNS`.
        """
        return fit_priors(columns, self.tiers) if self.is_smoothed else None

    def scores(self, columns: Columns, priors: QualityPriors | None) -> Scores:
        """Components, raw score and quality of each video (formulas §1); `priors` is None where nothing is smoothed.

        Raises
        ------
        InputError
            If a component is not within [0, 1], or a category has no fitted prior.
        """
        components = {name: columns[name] for name in self.exponents}
        if priors is not None:
            components |= smoothed_components(columns, priors, self.tiers, self.action_weights)
        stack = np.column_stack([components[name] for name in self.exponents])
        raw = geometric_mean(stack, list(self.exponents.values()))
        return Scores(components, raw, gated(raw, columns["is_compliant"]))

    def effective_impressions(self, columns: Columns, priors: QualityPriors | None) -> Floats:
        """M = views · Q of each video."""
        return np.asarray(columns["views"] * self.scores(columns, priors).quality, dtype=np.float64)
