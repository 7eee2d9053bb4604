"""Exposures with known truth in a warehouse, as after an ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from tests.cohorts.markets import frame, ingest_run

from creatorpool.runs.ledger import publish_run
from creatorpool.synthetic.delivery import DeliveryTruth, exposure_rows, guarantee_rows, position_rows
from creatorpool.tables import Warehouse


def write_delivery(warehouse: Warehouse, truth: DeliveryTruth, scratch: Path, skip: Sequence[date] = ()) -> None:
    """Store the rows of `truth`, and publish the ingestion of each of its days except those in `skip`."""
    assert warehouse.session is not None
    market = truth.market
    days = [market.first_day + timedelta(days=number) for number in range(market.days)]
    rows = {
        "content_exposure": exposure_rows(truth),
        "drawer_positions": position_rows(truth),
        "delivery_guarantees": guarantee_rows(truth, days[-1]),
    }
    versions = {
        table: warehouse.append(frame(warehouse.session, content, scratch, table), table)
        for table, content in rows.items()
    }
    for day in days:
        if day not in skip:
            publish_run(warehouse, ingest_run(day, versions))
