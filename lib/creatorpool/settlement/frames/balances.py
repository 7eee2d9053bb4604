"""Balances of payees at the end of a month, and what is paid of them, as column expressions over the journal."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.frames import broadcast_table
from creatorpool.settlement.journal import BALANCE_CHANGES, HELD, PAYABLE
from creatorpool.tables import sum_exact

_KEY = ["payee_id", "currency"]

PAID, BELOW, NEGATIVE, ON_HOLD, NOTHING = "paid", "below_threshold", "negative", "on_hold", "nothing_payable"


def month_changes(journal: DataFrame) -> DataFrame:
    """What lines change for each payee: `payee_id`, `currency`, and micros for each of `BALANCE_CHANGES`."""
    amounts = {
        f"{name}_micros": F.when(
            F.col("kind").isin(*kinds) & F.col("account").isin(*accounts), F.col("amount_micros") * F.lit(sign)
        )
        .otherwise(F.lit(0))
        .cast("bigint")
        for name, (kinds, accounts, sign) in BALANCE_CHANGES.items()
    }
    lines = journal.where(F.col("account").isin(PAYABLE, HELD)).select(
        *_KEY, *(amount.alias(name) for name, amount in amounts.items())
    )
    return lines.groupBy(*_KEY).agg(*(sum_exact(name).alias(name) for name in amounts))


def open_balances(changes: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """`changes` of every payee of the month or of the month before, with `opening_micros` and the held balance.

    `earlier` has the rows of `payee_balances` of the month before; None if there is no such month.
    """
    zero = F.lit(0).cast("bigint")
    if earlier is None:
        rows = changes.withColumns({"opening_micros": zero, "held_before": zero})
    else:
        carried = earlier.select(
            *_KEY, F.col("closing_micros").alias("opening_micros"), F.col("held_balance_micros").alias("held_before")
        )
        rows = changes.join(carried, _KEY, "full")
    numbers = ("opening_micros", "held_before", *(f"{name}_micros" for name in BALANCE_CHANGES))
    filled = rows.select(*_KEY, *(F.coalesce(name, zero).alias(name) for name in numbers))
    balance = F.col("held_before") + F.col("held_micros") - F.col("released_micros")
    return filled.withColumn("held_balance_micros", balance).drop("held_before")


def closed_balances(
    balances: DataFrame, held_payees: DataFrame | None, minimum_micros: int, minor_units: Mapping[str, int]
) -> DataFrame:
    """`balances` with what is paid, what is carried (`closing_micros`), and why (`reason`).

    Parameters
    ----------
    balances : DataFrame
        As `open_balances` returns them; nothing of the month is paid yet.
    held_payees : DataFrame or None
        Column `payee_id`: payees whom a hold keeps from being paid.
    minimum_micros : int
        The least amount that is paid.
    minor_units : mapping
        Micros of the smallest payable amount, by currency.
    """
    rows = balances.join(_units(balances, minor_units), "currency", "inner")
    if held_payees is None:
        rows = rows.withColumn("is_on_hold", F.lit(False))
    else:
        marked = held_payees.select("payee_id").distinct().withColumn("is_on_hold", F.lit(True))
        rows = rows.join(marked, "payee_id", "left").withColumn("is_on_hold", F.coalesce("is_on_hold", F.lit(False)))
    rows = rows.withColumn("payable", _payable())
    whole = F.expr("CAST((payable div unit) * unit AS BIGINT)")
    is_paid = (F.col("payable") >= F.lit(max(minimum_micros, 1))) & ~F.col("is_on_hold") & (whole > 0)
    reason = (
        F.when(is_paid, F.lit(PAID))
        .when(F.col("payable") < 0, F.lit(NEGATIVE))
        .when(F.col("is_on_hold"), F.lit(ON_HOLD))
        .when(F.col("payable") == 0, F.lit(NOTHING))
        .otherwise(F.lit(BELOW))
    )
    due = F.when(is_paid, whole).otherwise(F.lit(0).cast("bigint"))
    rows = rows.withColumns({"reason": reason, "paid_micros": due})
    return rows.withColumn("closing_micros", F.col("payable") - F.col("paid_micros"))


def _payable() -> Column:
    """Opening and changes of a row, before anything is paid at the end of the month, micros."""
    gained = F.col("opening_micros") + F.col("earned_micros") + F.col("adjusted_micros") - F.col("held_micros")
    return gained + F.col("released_micros") + F.col("returned_micros")


def payments_due(balances: DataFrame, minor_units: Mapping[str, int]) -> DataFrame:
    """The payments of a month: `payee_id`, `currency`, `payment_id`, `amount_minor` and `amount_micros`.

    `balances` has the month's rows of `payee_balances`; `minor_units` is that of `closed_balances`.
    """
    rows = balances.where(F.col("paid_micros") > 0).join(_units(balances, minor_units), "currency", "inner")
    name = F.concat_ws("|", "month", "payee_id", "currency")
    return rows.select(
        *_KEY,
        F.substring(F.sha2(name, 256), 1, 32).alias("payment_id"),
        F.expr("CAST(paid_micros div unit AS BIGINT)").alias("amount_minor"),
        F.col("paid_micros").alias("amount_micros"),
    )


def _units(rows: DataFrame, minor_units: Mapping[str, int]) -> DataFrame:
    micros = pa.array(list(minor_units.values()), pa.int64())
    return broadcast_table(rows, pa.table({"currency": pa.array(list(minor_units), pa.string()), "unit": micros}))
