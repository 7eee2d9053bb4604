"""Caps by identity in a night: which table of verification levels counts, and that no creator got more."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, SettlementError
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.stages.context import RunContext
from creatorpool.tables import sum_exact


def creators_version(context: RunContext) -> int:
    """The version of `creators` that the day's ingestion found or left: the last that was published by then.

    Raises
    ------
    InputError
        If no ingestion had brought the table by then.
    """
    if context.as_of is not None and "creators" in context.as_of:
        return context.as_of["creators"]
    own = published_run(context.warehouse, INGEST, context.day)
    known = None if own is None else own.outputs.get("creators", own.inputs["before"].get("creators"))
    if known is None:
        raise InputError(
            f"allocation.creator_caps needs table creators, and no ingestion up to that of {context.day} brought it: "
            f"deliver creators beside videos, or set allocation.creator_caps to null"
        )
    return int(known)


def verify_creator_caps(payouts: DataFrame, members: DataFrame) -> None:
    """SettlementError if a creator's whole micros from one pool exceed the creator's cap."""
    key = ("category", "creator_id")
    earned = payouts.groupBy(*key).agg(sum_exact("payout_micros").alias("earned_micros"))
    caps = members.groupBy(*key).agg(F.max("creator_cap_micros").alias("cap_micros"))
    over = earned.join(caps, on=list(key), how="inner").where(F.col("earned_micros") > F.col("cap_micros"))
    for row in over.orderBy(*key).limit(1).collect():
        raise SettlementError(
            f"pool {row['category']}: creator '{row['creator_id']}' would get {row['earned_micros']} micros, "
            f"the cap is {row['cap_micros']}"
        )
