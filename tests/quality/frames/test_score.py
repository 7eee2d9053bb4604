"""The quality table: its contract, the gate, smoothing and custom signals."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from tests.quality.random_logs import random_logs

from creatorpool.contracts import load_contract
from creatorpool.contracts.schema import require_schema
from creatorpool.errors import TableGuardError
from creatorpool.quality import geometric_quality, shrink
from creatorpool.quality.frames.coverage import day_coverage
from creatorpool.quality.frames.score import fit_day_priors, scored_signals, video_quality
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.quality.smoothing import effective_viewers
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.settings import CustomSignal


@pytest.fixture(scope="module")
def day(spark, configuration) -> tuple[DataFrame, DataFrame]:
    """(signals, videos) of a random day, the signals computed once."""
    events, viewers, videos = random_logs(120, seed=21).frames(spark)
    return video_signals(events, viewers, videos, configuration.signals).cache(), videos


def test_video_quality_meets_its_contract(day: tuple[DataFrame, DataFrame], configuration):
    quality = video_quality(*day, configuration.signals)
    require_schema(quality.withColumn("date", F.lit("2026-11-20").cast("date")).schema, load_contract("video_quality"))
    assert {row.smoothing for row in quality.select("smoothing").distinct().collect()} == {"none"}


def test_video_quality_of_components_is_the_public_function(day: tuple[DataFrame, DataFrame], configuration):
    found = video_quality(*day, configuration.signals).toPandas()
    weights = [configuration.signals.exponents()[name] for name in COMPONENT_NAMES]
    expected = geometric_quality(found[list(COMPONENT_NAMES)].to_numpy(), weights, found.is_compliant)
    np.testing.assert_array_equal(found.quality_score, expected)
    assert not found.is_compliant.all()
    assert (found.quality_score[~found.is_compliant] == 0).all()
    assert (found.raw_score[~found.is_compliant] > 0).any()


def test_video_quality_with_empirical_bayes_shrinks_rates_and_widens_coverage(
    day: tuple[DataFrame, DataFrame], configuration
):
    signals, videos = day
    priors = fit_day_priors(signals, videos, configuration.signals)
    smoothed = video_quality(signals, videos, configuration.signals, priors).toPandas().set_index("video_id")
    plain = video_quality(signals, videos, configuration.signals).toPandas().set_index("video_id").loc[smoothed.index]

    rows = signals.join(videos, "video_id").toPandas().set_index("video_id").loc[smoothed.index]
    n = effective_viewers(rows.viewers.to_numpy(), rows.trust_weight.to_numpy(), configuration.signals.tiers)
    first_category = np.array([categories[0] for categories in rows.categories])
    assert_allclose(smoothed.rewatch, shrink(rows.rewatch * n, n, first_category), rtol=1e-12)
    assert set(smoothed.smoothing) == {"empirical_bayes"}
    for unchanged in ("watch_completion", "safety", "is_compliant"):
        np.testing.assert_array_equal(smoothed[unchanged], plain[unchanged])
    assert (smoothed.quality_score > 0).mean() > (plain.quality_score > 0).mean()


def test_video_quality_with_custom_signal_multiplies_it_in(spark, configuration):
    events, viewers, videos = random_logs(60, seed=22).frames(spark)
    custom = {"long_view": CustomSignal(expression="CAST(watch_ms >= 18000 AS DOUBLE)", weight=0.2, range=(0, 1))}
    settings = configuration.signals.model_copy(update={"custom": custom})
    signals = video_signals(events, viewers, videos, settings)
    found = video_quality(signals, videos, settings).toPandas().set_index("video_id").sort_index()
    plain = video_quality(signals, videos, configuration.signals).toPandas().set_index("video_id").sort_index()
    share = signals.toPandas().set_index("video_id").sort_index().long_view
    assert ((share > 0) & (share < 1)).any()
    assert_allclose(found.raw_score, plain.raw_score**0.8 * share**0.2, rtol=1e-12)


def test_smoothing_with_a_custom_signal_pays_videos_without_it(spark, configuration):
    events, viewers, videos = random_logs(120, seed=23).frames(spark)
    custom = {"finished": CustomSignal(expression="CAST(watch_ms >= length_ms AS DOUBLE)", weight=0.2, range=(0, 1))}
    settings = configuration.signals.model_copy(update={"custom": custom})
    signals = video_signals(events, viewers, videos, settings).cache()
    priors = fit_day_priors(signals, videos, settings)
    found = video_quality(signals, videos, settings, priors).toPandas().set_index("video_id").sort_index()
    raw = signals.toPandas().set_index("video_id").sort_index()
    shrunk = scored_signals(signals, videos, settings, priors).toPandas().set_index("video_id").sort_index()

    assert (raw.finished == 0).any()
    assert (shrunk.finished > 0).all()
    assert (found.raw_score[raw.finished == 0] > 0).any()
    weights = settings.exponents()
    factors = [found[name] ** weights[name] for name in COMPONENT_NAMES] + [shrunk.finished ** weights["finished"]]
    assert_allclose(found.raw_score, np.prod(factors, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(shrunk.drop(columns="finished"), raw.drop(columns="finished"))


def test_coverage_counts_videos_at_which_a_signal_is_zero(day: tuple[DataFrame, DataFrame], configuration):
    signals, videos = day
    found = day_coverage(signals, video_quality(signals, videos, configuration.signals), configuration)
    rows = video_quality(signals, videos, configuration.signals).toPandas()
    rows = rows[rows.is_compliant]
    assert (found.compliant, found.rated) == (len(rows), (rows.quality_score > 0).sum())
    assert dict(found.at_zero) == {name: (rows[name] == 0).sum() for name in COMPONENT_NAMES}
    assert not found.is_smoothed


def test_video_quality_of_video_without_row_is_refused(day, configuration, warehouse):
    signals, videos = day
    quality = video_quality(signals, videos.limit(1), configuration.signals)
    with pytest.raises(TableGuardError, match=r"video_quality: video 'v\d+' has no row in videos"):
        warehouse.replace_day(quality, "video_quality", dt.date(2026, 11, 20))
