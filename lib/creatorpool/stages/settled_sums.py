"""The last look at a day's payouts before they are published: they close every pool and every total to the micro."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.settlement import SettledPool
from creatorpool.errors import SettlementError
from creatorpool.tables import sum_exact


def verify_pools(payouts: DataFrame, settled: list[SettledPool]) -> dict[str, int]:
    """Videos paid in each pool; SettlementError unless the rows close every pool to the micro."""
    is_paid = F.count(F.when(F.col("payout_micros") > 0, 1))
    totals = payouts.groupBy("category").agg(
        sum_exact("payout_micros").alias("paid_micros"), F.count("*").alias("videos"), is_paid.alias("videos_paid")
    )
    found = {row["category"]: row for row in totals.collect()}
    paid_videos = {}
    for pool in settled:
        category = pool.revenue.category
        paid, videos, paid_videos[category] = tuple(found[category])[1:] if category in found else (0, 0, 0)
        if (paid, videos) != (pool.paid_micros, pool.videos_eligible):
            raise SettlementError(
                f"pool {category}: {videos} rows sum to {paid} micros, must be {pool.videos_eligible} and "
                f"{pool.paid_micros} of {pool.revenue.pool_micros}"
            )
    return paid_videos


def verify_totals(payouts: DataFrame, pulse: DataFrame, by_video: DataFrame, by_creator: DataFrame) -> None:
    """SettlementError unless what videos and creators get is what pools and Pulse paid, to the micro."""
    expected = (_sums(payouts, "payout_micros")[0], _sums(pulse, "pulse_micros")[0])
    for name, frame in (("video_payouts", by_video), ("creator_payouts", by_creator)):
        found = _sums(frame, "payout_micros", "pulse_micros", "total_micros")
        if found != (*expected, sum(expected)):
            raise SettlementError(
                f"{name}: pools, Pulse and both sum to {found} micros, must be {(*expected, sum(expected))}"
            )


def _sums(frame: DataFrame, *columns: str) -> tuple[int, ...]:
    return tuple(total or 0 for total in frame.agg(*(sum_exact(column) for column in columns)).collect()[0])
