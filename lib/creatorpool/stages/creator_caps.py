"""Caps of creators in a night: which version of table `creators` applies, and a check that no creator exceeds a cap."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, SettlementError
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.stages.context import RunContext
from creatorpool.tables import sum_exact


def creators_version(context: RunContext) -> int:
    """The version of `creators` after the day's ingestion.

    Raises
    ------
    InputError
        If no ingestion had delivered the table by then.
    """
    if context.as_of is not None and "creators" in context.as_of:
        return context.as_of["creators"]
    own = context.ingestion or published_run(context.warehouse, INGEST, context.day)
    known = None if own is None else own.outputs.get("creators", own.base.get("creators"))
    if known is None:
        raise InputError(
            f"allocation.creator_caps needs table creators, but no ingestion up to that of {context.day} delivered it: "
            f"deliver creators with videos, or set allocation.creator_caps to null"
        )
    return int(known)


def verify_creator_caps(payouts: DataFrame, members: DataFrame) -> None:
    """Check that the whole micros of each creator from each pool stay within the creator's cap.

    Raises
    ------
    SettlementError
        If they do not; the message names the pool and the creator.
    """
    key = ("category", "creator_id")
    earned = payouts.groupBy(*key).agg(sum_exact("payout_micros").alias("earned_micros"))
    caps = members.groupBy(*key).agg(F.max("creator_cap_micros").alias("cap_micros"))
    over = earned.join(caps, on=list(key), how="inner").where(F.col("earned_micros") > F.col("cap_micros"))
    for row in over.orderBy(*key).limit(1).collect():
        raise SettlementError(
            f"pool {row['category']}: creator '{row['creator_id']}' would get {row['earned_micros']} micros, "
            f"the cap is {row['cap_micros']}"
        )
