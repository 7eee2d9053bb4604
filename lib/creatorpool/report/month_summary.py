"""A closed month on the terminal: what payees earned, what is paid and carried, and why."""

from __future__ import annotations

from pyspark.sql import functions as F
from rich.table import Table

from creatorpool.money import in_units
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.runs.published_rows import require_published_day
from creatorpool.settlement.months import month_name, without_words
from creatorpool.stages.books import require_closed
from creatorpool.stages.closing import BALANCES
from creatorpool.stages.context import RunContext
from creatorpool.tables import sum_exact

_COLUMNS = ("opening", "earned", "adjusted", "held", "released", "returned", "paid", "closing")


def print_month(out: PlainConsole, context: RunContext) -> None:
    """Print the sums of the balances of the month that ends on the run's day, by currency and reason."""
    closed = require_closed(context.warehouse, context.day)
    rows = require_published_day(context.warehouse, BALANCES, context.day)
    sums = [sum_exact(f"{name}_micros").alias(name) for name in _COLUMNS]
    found = rows.groupBy("currency", "reason").agg(F.count("*").alias("payees"), *sums)
    table = Table(title=f"{month_name(context.day)} is closed{without_words(closed.without)}", title_justify="left")
    for name in ("currency", "reason", "payees", *_COLUMNS):
        table.add_column(name, justify="left" if name in ("currency", "reason") else "right")
    for row in found.orderBy("currency", "reason").collect():
        money = (in_units(row[name]) for name in _COLUMNS)
        table.add_row(quoted(row["currency"]), row["reason"].replace("_", " "), f"{row['payees']:,}", *money)
    out.print(table)
