"""Sufficient statistics of each segment's tests, small whatever the number of entrants; every sum is exact."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.cohorts.columns import AFTER, MOMENTS, TERMS


def binned(tested: DataFrame, bins: int) -> DataFrame:
    """Add `bin`: at most `bins` equal parts of the entrants under the same terms, in order of the proxy.

    Equal proxies share a bin.
    """
    same_terms = Window.partitionBy(*TERMS)
    place = F.rank().over(same_terms.orderBy("proxy")) - F.lit(1)
    ranked = tested.withColumn("place", place).withColumn("size", F.count("*").over(same_terms))
    return ranked.withColumn("bin", F.expr(f"CAST((place * {bins}) div size AS INT)")).drop("place", "size")


def cell_statistics(tested: DataFrame) -> DataFrame:
    """One row per terms, `bin`, `successes`, `is_followed` and `is_late`: entrants, and sums over them.

    `tested` is binned and has its exposure. Sums are `proxy`, `mass`, the totals after the test, squares of `mass`, and
    the products in `MOMENTS`, named ``a_b``.
    """
    products = [exact_product(a, b).alias(f"{a}_{b}") for a, b in MOMENTS]
    return tested.groupBy(*TERMS, "bin", "successes", "is_followed", "is_late").agg(
        F.count("*").alias("entrants"),
        F.sum("proxy").alias("proxy"),
        F.sum("mass").alias("mass"),
        exact_product("mass", "mass").alias("mass_mass"),
        *(F.sum(name).alias(name) for name in AFTER),
        *products,
    )


def slot_statistics(tested: DataFrame, slots: DataFrame) -> DataFrame:
    """One row per terms, `bin`, `successes` and `test_slot`: how many of the cell's entrants succeeded in the slot."""
    cells = tested.select("creator_id", *TERMS, "bin", "successes")
    outcomes = slots.select("creator_id", "test_slot", "succeeded")
    joined = outcomes.join(cells, on="creator_id", how="inner")
    return joined.groupBy(*TERMS, "bin", "successes", "test_slot").agg(F.sum("succeeded").alias("succeeded"))


def median_statistics(tested: DataFrame) -> DataFrame:
    """One row per terms: the median of the proxy, in its unit."""
    return tested.groupBy(*TERMS).agg(F.expr("percentile(proxy, 0.5)").alias("median"))


def entry_statistics(entrants: DataFrame) -> DataFrame:
    """One row per terms: how many entered."""
    return entrants.groupBy(*TERMS).agg(F.count("*").alias("entered"))


def exact_product(first: str, second: str) -> Column:
    """Σ of the product of two whole columns, exact up to 38 digits, then rounded once."""
    product = F.col(first).cast("decimal(19,0)") * F.col(second).cast("decimal(19,0)")
    return F.sum(product.cast("decimal(38,0)")).cast("double")
