"""Thousands of pools with cut ties: plans do not grow with them, and each pool is paid as if it were alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from creatorpool.allocation import allocate
from creatorpool.allocation.frames.payouts import fill_payouts, settle_ties
from creatorpool.allocation.frames.pools import pool_columns
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.split import PoolTerms, split_pool
from creatorpool.money import round_to_total

VIDEOS = 6


def terms(number: int) -> PoolTerms:
    return PoolTerms(f"category-{number:05d}", 1_000_003 + number, 0, None, SplitPolicy("linear", 0.5, 0.3))


@pytest.mark.parametrize("number", [400, pytest.param(5_000, marks=pytest.mark.prove)])
def test_many_pools_with_cut_ties_are_each_paid_as_if_alone(spark: SparkSession, number: int) -> None:
    # Small whole numbers: in nearly every pool some videos tie at the rounding threshold.
    impressions = np.random.default_rng(number).integers(1, 3, (number, VIDEOS)).astype(float)
    ids = np.array([f"video-{place}" for place in range(VIDEOS)])
    pools = [terms(place) for place in range(number)]
    columns = {
        "category": np.repeat([pool.category for pool in pools], VIDEOS),
        "video_id": np.tile(ids, number),
        "creator_id": np.tile(ids, number),
        "effective_impressions": impressions.ravel(),
    }
    order = np.random.default_rng(1).permutation(number * VIDEOS)
    table = pa.table({name: pa.array(column[order]) for name, column in columns.items()})
    members = spark.createDataFrame(table).repartition(3)

    read = pool_columns(members, [pool.category for pool in pools])
    splits = [split_pool(pool, read[pool.category][0])[0] for pool in pools]
    settled = settle_ties(members, splits)
    paid = fill_payouts(members, settled).select("category", "video_id", "payout_micros").toArrow()

    assert sum(split.last_raised_id is not None for split in settled) > number / 2
    found = {(row["category"], row["video_id"]): row["payout_micros"] for row in paid.to_pylist()}
    assert len(found) == paid.num_rows == number * VIDEOS
    for pool, own in zip(pools, impressions, strict=True):
        amounts = allocate(
            own, float(pool.pool_micros), alpha=pool.policy.alpha, lambda_eff=pool.policy.lambda_eff
        ).payout
        expected = round_to_total(amounts, pool.pool_micros, order=ids)
        assert [found[pool.category, video] for video in ids] == expected.tolist()
