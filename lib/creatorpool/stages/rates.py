"""The rates by which a day's revenue was converted, as the ledger names them, and as they are known now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame

from creatorpool.errors import InputError
from creatorpool.ingest.conversion import RATES
from creatorpool.runs.ledger import StageRun
from creatorpool.runs.published import shared_version
from creatorpool.settlement.frames.conversion import converted, currency_sums
from creatorpool.settlement.rates import Conversion, Rate, require_rates
from creatorpool.tables import Warehouse

CONVERTED = "converted"
"""Entry of a ledger row's inputs: the `Conversion` of each currency of the day's revenue"""


def conversion_inputs(warehouse: Warehouse, conversions: Mapping[str, Conversion]) -> dict[str, Any]:
    """What the ledger keeps of conversions: the version of `fx_rates` with their rates, and each of them."""
    if not conversions:
        return {}
    return {RATES: warehouse.version(RATES), CONVERTED: {name: asdict(found) for name, found in conversions.items()}}


def conversions_of(run: StageRun) -> list[Conversion]:
    """What an ingestion or a load has converted, in the order of the currencies."""
    return [Conversion(**facts) for _, facts in sorted(run.inputs.get(CONVERTED, {}).items())]


def rates_on(warehouse: Warehouse, day: date, version: int | None = None) -> dict[str, Rate]:
    """The rates of `day` by currency, at a version of `fx_rates` (default: as published); none if there are none."""
    version = shared_version(warehouse, RATES) if version is None else version
    if version is None:
        return {}
    rows = warehouse.read_arrow(RATES, version=version)
    own = rows.filter(pc.equal(rows.column("date"), day)).to_pylist()
    return {row["currency"]: Rate(row["rate"], row["source"]) for row in own}


def has_other_rates(warehouse: Warehouse, run: StageRun) -> bool:
    """Whether a rate by which `run` converted revenue stands otherwise in `fx_rates` now."""
    used = conversions_of(run)
    known = rates_on(warehouse, run.day) if used else {}
    return any(found.currency not in known or known[found.currency].rate != found.rate for found in used)


def paid_rates(warehouse: Warehouse, day: date, version: int) -> dict[str, str]:
    """The rates by which the day's revenue was converted, by currency, as a version of `ad_revenue` has them."""
    rows = warehouse.read_arrow("ad_revenue", ["original_currency", "fx_rate"], day=day, version=version).to_pylist()
    return {row["original_currency"]: row["fx_rate"] for row in rows if row["original_currency"] is not None}


def used_rates(warehouse: Warehouse, day: date, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The rates of the day's revenue in a payment or restatement from `inputs`; a restatement names its own."""
    return inputs.get("rates") or paid_rates(warehouse, day, inputs["ad_revenue"])


def current_rates(warehouse: Warehouse, day: date, version: int) -> dict[str, str]:
    """The rates of the same currencies as `fx_rates` is published now; without those that it lacks."""
    currencies = paid_rates(warehouse, day, version)
    known = rates_on(warehouse, day) if currencies else {}
    return {currency: known[currency].rate for currency in sorted(currencies) if currency in known}


def at_rates(revenue: DataFrame, day: date, rates: Mapping[str, Rate]) -> DataFrame:
    """Stored revenue of `day`, converted again from its original amounts by `rates`.

    Raises
    ------
    InputError
        As `settlement.rates.require_rates`.
    """
    sums = currency_sums(revenue, "original_amount_micros", "original_currency")
    if not sums:
        return revenue
    (currency,) = (row["currency"] for row in revenue.select("currency").distinct().collect())
    require_rates(day, currency, sums, rates)
    return converted(revenue, currency, {found.currency: rates[found.currency].rate for found in sums})


def refuse_other_settlement_currency(others: Iterable[StageRun], currency: str | None) -> None:
    """Raise InputError if other days were converted into another currency: `fx_rates` has rates into one only."""
    for run in others:
        for found in conversions_of(run):
            if currency not in (None, found.into):
                raise InputError(
                    f"settlement.currency: revenue of {run.day} was converted into {found.into}, that of this day "
                    f"would be into {currency}, by rates in fx_rates that are units of {found.into}: set it as it was, "
                    f"or begin a new root"
                )
