"""The stage `pay`: takes what was paid and what came back into `payments`, by the ids of the payments.

A report is taken as a whole or not at all. What came back is payable again: it is booked on the day of the return, or
on the first day of the first open month. The payments of each month are published by one commit; a killed import is run
again as it was, and goes on with the months that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from creatorpool.errors import InputError
from creatorpool.frames import broadcast_table
from creatorpool.runs.ledger import PAY, published_runs
from creatorpool.runs.published import published_version
from creatorpool.runs.published_rows import require_published_day
from creatorpool.settlement.outcomes import RETURNED, Outcome, Payment, faults
from creatorpool.stages.booking_days import last_booking_day
from creatorpool.stages.books import PAYMENTS, closed_months, first_open_day
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage
from creatorpool.tables import Warehouse
from creatorpool.wording import number_of

STAGE = Stage(PAY, (PAYMENTS,), ("settlement",), shared=(PAYMENTS,))


def import_outcomes(context: RunContext, outcomes: Sequence[Outcome], import_id: str) -> dict[date, int]:
    """Book what became of payments; return the number of payments by month.

    The same report again changes nothing.

    Raises
    ------
    InputError
        If an id is unknown, an amount differs, a payment is reported twice, or was settled before its month ended or
        far ahead: nothing is booked, and the message names all of them.
    """
    done = {run.day for run in published_runs(context.warehouse, PAY) if run.inputs.get("against") == import_id}
    known = known_payments(context.warehouse, [outcome.payment_id for outcome in outcomes])
    month_of = {name: month for month, named in known.items() for name in named}
    left = [outcome for outcome in outcomes if month_of.get(outcome.payment_id) not in done]
    _refuse_faults(context.warehouse, left, known)
    counts = {}
    for month in sorted(known):
        own = [outcome for outcome in left if month_of[outcome.payment_id] == month]
        if own:
            with context.on_day(month) as of_month:
                _book(of_month, own, import_id)
        counts[month] = sum(month_of[outcome.payment_id] == month for outcome in outcomes)
    return counts


def known_payments(warehouse: Warehouse, ids: Sequence[str]) -> dict[date, dict[str, Payment]]:
    """Those of the payments `ids` that the closed months have, by month and id."""
    wanted = pa.array(sorted(set(ids)), pa.string())
    found = {}
    for month in closed_months(warehouse):
        version = published_version(warehouse, PAYMENTS, month)
        rows = warehouse.read_arrow(PAYMENTS, ["payment_id", "status", "amount_minor"], day=month, version=version)
        own = rows.filter(pc.is_in(rows.column("payment_id"), value_set=wanted)).to_pylist()
        if own:
            found[month] = {row["payment_id"]: Payment(**row, month=month) for row in own}
    return found


def _refuse_faults(
    warehouse: Warehouse, outcomes: Sequence[Outcome], known: Mapping[date, Mapping[str, Payment]]
) -> None:
    payments = {name: payment for named in known.values() for name, payment in named.items()}
    found = faults(outcomes, payments, last_booking_day(warehouse))
    if found:
        raise InputError(
            f"the report has {number_of(len(found), 'fault')}, so nothing of it is booked: {'; '.join(found)}. Correct "
            f"the report, or take out what was reported before"
        )


def _book(context: RunContext, outcomes: Sequence[Outcome], import_id: str) -> None:
    def compute() -> Mapping[str, Any]:
        ids = [outcome.payment_id for outcome in outcomes]
        _refuse_faults(context.warehouse, outcomes, known_payments(context.warehouse, ids))
        booked = [
            first_open_day(context.warehouse, outcome.settled_on) if outcome.status == RETURNED else None
            for outcome in outcomes
        ]
        stored = require_published_day(context.warehouse, PAYMENTS, context.day)
        reported = pa.table(
            {
                "payment_id": pa.array(ids, pa.string()),
                "new_status": pa.array([outcome.status for outcome in outcomes], pa.string()),
                "new_settled_on": pa.array([outcome.settled_on for outcome in outcomes], pa.date32()),
                "new_booked_on": pa.array(booked, pa.date32()),
                "new_import_id": pa.array([import_id] * len(outcomes), pa.string()),
            }
        )
        rows = stored.join(broadcast_table(stored, reported), "payment_id", "left")
        names = ("status", "settled_on", "booked_on", "import_id")
        changed = {name: F.coalesce(F.col(f"new_{name}"), F.col(name)) for name in names}
        context.store(rows.withColumns(changed).select(*(c for c in stored.columns if c != "date")), PAYMENTS)
        return {"returns": sorted({day.isoformat() for day in booked if day is not None})}

    run_stage(context, STAGE, {"against": import_id}, compute, lambda _: True)
