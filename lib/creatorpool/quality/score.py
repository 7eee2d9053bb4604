"""Quality of each video from its signals (formulas §1.3, §1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.quality.geometric import geometric_mean
from creatorpool.quality.smoothing import SHRUNK_RATES, QualityPriors, fit_priors, smoothed_components
from creatorpool.refusal import refused
from creatorpool.settings import SignalSettings

COMPONENTS = ("watch_completion", "engagement_rate", "engagement_diversity", "rewatch", "safety")
PRIOR_COLUMNS = ("category", "viewers", "trust_weight", *SHRUNK_RATES)

QUALITY_SCHEMA = (
    "video_id string, watch_completion double, engagement_rate double, engagement_diversity double, "
    "rewatch double, safety double, raw_score double, quality_score double, is_compliant boolean, smoothing string"
)


@dataclass(frozen=True)
class QualityFormula:
    """All that one video's score depends on beside its signals; plain values, as it travels to the executors."""

    exponents: dict[str, float]
    action_weights: dict[str, float]
    tiers: dict[str, float]
    priors: QualityPriors | None


def video_quality(
    signals: DataFrame, videos: DataFrame, settings: SignalSettings, priors: QualityPriors | None = None
) -> DataFrame:
    """One row per video: `video_signals` and `videos` in, `video_quality` out, without `date`, by their contracts.

    With `priors` (of `fit_day_priors`) the smoothing is `empirical_bayes`, without them `none`. Custom signals
    enter the score with their exponents and are not repeated here: nothing changes them on the way.
    """
    formula = QualityFormula(
        settings.exponents(), settings.action_weights.model_dump(), dict(sorted(settings.tiers.items())), priors
    )
    return with_category(signals, videos).mapInArrow(_scorer(formula), QUALITY_SCHEMA)


def fit_day_priors(signals: DataFrame, videos: DataFrame, settings: SignalSettings) -> QualityPriors:
    """The priors of `empirical_bayes`, from one day's signals: brings `PRIOR_COLUMNS` to this process."""
    table = with_category(signals, videos).select(*PRIOR_COLUMNS).toArrow()
    return fit_priors({name: table.column(name).to_numpy() for name in PRIOR_COLUMNS}, settings.tiers)


def with_category(signals: DataFrame, videos: DataFrame) -> DataFrame:
    """Signals with `category`, the video's first, and `is_compliant`. A video unknown to `videos` is an error."""
    gates = videos.select("video_id", F.col("categories").getItem(0).alias("category"), "is_compliant")
    unknown = F.concat(F.lit("video_quality: video '"), F.col("video_id"), F.lit("' has no row in videos"))
    return signals.join(gates, on="video_id", how="left").withColumn(  # video_id is the key of videos
        "is_compliant", F.coalesce("is_compliant", refused(unknown, "boolean"))
    )


def _scorer(formula: QualityFormula) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Scores by numpy on every engine: their powers and logarithms differ in the last bit."""

    def score(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            yield _scored(batch, formula)

    return score


def _scored(batch: pa.RecordBatch, formula: QualityFormula) -> pa.RecordBatch:
    components = _components(batch, formula)
    raw = geometric_mean(
        np.column_stack([components[name] for name in formula.exponents]), list(formula.exponents.values())
    )
    compliant = _column(batch, "is_compliant")
    return pa.RecordBatch.from_pydict(
        {
            "video_id": batch.column("video_id").cast(pa.string()),
            **{name: pa.array(components[name]) for name in COMPONENTS},
            "raw_score": pa.array(raw),
            "quality_score": pa.array(np.where(compliant, np.minimum(1.0, raw), 0.0)),
            "is_compliant": batch.column("is_compliant"),
            "smoothing": pa.array(["none" if formula.priors is None else "empirical_bayes"] * batch.num_rows),
        }
    )


def _components(batch: pa.RecordBatch, formula: QualityFormula) -> dict[str, NDArray[np.float64]]:
    components = {name: _column(batch, name) for name in formula.exponents}
    if formula.priors is None:
        return components
    columns = {name: _column(batch, name) for name in PRIOR_COLUMNS}
    return components | smoothed_components(columns, formula.priors, formula.tiers, formula.action_weights)


def _column(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    values: NDArray[Any] = batch.column(name).to_numpy(zero_copy_only=False)
    return values
