"""A published day made again from the table versions that its run read."""

from __future__ import annotations

from dataclasses import replace

from creatorpool.frames import matching
from creatorpool.runs.ledger import as_json
from creatorpool.runs.pools import PoolRun, pools_of_run, require_published_pools
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.configuration import take_paid_settings
from creatorpool.stages.context import RunContext
from creatorpool.verification.checks import Check, compared_frames

SPLIT = ("creator_id", "floor_micros", "cap_micros", "payout_micros", "bound")


def reproduce_day(context: RunContext, run_id: str | None = None) -> list[Check]:
    """Rate and pay the day anew, from the inputs of one run or of the published ones, and compare the payouts.

    Later versions of the inputs (late events, newer dimensions) do not count. Writes nothing.

    Raises
    ------
    MissingTableError
        If the day, or the run, is not in the ledger, or a version that it read is not kept any more.
    ConfigurationError
        If the run had another configuration.
    """
    ledger = _pools(context, run_id)
    take_paid_settings(context, ledger.values())
    groups: dict[tuple[str, str], list[str]] = {}
    for category, row in sorted(ledger.items()):
        groups.setdefault((as_json(row.inputs), as_json(row.outputs)), []).append(category)
    return [_made_again(context, ledger[categories[0]], categories) for categories in groups.values()]


def _pools(context: RunContext, run_id: str | None) -> dict[str, PoolRun]:
    if run_id is None:
        return require_published_pools(context.warehouse, context.day)
    return pools_of_run(context.warehouse, context.day, run_id)


def _made_again(context: RunContext, pool: PoolRun, categories: list[str]) -> Check:
    """The pools `categories`, which were paid from and into the same versions as `pool`."""
    warehouse, version = context.warehouse, pool.outputs["pool_payouts"]
    _require_kept(context, {**pool.inputs, "pool_payouts": version})
    again = replace(context, dry_run=True, as_of=pool.inputs, results=[], kept=0)
    payouts = publish_payouts(again, categories, republish=True).pool_payouts
    stored = warehouse.read("pool_payouts", day=context.day, version=version)
    before, now = (matching(rows, "category", categories) for rows in (stored, payouts))
    close = ["effective_impressions", "share", "weight"]
    return compared_frames(
        f"pools {', '.join(categories)} paid again", before, now, ["category", "video_id"], SPLIT, close
    )


def _require_kept(context: RunContext, versions: dict[str, int]) -> None:
    for table, version in versions.items():
        is_daily = "date" in context.warehouse.contract(table).partition_by
        context.warehouse.count_stored(table, day=context.day if is_daily else None, version=version)
