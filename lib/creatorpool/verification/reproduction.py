"""Reproduces a published day from the table versions that its run read."""

from __future__ import annotations

from dataclasses import replace

from creatorpool.frames import matching
from creatorpool.runs.ledger import as_json
from creatorpool.runs.pools import PoolRun, pools_of_run, require_published_pools
from creatorpool.runs.published import require_kept
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.configuration import use_ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.verification.checks import Check, compare_frames

SPLIT = ("creator_id", "floor_micros", "cap_micros", "payout_micros", "bound")


def reproduce_day(context: RunContext, run_id: str | None = None) -> list[Check]:
    """Compute scores and payouts of the day again from the inputs of a run, and compare the payouts. Writes nothing.

    Without `run_id`, the published runs of the day are reproduced. Later versions of the inputs (late events, newer
    dimensions) are not read.

    Raises
    ------
    MissingTableError
        If the day, or the run, is not in the ledger, or a version that it read is not kept any more.
    ConfigurationError
        If the run had another configuration than the given one.
    """
    ledger = _pools(context, run_id)
    use_ledger_settings(context, ledger.values())
    groups: dict[tuple[str, str], list[str]] = {}
    for category, row in sorted(ledger.items()):
        groups.setdefault((as_json(row.inputs), as_json(row.outputs)), []).append(category)
    return [_reproduced(context, ledger[categories[0]], categories) for categories in groups.values()]


def _pools(context: RunContext, run_id: str | None) -> dict[str, PoolRun]:
    if run_id is None:
        return require_published_pools(context.warehouse, context.day)
    return pools_of_run(context.warehouse, context.day, run_id)


def _reproduced(context: RunContext, pool: PoolRun, categories: list[str]) -> Check:
    """Reproduce the pools `categories`, whose ledger rows name the same versions as `pool`."""
    warehouse, version = context.warehouse, pool.outputs["pool_payouts"]
    require_kept(warehouse, context.day, {**pool.inputs, "pool_payouts": version})
    again = replace(context, dry_run=True, as_of=pool.inputs, results=[], kept=0)
    payouts = publish_payouts(again, categories, republish=True).pool_payouts
    stored = warehouse.read("pool_payouts", day=context.day, version=version)
    before, now = (matching(rows, "category", categories) for rows in (stored, payouts))
    close = ["effective_impressions", "share", "weight"]
    return compare_frames(
        f"pools {', '.join(categories)} paid again", before, now, ["category", "video_id"], SPLIT, close
    )
