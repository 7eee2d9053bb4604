"""Recomputes converted revenue from its original amounts and the rates that the day's ingestion named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from creatorpool.ingest.conversion import RATES
from creatorpool.money import in_exact_units
from creatorpool.quoting import quoted
from creatorpool.runs.ledger import INGEST, published_runs
from creatorpool.settlement.rates import Rate, converted_micros
from creatorpool.stages.context import RunContext
from creatorpool.stages.rates import rates_on
from creatorpool.verification.checks import Check

NAME = "ad_revenue from original amounts and fx_rates"


def conversion_checks(context: RunContext, version: int) -> Iterator[Check]:
    """Check the day's converted rows in a version of `ad_revenue`; no check if there are none."""
    rows = context.warehouse.read_arrow("ad_revenue", day=context.day, version=version)
    converted = rows.filter(pc.is_valid(rows.column("original_currency")))
    if converted.num_rows:
        rates = _rates(context, version)
        found = [fault for row in converted.to_pylist() if (fault := _fault(row, rates))]
        yield Check(NAME, converted.num_rows, len(found), found[0] if found else None)


def _rates(context: RunContext, version: int) -> Mapping[str, Rate]:
    """The rates that the ingestion of the day named in the ledger; none if no ingestion names `version`."""
    runs = published_runs(context.warehouse, INGEST, [context.day])
    named = [run.inputs.get(RATES) for run in runs if run.outputs.get("ad_revenue") == version]
    return rates_on(context.warehouse, context.day, named[0]) if named and named[0] is not None else {}


def _fault(row: Mapping[str, Any], rates: Mapping[str, Rate]) -> str | None:
    currency, rate = row["original_currency"], rates.get(row["original_currency"])
    where = f"{row['placement']} of category {quoted(row['category'])} in {currency}"
    if rate is None or rate.rate != row["fx_rate"]:
        stands = "no rate" if rate is None else f"rate {rate.rate}"
        return f"{where}: converted at {row['fx_rate']}, but fx_rates has {stands} of the day"
    expected = converted_micros(row["original_amount_micros"], rate.rate)
    if expected != row["revenue_micros"]:
        wrong, right = (in_exact_units(micros, row["currency"]) for micros in (row["revenue_micros"], expected))
        return f"{where}: revenue is {wrong}, must be {right}"
    return None
