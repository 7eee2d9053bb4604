"""Trust-weighted signals of each video over one day (formulas §1.2)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from creatorpool.actions import ACTION_RATES, ACTIONS
from creatorpool.quality.frames import components
from creatorpool.quality.frames.columns import SIGNAL_COLUMNS
from creatorpool.quality.frames.custom import require_signals
from creatorpool.quality.frames.keys import pair_keys
from creatorpool.quality.frames.pairs import viewer_video_pairs
from creatorpool.quality.geometric import engagement_diversity
from creatorpool.refusal import refused
from creatorpool.settings import SignalSettings


def video_signals(events: DataFrame, viewers: DataFrame, videos: DataFrame, settings: SignalSettings) -> DataFrame:
    """One row per video with a qualified view, from one day's `events`, `viewers` and `videos`, by their contracts.

    The columns are those of contract `video_signals` except `date`, and one per custom signal. A viewer without a row
    in `viewers` or with a tier that is not configured, and a video without a row in `videos`, raise TableGuardError
    when the rows are computed.

    Raises
    ------
    ConfigurationError
        If a custom signal has a taken name or an expression that gives no number.
    """
    keys = pair_keys(viewers, videos)
    pairs = viewer_video_pairs(events, viewers, videos, settings, keys)
    taken = {"date", "video_id", "video_key", "is_compliant", *components.PUBLISHED, *SIGNAL_COLUMNS}
    require_signals(pairs, settings.custom, taken)
    safety = components.safety(settings.toxicity_penalty)
    known = videos.select(keys.video.alias("video_key"), "video_id", safety.alias("safety"))
    return (
        components.tier_sums(pairs, settings)
        .filter(
            (F.col("views") > 0) | F.col("length_ms").isNull()
        )  # a video without a length has no views: refused below
        .join(known, on="video_key", how="left")  # video_id is the key of videos
        .transform(_with_components, settings)
        .transform(_with_diversity)
        .select("video_id", *SIGNAL_COLUMNS, *sorted(settings.custom))
    )


def _with_components(sums: DataFrame, settings: SignalSettings) -> DataFrame:
    tiers = settings.tiers
    measured = sums.select(
        "video_id",
        "views",
        _refuse_unknown("pairs", tiers).alias("viewers"),
        components.weighted_sum("viewers", tiers).alias("trust_weight"),
        components.watch_completion(tiers).alias("watch_completion"),
        components.rate("rewatch", tiers).alias("rewatch"),
        "safety",
        *(components.rate(action.name, tiers).alias(action.rate_column) for action in ACTIONS),
        *(components.custom_component(name, tiers).alias(name) for name in sorted(settings.custom)),
    )
    return measured.withColumn("engagement_rate", components.engagement_rate(settings.action_weights))


def _refuse_unknown(column: str, tiers: dict[str, float]) -> Column:
    """`column`, or an error: an unknown viewer or video must not silently drop out of the sums."""
    all_known = (components.viewers_in_tiers(tiers) == F.col("pairs")) & F.col("length_ms").isNotNull()
    fault = F.concat(
        F.lit("video_signals: "),
        F.coalesce(F.concat(F.lit("video '"), F.col("video_id"), F.lit("'")), F.lit("a video")),
        F.lit(f" has no row in videos, or a viewer without a row in viewers or of a tier not in {sorted(tiers)}"),
    )
    return F.when(all_known, F.col(column)).otherwise(refused(fault, "long"))


def _with_diversity(signals: DataFrame) -> DataFrame:
    """Add D by numpy, because the engines' logarithms differ in the last bit."""
    schema = StructType([*signals.schema.fields, StructField("engagement_diversity", DoubleType())])
    return signals.mapInArrow(_append_diversity, schema)


def _append_diversity(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        rates = np.column_stack([batch.column(rate).to_numpy(zero_copy_only=False) for rate in ACTION_RATES])
        yield batch.append_column("engagement_diversity", pa.array(engagement_diversity(rates)))
