"""Which share of a booking is held, and by which hold."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.settlement.frames.rights import part_of

SUBJECTS = {"payee": "payee_id", "creator": "creator_id", "video": "video_id"}
"""Column of a booking by the kind of a hold's subject"""


def added_holds(bookings: DataFrame, holds: DataFrame, late: Sequence[str]) -> DataFrame:
    """What holds that came to light late keep of `bookings` that are posted: rows with `hold_id` and `held_micros`.

    Parameters
    ----------
    bookings : DataFrame
        As `frames.rights.payee_rows` returns them.
    holds : DataFrame
        The rows of `holds` that stood on the day of the bookings, stand still, and are known for it or late.
    late : sequence of str
        Ids of those that came to light late. A late hold keeps what it holds beyond the others.
    """
    is_late = F.col("hold_id").isin(*late)
    known = held_rows(bookings, holds.where(~is_late)).withColumnRenamed("held_micros", "known_micros").drop("hold_id")
    every = held_rows(known, holds)
    added = (F.col("held_micros") - F.col("known_micros")).alias("held_micros")
    return every.where(is_late).select("payee_id", "hold_id", added)


def changed_holds(held: DataFrame, lines: DataFrame) -> DataFrame:
    """What holds keep beyond what they have: rows with `payee_id`, `hold_id` and `held_micros`, which may be negative.

    Parameters
    ----------
    held : DataFrame
        What each hold keeps of bookings, as `held_rows` returns it.
    lines : DataFrame
        The lines of the journal on account `Held` of the same payees and holds.
    """
    kept = held.where(F.col("hold_id").isNotNull()).select("payee_id", "hold_id", "held_micros")
    taken = (-F.col("amount_micros")).alias("held_micros")
    return kept.unionByName(lines.select("payee_id", F.col("reference").alias("hold_id"), taken))


def held_rows(bookings: DataFrame, holds: DataFrame | None) -> DataFrame:
    """`bookings` with `hold_id`, the hold that holds the most of a row, and `held_micros`, what it holds.

    Parameters
    ----------
    bookings : DataFrame
        As `frames.rights.payee_rows` returns them.
    holds : DataFrame or None
        The rows of `holds` that stand; None if there are none. If several hold a row, the largest share counts, and
        the first id among equal ones.
    """
    if holds is None:
        nothing = {"hold_id": F.lit(None).cast("string"), "held_micros": F.lit(0).cast("bigint")}
        return bookings.withColumns(nothing)
    of_subject = Window.partitionBy("subject_kind", "subject_id").orderBy(F.col("share_ppm").desc(), F.col("hold_id"))
    strongest = holds.withColumn("position", F.row_number().over(of_subject)).where(F.col("position") == 1)
    rows = bookings
    for kind, column in SUBJECTS.items():
        own = strongest.where(F.col("subject_kind") == kind).select(
            F.col("subject_id").alias(column),
            F.col("hold_id").alias(f"{kind}_hold"),
            F.col("share_ppm").alias(f"{kind}_share"),
        )
        rows = rows.join(F.broadcast(own), column, "left")
    shares = [F.coalesce(F.col(f"{kind}_share"), F.lit(0).cast("bigint")) for kind in SUBJECTS]
    rows = rows.withColumn("share_ppm", F.greatest(*shares))
    first = [F.when(F.col(f"{kind}_share") == F.col("share_ppm"), F.col(f"{kind}_hold")) for kind in SUBJECTS]
    rows = rows.withColumns({"hold_id": F.least(*first), "amount": F.abs("micros"), "sign": F.signum("micros")})
    held = F.col("sign").cast("bigint") * part_of("amount", "share_ppm")
    return rows.withColumn("held_micros", held).select(*bookings.columns, "hold_id", "held_micros")
