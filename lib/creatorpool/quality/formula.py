"""From a video's signals to its quality: the one formula of nights, evaluations and the audit of attacks.

Pure numpy over columns of table `video_signals`. A video's result depends on its own row and on the fitted priors.
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
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.settings import SignalSettings

Columns = Mapping[str, NDArray[Any]]
"""(n,) columns of table `video_signals`, with `category`, the video's first category, and `is_compliant`."""


class Scores(NamedTuple):
    """Scores of n videos; (n,) arrays."""

    components: dict[str, Floats]
    """Published components and custom signals, after smoothing"""
    raw: Floats
    """q, before the clamp and the compliance gate"""
    quality: Floats
    """Q, in [0, 1]"""


@dataclass(frozen=True)
class QualityFormula:
    """The parameters of quality. All are plain values, because executors receive the formula."""

    exponents: Mapping[str, float]
    """φ of every component, custom signals included"""
    action_weights: Mapping[str, float]
    tiers: Mapping[str, float]
    is_smoothed: bool
    """Whether rates shrink to the mean of their category"""

    @classmethod
    def of(cls, settings: SignalSettings, *, is_smoothed: bool) -> QualityFormula:
        """The formula with the parameters of a configuration."""
        return cls(settings.exponents(), settings.action_weights.model_dump(), dict(settings.tiers), is_smoothed)

    @property
    def custom(self) -> tuple[str, ...]:
        """Names of the custom signals."""
        return tuple(name for name in self.exponents if name not in COMPONENT_NAMES)

    def priors(self, columns: Columns) -> QualityPriors | None:
        """Priors fitted from the signals of whole categories; None without smoothing.

        `columns` must hold `smoothing.PRIOR_COLUMNS` and the custom signals; errors are those of `fit_priors`.
        """
        return fit_priors(columns, self.tiers, self.custom) if self.is_smoothed else None

    def scores(self, columns: Columns, priors: QualityPriors | None) -> Scores:
        """Components, raw score and quality of each video (formulas §1); `priors` is None without smoothing.

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
        """(n,) effective impressions M = views · Q; arguments and errors as `scores`."""
        return np.asarray(columns["views"] * self.scores(columns, priors).quality, dtype=np.float64)
