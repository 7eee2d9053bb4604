"""Members of pools, and pools from revenue."""

from __future__ import annotations

from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from creatorpool.allocation.frames.pools import category_revenue, pool_members, pulse_earnings
from creatorpool.allocation.revenue import form_pools
from creatorpool.settings import PoolSettings, load_settings

REVENUE = "date date, category string, placement string, video_id string, revenue_micros bigint, currency string"
DAY = date(2026, 11, 20)


def settings(**changes: object) -> PoolSettings:
    return load_settings(assignments=[f"pools.{key}={value}" for key, value in changes.items()]).pools


@pytest.fixture
def revenue(spark: SparkSession) -> DataFrame:
    rows = [
        (DAY, "music", "non_pulse", None, 1001, "USD"),
        (DAY, "music", "non_pulse", None, 2, "USD"),
        (DAY, "gaming", "non_pulse", None, 7, "USD"),
        (DAY, "music", "pulse", "v1", 9, "USD"),
        (DAY, "gaming", "pulse", "v1", 4, "USD"),
        (DAY, "gaming", "pulse", "v2", 9_000_000_000_000_000_001, "USD"),
    ]
    return spark.createDataFrame(rows, REVENUE)


def test_form_pools_takes_the_platform_share_of_non_pulse_revenue_only(revenue: DataFrame) -> None:
    rows = [row.asDict() for row in category_revenue(revenue).collect()]

    pools = form_pools(rows, settings(platform_share=0.3))

    assert [(pool.category, pool.gross_micros, pool.pool_micros) for pool in pools] == [
        ("gaming", 7, 4),
        ("music", 1003, 702),
    ]


@pytest.mark.parametrize(("share", "pool"), [(0.0, 10**18 + 1), (1.0, 0), (0.1, 9 * 10**17), (0.45, 55 * 10**16)])
def test_form_pools_is_exact_for_large_sums(share: float, pool: int) -> None:
    row = {"category": "c", "gross_micros": 10**18 + 1, "refunds_micros": 0, "currency": "USD"}

    assert form_pools([row], settings(platform_share=share))[0].pool_micros == pool


def test_pulse_earnings_are_each_videos_share_rounded_down(spark: SparkSession, revenue: DataFrame) -> None:
    expected = spark.createDataFrame(
        [("v1", 7), ("v2", 5_400_000_000_000_000_000)], "video_id string, pulse_micros bigint"
    )

    earned = pulse_earnings(revenue, settings(pulse_creator_share=0.6))

    assert_df_equality(earned, expected, ignore_row_order=True, ignore_nullable=True)


@pytest.fixture
def described(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    quality = spark.createDataFrame(
        [("v1", 0.5), ("v2", 0.25), ("v3", 0.9), ("v4", 0.0), ("v5", 1.0)], "video_id string, quality_score double"
    )
    signals = spark.createDataFrame(
        [("v1", 10), ("v2", 8), ("v3", 5), ("v4", 3), ("v5", 0)], "video_id string, views bigint"
    )
    videos = spark.createDataFrame(
        [
            ("v1", "a", ["music", "gaming", "music"], True, False),
            ("v2", "a", ["music"], True, True),
            ("v3", "b", ["music"], False, False),
            ("v4", "b", ["gaming"], True, False),
            ("v5", "b", ["gaming"], True, False),
            ("v6", "c", ["gaming"], True, False),
        ],
        "video_id string, creator_id string, categories array<string>, is_compliant boolean, is_pulse boolean",
    )
    return quality, signals, videos


@pytest.mark.parametrize("pulse_joins", [True, False])
def test_pool_members_are_compliant_viewed_videos_once_in_each_category(
    spark: SparkSession, described: tuple[DataFrame, DataFrame, DataFrame], pulse_joins: bool
) -> None:
    quality, signals, videos = described
    rows = [("gaming", "v1", "a", 5.0), ("music", "v1", "a", 5.0), ("gaming", "v4", "b", 0.0)]
    rows += [("music", "v2", "a", 2.0)] if pulse_joins else []

    members = pool_members(quality, signals, videos, settings(pulse_videos_join_pools=str(pulse_joins).lower()))

    expected = spark.createDataFrame(
        rows, "category string, video_id string, creator_id string, effective_impressions double"
    )
    assert_df_equality(members, expected, ignore_row_order=True, ignore_nullable=True)
