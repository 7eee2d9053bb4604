"""A published day made again from the table versions that its run read."""

from __future__ import annotations

import json
from dataclasses import replace

from creatorpool.frames import matching
from creatorpool.pipeline.allocation import allocate_day
from creatorpool.pipeline.checks import Check, compared_frames
from creatorpool.pipeline.configuration import take_paid_settings
from creatorpool.pipeline.night import Night
from creatorpool.runs.ledger import pool_run

SPLIT = ("creator_id", "floor_micros", "cap_micros", "payout_micros", "bound")


def reproduce_day(night: Night, run_id: str | None = None) -> list[Check]:
    """Rate and pay the day anew, from the inputs of one run or of the published ones, and compare the payouts.

    Later versions of the inputs (late events, newer dimensions) do not count. Writes nothing.

    Raises
    ------
    MissingTableError
        If the day, or the run, is not in the ledger, or a version that it read is not kept any more.
    ConfigurationError
        If the run had another configuration.
    """
    ledger = pool_run(night.warehouse, night.day, run_id)
    take_paid_settings(night, ledger.values())
    groups: dict[tuple[str, str], list[str]] = {}
    for category, row in sorted(ledger.items()):
        groups.setdefault((row["input_versions"], row["output_versions"]), []).append(category)
    return [_made_again(night, *versions, categories) for versions, categories in groups.items()]


def _made_again(night: Night, inputs: str, outputs: str, categories: list[str]) -> Check:
    warehouse, version = night.warehouse, json.loads(outputs)["pool_payouts"]
    _require_kept(night, {**json.loads(inputs), "pool_payouts": version})
    again = replace(night, dry_run=True, as_of=json.loads(inputs), results=[], kept=0)
    payouts = allocate_day(again, categories, republish=True).pool_payouts
    stored = warehouse.read("pool_payouts", day=night.day, version=version)
    before, now = (matching(rows, "category", categories) for rows in (stored, payouts))
    close = ["effective_impressions", "share", "weight"]
    return compared_frames(
        f"pools {', '.join(categories)} paid again", before, now, ["category", "video_id"], SPLIT, close
    )


def _require_kept(night: Night, versions: dict[str, int]) -> None:
    for table, version in versions.items():
        is_daily = "date" in night.warehouse.contract(table).partition_by
        night.warehouse.count_stored(table, day=night.day if is_daily else None, version=version)
