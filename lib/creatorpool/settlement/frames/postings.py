"""The lines of journal entries as frames: a line a payee and account, made by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from creatorpool.frames import broadcast_table
from creatorpool.settlement.journal import CASH, HELD, PAYABLE, RELEASE, Entry
from creatorpool.tables import sum_exact

LINE_COLUMNS = (
    *("booked_on", "entry_id", "account", "payee_id", "amount_micros", "currency", "kind", "service_date", "reference"),
)
"""Columns of `journal` but the number of the line, and the day that the ledger publishes"""


def numbered(lines: DataFrame) -> DataFrame:
    """`lines` with `line`, from 1 in each entry by account, payee and reference; lines of 0 are left out."""
    kept = lines.where(F.col("amount_micros") != 0)
    in_order = Window.partitionBy("entry_id").orderBy(
        "account", F.col("payee_id").asc_nulls_first(), F.col("reference").asc_nulls_first()
    )
    return kept.withColumn("line", F.row_number().over(in_order).cast("bigint")).select("line", *LINE_COLUMNS)


def payee_lines(held: DataFrame, entry: Entry, booked_on: date, currency: str) -> DataFrame:
    """The lines of payees in an entry about service day `entry.day`: what is payable, and what each hold keeps back.

    `held` has the bookings as `frames.holds.held_rows` returns them.
    """
    payable = held.groupBy("payee_id").agg(
        (sum_exact("micros") - sum_exact("held_micros")).alias("amount_micros"),
        F.lit(PAYABLE).alias("account"),
        F.lit(None).cast("string").alias("reference"),
    )
    kept = (
        held.where(F.col("held_micros") != 0)
        .groupBy("payee_id", "hold_id")
        .agg(sum_exact("held_micros").alias("amount_micros"))
        .select("payee_id", "amount_micros", F.lit(HELD).alias("account"), F.col("hold_id").alias("reference"))
    )
    columns = ("payee_id", "amount_micros", "account", "reference")
    both = payable.select(*columns).unionByName(kept.select(*columns))
    return both.select(
        *_constants(booked_on, currency, entry.kind),
        F.lit(entry.entry_id).alias("entry_id"),
        F.lit(entry.day).alias("service_date"),
        *columns,
    ).select(*LINE_COLUMNS)


def hold_lines(added: DataFrame, entry: Entry, booked_on: date, currency: str) -> DataFrame:
    """The lines that put what is payable on hold; `added` is as `frames.holds.added_holds` returns it."""
    sums = added.groupBy("payee_id", "hold_id").agg(sum_exact("held_micros").alias("balance"))
    rows = sums.select(
        *("payee_id", "balance", F.col("hold_id").alias("reference")),
        *(F.lit(entry.entry_id).alias("entry_id"), F.lit(currency).alias("currency")),
    )
    return _moved(rows, PAYABLE, HELD, entry.kind, booked_on)


def release_lines(held: DataFrame, entries: Mapping[str, Entry], booked_on: date) -> DataFrame:
    """The lines that pay out what ended holds have kept.

    Parameters
    ----------
    held : DataFrame
        Lines of the journal on account `Held`.
    entries : mapping
        The entry of each ended hold, by its id.
    """
    named = pa.table({"reference": list(entries), "released_by": [entry.entry_id for entry in entries.values()]})
    own = held.join(broadcast_table(held, named), "reference", "inner")
    balance = own.groupBy("released_by", "reference", "payee_id", "currency").agg(
        sum_exact("amount_micros").alias("balance")
    )
    return _moved(balance.withColumnRenamed("released_by", "entry_id"), HELD, PAYABLE, RELEASE, booked_on)


def paid_lines(payments: DataFrame, entry: Entry, booked_on: date, *, is_return: bool = False) -> DataFrame:
    """The lines of an entry that pays what is payable in cash, or of one that takes returned cash back.

    `payments` has the rows of table `payments` that are paid, or came back.
    """
    accounts = (CASH, PAYABLE) if is_return else (PAYABLE, CASH)
    amounts = payments.select(
        "payee_id", "currency", F.col("amount_micros").alias("balance"), F.col("payment_id").alias("reference")
    )
    return _moved(amounts.withColumn("entry_id", F.lit(entry.entry_id)), *accounts, entry.kind, booked_on)


def _moved(rows: DataFrame, source: str, target: str, kind: str, booked_on: date) -> DataFrame:
    """Two lines for each row: `balance` leaves account `source` and enters account `target` of the payee."""
    sides = [
        rows.select(
            *(F.lit(booked_on).alias("booked_on"), "entry_id", F.lit(account).alias("account"), "payee_id"),
            *((F.col("balance") * F.lit(sign)).cast("bigint").alias("amount_micros"), "currency"),
            *(F.lit(kind).alias("kind"), F.lit(None).cast("date").alias("service_date"), "reference"),
        )
        for account, sign in ((source, -1), (target, 1))
    ]
    return sides[0].unionByName(sides[1])


def _constants(booked_on: date, currency: str, kind: str) -> list[Column]:
    values = {"booked_on": booked_on, "currency": currency, "kind": kind}
    return [F.lit(value).alias(name) for name, value in values.items()]
