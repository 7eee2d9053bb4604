"""Quality components as column expressions over exact integer sums (formulas §1.1, §1.2).

Sums over viewers are sums of integers, one per trust tier, so that neither the order of rows nor the engine can change
them. The few operations that follow have results that IEEE 754 defines, and run in a fixed order of tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.actions import ACTION_NAMES, ACTIONS
from creatorpool.quality.frames.custom import MILLIONTHS, pair_millionths
from creatorpool.settings import ActionWeights, CustomSignal, SignalSettings

PUBLISHED = ("viewers", "watched_ms", *ACTION_NAMES, "rewatch")
"""Quantities of a pair that are summed per video; custom signals are added to them."""


def tier_sums(pairs: DataFrame, settings: SignalSettings) -> DataFrame:
    """One row per `video_key`: the sum of each pair quantity in each tier, and `views`, `pairs`, `length_ms`."""
    quantities = pair_quantities(settings.custom)
    tiers = sorted(settings.tiers)
    # Each quantity and tier flag is computed once per pair; the sums are over their products.
    measured = pairs.select(
        *("video_key", "length_ms", "views"),
        *(F.when(F.col("trust_tier") == tier, 1).otherwise(0).alias(_in_tier(t)) for t, tier in enumerate(tiers)),
        *(quantity.alias(name) for name, quantity in quantities.items()),
    )
    sums = (
        F.sum(F.col(name) * F.col(_in_tier(t))).alias(_sum_name(name, t))
        for t in range(len(tiers))
        for name in quantities
    )
    return measured.groupBy("video_key").agg(
        F.max("length_ms").alias("length_ms"), F.sum("views").alias("views"), F.count("*").alias("pairs"), *sums
    )


def pair_quantities(custom: Mapping[str, CustomSignal]) -> dict[str, Column]:
    """The quantities that are summed over a video's pairs, as BIGINT: `PUBLISHED` and the custom signals."""
    actions = {action.name: F.col(action.event_column).cast("long") for action in ACTIONS}
    own = {name: pair_millionths(signal) for name, signal in sorted(custom.items())}
    return {
        "viewers": F.lit(1).cast("long"),
        "watched_ms": F.least("watch_ms", "length_ms"),
        **actions,
        "rewatch": watched_again().cast("long"),
        **own,
    }


def watched_again() -> Column:
    """r_i: the viewer watched more than one loop, by watch time or by the loop count of the log."""
    return (F.col("watch_ms") > F.col("length_ms")) | (F.col("loop_count") > 1)


def weighted_sum(name: str, tiers: Mapping[str, float]) -> Column:
    """Σ w_i x_i of the quantity `name`, from its sums by tier."""
    terms = (
        F.lit(float(tiers[tier])) * F.col(_sum_name(name, position)).cast("double")
        for position, tier in enumerate(sorted(tiers))
    )
    return _sum_in_order(F.lit(0.0), terms)


def viewers_in_tiers(tiers: Mapping[str, float]) -> Column:
    """Number of viewers in the configured tiers."""
    return _sum_in_order(
        F.lit(0).cast("long"), (F.col(_sum_name("viewers", position)) for position in range(len(tiers)))
    )


def _sum_in_order(zero: Column, terms: Iterable[Column]) -> Column:
    """`zero` plus the terms, added in their order; the depth of the expression does not grow with their number."""
    return F.aggregate(F.array(*terms), zero, add)


def at_most_one(value: Column) -> Column:
    """`value`, at most 1: a rounding error can lift a share above 1."""
    return F.least(value, F.lit(1.0))


def rate(name: str, tiers: Mapping[str, float]) -> Column:
    """Trust-weighted share of viewers, Σ w̃_i x_i, of a 0/1 quantity."""
    return at_most_one(weighted_sum(name, tiers) / weighted_sum("viewers", tiers))


def watch_completion(tiers: Mapping[str, float]) -> Column:
    """W = Σ w̃_i min(1, t_i / L)."""
    whole = F.col("length_ms").cast("double") * weighted_sum("viewers", tiers)
    return at_most_one(weighted_sum("watched_ms", tiers) / whole)


def engagement_rate(weights: ActionWeights) -> Column:
    """E = min(1, Σ_a β_a Σ_i w̃_i 1{a by i}), from the rates of actions."""
    beta = weights.model_dump()
    terms = (F.lit(float(beta[action.name])) * F.col(action.rate_column) for action in ACTIONS)
    return at_most_one(reduce(add, terms))


def custom_component(name: str, tiers: Mapping[str, float]) -> Column:
    """Trust-weighted mean of a custom signal, in [0, 1]."""
    return at_most_one(weighted_sum(name, tiers) / (weighted_sum("viewers", tiers) * F.lit(float(MILLIONTHS))))


def safety(toxicity_penalty: float) -> Column:
    """S = max(0, s⁺ − τ s^tox)."""
    return F.greatest(F.col("s_pos") - F.lit(toxicity_penalty) * F.col("s_tox"), F.lit(0.0))


def _in_tier(position: int) -> str:
    return f"in_tier_{position}"


def _sum_name(quantity: str, position: int) -> str:
    return f"{quantity}_{_in_tier(position)}"
