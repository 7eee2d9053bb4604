"""Rules that a delivered table must keep as a whole once a delivery is merged into it; a broken one stops the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.frames import matching
from creatorpool.quoting import quoted
from creatorpool.settlement.holds import PostedHolds
from creatorpool.settlement.rights import WHOLE_PPM
from creatorpool.wording import number_of

_APPEAL_FACTS = ("subject_kind", "subject_id", "service_date", "received_on", "statement")
_DECISION = ("decision", "decided_on")
_HOLD_FACTS = ("subject_kind", "subject_id", "share_ppm", "from_date")


def refuse_inconsistent(table: str, stored: DataFrame | None, incoming: DataFrame, rows: DataFrame) -> None:
    """Check `rows`, the rows of `table` after `incoming` is merged into `stored`.

    Raises
    ------
    InputError
        If the shares of a video exceed the whole on a day; if an appeal that is known already is changed, other than by
        its decision; if a hold that is known already gets another subject, share or first day. The message has the
        number of faults and an example.
    """
    check = _CHECKS.get(table)
    if check is not None:
        check(stored, incoming, rows)


def refuse_reopened(stored: DataFrame | None, incoming: DataFrame, released: Collection[str]) -> None:
    """Check that no row of `holds` gives one of the holds `released` a later end, or none.

    What such a hold has kept is paid out: it would keep money that its payees may have got already.

    Raises
    ------
    InputError
        If there is one. The message has the number of holds and an example.
    """
    if stored is None or not released:
        return
    until, before = F.col("until_date"), F.col("stored_until_date")
    is_later = before.isNotNull() & (until.isNull() | (until > before))
    later = matching(_pairs(stored, incoming, "hold_id", ("until_date",)).where(is_later), "hold_id", released)
    _refuse(
        later,
        "holds",
        "hold_id",
        "whose money is released come with a later end or none",
        "leave the hold ended, and deliver a new one under a new id",
    )


def refuse_lost_holds(stored: DataFrame, rows: DataFrame, posted: PostedHolds) -> None:
    """Check that `rows`, which replace the `stored` rows of `holds`, have each hold that is in the journal.

    Its subject, share and first day must be the same, and it must get no later end once its money is released. A hold
    that is in the table no more would never be released.

    Raises
    ------
    InputError
        If there is another one. The message has the number of holds and an example.
    """
    known = matching(stored, "hold_id", posted.known)
    _refuse_changed_holds(known, rows, rows)
    refuse_reopened(stored, rows, posted.released)
    lost = known.join(rows.select("hold_id"), "hold_id", "left_anti")
    _refuse(
        lost,
        "holds",
        "hold_id",
        "by which money is posted already are missing in the delivery that replaces theirs",
        "deliver each of them again; with an until_date before its from_date it is taken back, and what it keeps is "
        "released",
    )


def excessive_shares(rights: DataFrame) -> DataFrame:
    """Videos and days (`video_id`, `valid_from`, `share_ppm`) from which the shares of a video exceed the whole."""
    of_payee = Window.partitionBy("video_id", "payee_id").orderBy("valid_from")
    before = F.coalesce(F.lag("share_ppm").over(of_payee), F.lit(0).cast("bigint"))
    changes = rights.withColumn("change", F.col("share_ppm") - before)
    by_day = changes.groupBy("video_id", "valid_from").agg(F.sum("change").alias("change"))
    so_far = Window.partitionBy("video_id").orderBy("valid_from").rowsBetween(Window.unboundedPreceding, 0)
    standing = by_day.select("video_id", "valid_from", F.sum("change").over(so_far).alias("share_ppm"))
    return standing.where(F.col("share_ppm") > WHOLE_PPM)


def _refuse_excessive_shares(stored: DataFrame | None, incoming: DataFrame, rows: DataFrame) -> None:
    found = excessive_shares(rows).orderBy("video_id", "valid_from").limit(1).collect()
    if found:
        (first,) = found
        number = excessive_shares(rows).select("video_id").distinct().count()
        raise InputError(
            f"video_rights: the shares of {number_of(number, 'video')} exceed {WHOLE_PPM:,} parts per million, for "
            f"example {first['share_ppm']:,} of video '{quoted(first['video_id'])}' from {first['valid_from']}: a row "
            f"stands until a later row of the same video and payee, so deliver a share of 0 for a payee who leaves"
        )


def _refuse_changed_appeals(stored: DataFrame | None, incoming: DataFrame, rows: DataFrame) -> None:
    if stored is None:
        return
    pairs = _pairs(stored, incoming, "appeal_id", (*_APPEAL_FACTS, *_DECISION))
    is_decided = F.col("stored_decision").isNotNull()
    changed = pairs.where(_differs(_APPEAL_FACTS) | (is_decided & _differs(_DECISION)))
    _refuse(
        changed,
        "appeals",
        "appeal_id",
        "that are stored already come with other content",
        "appeals are only added, and decided once; deliver a new appeal under a new id",
    )


def _refuse_changed_holds(stored: DataFrame | None, incoming: DataFrame, rows: DataFrame) -> None:
    if stored is None:
        return
    changed = _pairs(stored, incoming, "hold_id", _HOLD_FACTS).where(_differs(_HOLD_FACTS))
    _refuse(
        changed,
        "holds",
        "hold_id",
        "that are stored already come with another subject, share or first day",
        "a later row changes the end and the reason only; end the hold, and deliver a new one under a new id",
    )


def _refuse(wrong: DataFrame, table: str, key: str, fault: str, remedy: str) -> None:
    """Raise InputError, with their number and an example, if there are rows in `wrong`: what they are, what to do."""
    number, example = wrong.agg(F.count("*"), F.min(key)).collect()[0]
    if number:
        raise InputError(f"{table}: {table} {fault}, {number:,} in all, for example '{quoted(example)}': {remedy}")


def _pairs(stored: DataFrame, incoming: DataFrame, key: str, names: Sequence[str]) -> DataFrame:
    """Rows of `incoming` whose key is stored, with the stored values beside them."""
    return incoming.join(stored.select(key, *(F.col(name).alias(f"stored_{name}") for name in names)), key)


def _differs(names: Sequence[str]) -> Column:
    return reduce(or_, (~F.col(name).eqNullSafe(F.col(f"stored_{name}")) for name in names))


_CHECKS: dict[str, Callable[[DataFrame | None, DataFrame, DataFrame], None]] = {
    "video_rights": _refuse_excessive_shares,
    "appeals": _refuse_changed_appeals,
    "holds": _refuse_changed_holds,
}
