"""Events of a window of days as scored interactions, and their videos."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.expressions import require_computable
from creatorpool.quality.frames.pairs import with_qualified
from creatorpool.settings import QualifiedView, RecommendSettings

CATALOGUE_COLUMNS = ("video_id", "code", "views", "is_compliant", "categories")


def catalogue_rows(events: DataFrame, videos: DataFrame, rule: QualifiedView) -> DataFrame:
    """One row per video with events: `CATALOGUE_COLUMNS` and `length_ms`.

    `views` counts the events that qualify by `rule`; `code` is the video's position in order of `video_id`, from 0.
    """
    terms = videos.select("video_id", "length_ms", "is_compliant", "categories")
    counted = with_qualified(events.select("video_id", "watch_ms"), terms.select("video_id", "length_ms"), rule)
    views = counted.groupBy("video_id").agg(F.sum(F.col("qualified").cast("bigint")).alias("views"))
    # Sorts all ids in one task, which is cheap: there are far fewer videos than events.
    place = F.row_number().over(Window.partitionBy(F.lit(0)).orderBy("video_id")) - F.lit(1)
    return views.join(terms, on="video_id", how="inner").withColumn("code", place.cast("int"))


def scored_events(events: DataFrame, catalogue: DataFrame, settings: RecommendSettings) -> DataFrame:
    """One row per event: `viewer_id`, the video's `code`, and the `score` of the first rule that is true.

    Raises
    ------
    ConfigurationError
        If the engine cannot compute a rule over the events' columns and `length_ms`.
    """
    terms = catalogue.select("video_id", "code", "length_ms")
    seen = events.join(terms, on="video_id", how="inner")
    for name, rule in settings.rules().items():
        require_computable(
            seen, settings.interactions.with_origin(name, f"recommend.interactions.{name}"), rule, "boolean"
        )
    return seen.select("viewer_id", "code", _score(settings).alias("score"))


def _score(settings: RecommendSettings) -> Column:
    """The score of the first true rule; null counts as false."""
    score = F.lit(settings.scores.other)
    for name, rule in reversed(settings.rules().items()):
        score = F.when(F.expr(rule), F.lit(getattr(settings.scores, name))).otherwise(score)
    return score
