"""Quality of each video from its signals, as frames (formulas §1.3, §1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.quality.formula import QualityFormula
from creatorpool.quality.smoothing import PRIOR_COLUMNS, QualityPriors, fit_priors
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.refusal import refused
from creatorpool.settings import SignalSettings

_SCORES = "raw_score double, quality_score double, is_compliant boolean, smoothing string"
QUALITY_SCHEMA = f"video_id string, {', '.join(f'{name} double' for name in COMPONENT_NAMES)}, {_SCORES}"


def video_quality(
    signals: DataFrame, videos: DataFrame, settings: SignalSettings, priors: QualityPriors | None = None
) -> DataFrame:
    """One row per video, from `signals` and `videos`: the columns of contract `video_quality` except `date`.

    With `priors` (of `fit_day_priors`) the smoothing is `empirical_bayes`, without them `none`. Custom signals enter
    the score with their exponents; `scored_signals` has them after smoothing.
    """
    formula = QualityFormula.of(settings, is_smoothed=priors is not None)
    return with_category(signals, videos).mapInArrow(_scorer(formula, priors), QUALITY_SCHEMA)


def fit_day_priors(signals: DataFrame, videos: DataFrame, settings: SignalSettings) -> QualityPriors:
    """The priors of `empirical_bayes` from one day's signals; collects `PRIOR_COLUMNS` and custom signals here."""
    custom = sorted(settings.custom)
    table = with_category(signals, videos).select(*PRIOR_COLUMNS, *custom).toArrow()
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    return fit_priors(columns, settings.tiers, custom)


def scored_signals(
    signals: DataFrame, videos: DataFrame, settings: SignalSettings, priors: QualityPriors | None
) -> DataFrame:
    """A day's `signals` with the custom signals as they enter the score; `priors` as in `video_quality`."""
    if priors is None or not settings.custom:
        return signals
    replace = _signal_shrinker(QualityFormula.of(settings, is_smoothed=True), priors, signals.columns)
    return with_category(signals, videos).mapInArrow(replace, signals.schema)


def with_category(signals: DataFrame, videos: DataFrame) -> DataFrame:
    """Signals with `category`, the video's first category, and `is_compliant`; TableGuardError for an unknown video."""
    gates = videos.select("video_id", F.col("categories").getItem(0).alias("category"), "is_compliant")
    unknown = F.concat(F.lit("video_quality: video '"), F.col("video_id"), F.lit("' has no row in videos"))
    return signals.join(gates, on="video_id", how="left").withColumn(  # video_id is the key of videos
        "is_compliant", F.coalesce("is_compliant", refused(unknown, "boolean"))
    )


def _scorer(
    formula: QualityFormula, priors: QualityPriors | None
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """Scores computed by numpy, because the engines' powers and logarithms differ in the last bit."""
    names = [*formula.exponents, "is_compliant", *(PRIOR_COLUMNS if priors is not None else ())]

    def score(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            scores = formula.scores({name: _column(batch, name) for name in names}, priors)
            yield pa.RecordBatch.from_pydict(
                {
                    "video_id": batch.column("video_id").cast(pa.string()),
                    **{name: pa.array(scores.components[name]) for name in COMPONENT_NAMES},
                    "raw_score": pa.array(scores.raw),
                    "quality_score": pa.array(scores.quality),
                    "is_compliant": batch.column("is_compliant"),
                    "smoothing": pa.array(["none" if priors is None else "empirical_bayes"] * batch.num_rows),
                }
            )

    return score


def _signal_shrinker(
    formula: QualityFormula, priors: QualityPriors, columns: Sequence[str]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    names = [*formula.exponents, "is_compliant", *PRIOR_COLUMNS]

    def shrink(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            scored = formula.scores({name: _column(batch, name) for name in names}, priors).components
            own = {name: pa.array(scored[name]) for name in formula.custom}
            yield pa.RecordBatch.from_pydict({name: own.get(name, batch.column(name)) for name in columns})

    return shrink


def _column(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    values: NDArray[Any] = batch.column(name).to_numpy(zero_copy_only=False)
    return values
