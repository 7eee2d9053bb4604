"""Payouts filled in by the engine close to the micro and do not depend on partitions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from creatorpool.allocation import allocate
from creatorpool.allocation.frames.payouts import creator_totals, fill_payouts, fill_rows, settle_ties, video_totals
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.pool_creators import pool_creators
from creatorpool.allocation.split import PoolTerms, split_pool
from creatorpool.money import round_to_total

MEMBER_COLUMNS = "category string, video_id string, creator_id string, effective_impressions double"


def terms(category: str, micros: int, **changes: object) -> PoolTerms:
    bounds = {name: changes.pop(name, default) for name, default in (("floor_micros", 0), ("cap_micros", None))}
    policy = replace(SplitPolicy("linear", 0.5, 0.3), **changes)  # type: ignore[arg-type]
    return PoolTerms(category=category, pool_micros=micros, policy=policy, **bounds)  # type: ignore[arg-type]


def members(spark: SparkSession, impressions: dict[str, np.ndarray]) -> DataFrame:
    rows = [
        (category, f"v{position:04d}", f"c{position % 7}", float(value))
        for category, column in impressions.items()
        for position, value in enumerate(column)
    ]
    return spark.createDataFrame(rows, MEMBER_COLUMNS)


@pytest.fixture(scope="module")
def impressions() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    return {
        "gaming": rng.pareto(1.2, 300),
        # Whole numbers: many videos share one remainder, and ties must be cut by id.
        "music": rng.integers(0, 4, 400).astype(float),
        "one": np.array([3.5]),
        "equal": np.full(10, 2.0),
    }


@pytest.fixture(scope="module")
def pool_terms() -> dict[str, PoolTerms]:
    return {
        "gaming": terms("gaming", 123_456_789_012, alpha=0.7, floor_micros=1000, cap_micros=3_000_000_000),
        "music": terms("music", 1_000_003, objective="log"),
        "one": terms("one", 1),
        "equal": terms("equal", 100_000_007, lambda_eff=1.0),
    }


def paid(frame: DataFrame, pool_terms: dict[str, PoolTerms], impressions: dict[str, np.ndarray]) -> list[tuple]:
    splits = [split_pool(pool_terms[name], impressions[name])[0] for name in pool_terms]
    rows = fill_payouts(frame, settle_ties(frame, splits)).collect()
    return sorted(tuple(row) for row in rows)


def test_fill_payouts_closes_every_pool_and_equals_rounding_in_one_place(
    spark: SparkSession, impressions: dict[str, np.ndarray], pool_terms: dict[str, PoolTerms]
) -> None:
    frame = members(spark, impressions)

    rows = paid(frame, pool_terms, impressions)

    for name, chosen in pool_terms.items():
        found = np.array([row[8] for row in rows if row[0] == name])
        floor, cap = chosen.bounds(impressions[name])
        whole = allocate(
            impressions[name],
            float(chosen.pool_micros),
            alpha=chosen.policy.alpha,
            lambda_eff=chosen.policy.lambda_eff,
            floor=floor,
            cap=cap,
            objective=chosen.policy.objective,
        )
        ids = [f"v{position:04d}" for position in range(impressions[name].size)]
        expected = round_to_total(whole.payout, chosen.pool_micros, lower=floor, upper=cap, order=np.array(ids))
        assert found.sum() == chosen.pool_micros
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("partitions", [1, 7])
def test_fill_payouts_does_not_depend_on_order_or_partitions(
    spark: SparkSession, impressions: dict[str, np.ndarray], pool_terms: dict[str, PoolTerms], partitions: int
) -> None:
    frame = members(spark, impressions)
    shuffled = {name: np.random.default_rng(3).permutation(column) for name, column in impressions.items()}
    spread = frame.orderBy("effective_impressions").repartition(partitions)

    expected = paid(frame, pool_terms, impressions)

    assert paid(spread, pool_terms, shuffled) == expected


@pytest.mark.parametrize("partitions", [1, 5])
def test_settle_ties_within_creators_at_their_caps_and_of_the_pool_cuts_by_id(
    spark: SparkSession, partitions: int
) -> None:
    # Creator c0's 50 equal videos share 40 micros, and c1's 30 videos share 7; pool "free" has only ties of the pool.
    creator = np.array(["c0"] * 50 + ["c1"] * 30 + ["c2"] * 7)
    column = np.full(creator.size, 3.0)
    caps = np.where(creator == "c0", 40.0, np.where(creator == "c1", 7.0, np.nan))
    rows = [("music", f"v{v:04d}", str(creator[v]), 3.0) for v in range(creator.size)]
    free = [("free", f"v{v:04d}", "c0", 2.0) for v in range(9)]
    frame = spark.createDataFrame([*rows[::-1], *free], MEMBER_COLUMNS).repartition(partitions)
    splits = [
        split_pool(terms("music", 1_003), column, pool_creators(creator, caps))[0],
        split_pool(terms("free", 13), np.full(9, 2.0))[0],
    ]

    settled = settle_ties(frame, splits)

    found = {(row["category"], row["video_id"]): row["payout_micros"] for row in fill_payouts(frame, settled).collect()}
    music = [found["music", f"v{v:04d}"] for v in range(creator.size)]
    assert music[:50] == [1] * 40 + [0] * 10
    assert music[50:80] == [1] * 7 + [0] * 23
    assert music[80:] == [137] * 4 + [136] * 3  # 1,003 - 47 = 7 · 136 + 4
    assert [found["free", f"v{v:04d}"] for v in range(9)] == [2] * 4 + [1] * 5
    assert not any(split.has_open_creator_ties or split.open_ties for split in settled)


def test_video_and_creator_totals_add_pools_and_pulse(spark: SparkSession) -> None:
    pools = spark.createDataFrame(
        [("music", "v1", 10), ("gaming", "v1", 5), ("music", "v2", 0)],
        "category string, video_id string, payout_micros bigint",
    )
    pulse = spark.createDataFrame([("v1", 3), ("v3", 4)], "video_id string, pulse_micros bigint")
    videos = spark.createDataFrame([("v1", "a"), ("v2", "a"), ("v3", "b")], "video_id string, creator_id string")

    by_video = video_totals(pools, pulse, videos, "USD")
    by_creator = creator_totals(by_video)

    expected = spark.createDataFrame(
        [("v1", "a", 15, 3, 18, "USD"), ("v2", "a", 0, 0, 0, "USD"), ("v3", "b", 0, 4, 4, "USD")],
        "video_id string, creator_id string, payout_micros bigint, pulse_micros bigint, total_micros bigint, "
        "currency string",
    )
    assert_df_equality(by_video, expected, ignore_row_order=True, ignore_nullable=True)
    expected = spark.createDataFrame(
        [("a", 15, 3, 18, 1, "USD"), ("b", 0, 4, 4, 1, "USD")],
        "creator_id string, payout_micros bigint, pulse_micros bigint, total_micros bigint, videos_paid bigint, "
        "currency string",
    )
    assert_df_equality(by_creator, expected, ignore_row_order=True, ignore_nullable=True)


@settings(max_examples=60)
@given(
    values=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    micros=st.integers(0, 10**12),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    alpha=st.sampled_from([0.5, 0.63, 1.0]),
    objective=st.sampled_from(["linear", "log"]),
)
def test_fill_rows_of_any_batches_closes_the_pool(
    values: list[int], micros: int, cuts: list[int], alpha: float, objective: str
) -> None:
    column = np.array(values, dtype=float)
    column[0] += 1  # at least one video has effective impressions
    split, _ = split_pool(terms("p", micros, alpha=alpha, objective=objective), column)
    ids = pa.array([f"v{position:02d}" for position in range(column.size)])
    names = ["category", "video_id", "creator_id", "effective_impressions"]
    batch = pa.RecordBatch.from_arrays([pa.array(["p"] * column.size), ids, ids, pa.array(column)], names)
    tied = [row["video_id"] for row in fill_rows(batch, split).to_pylist() if row["is_tied"]]
    raised = split.rounding.raised_ties
    settled = type(split)(split.terms, split.dual, split.rounding, sorted(tied)[raised - 1] if raised else None)

    edges = [0, *sorted(min(cut, column.size) for cut in cuts), column.size]
    batches = [batch.slice(start, end - start) for start, end in itertools.pairwise(edges) if end > start]
    total = sum(sum(fill_rows(part, settled).column("payout_micros").to_pylist()) for part in batches)

    assert total == micros
