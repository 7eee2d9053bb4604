"""The stage `allocate`: splits the day's pools among videos and publishes the payouts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyspark.sql import DataFrame

from creatorpool.allocation.frames.payouts import creator_totals, fill_payouts, settle_ties, video_totals
from creatorpool.allocation.frames.pools import pool_columns, pool_members, pulse_earnings, with_creator_caps
from creatorpool.allocation.idle_efficiency import idle_efficiency
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.allocation.revenue import CARRY_COLUMNS, PoolRevenue
from creatorpool.allocation.settlement import SettledPool, settle_pool
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.frames import matching
from creatorpool.money import in_exact_units
from creatorpool.runs.identity import code_version, now
from creatorpool.runs.ledger import (
    ALLOCATE,
    SIGNALS,
    StageRun,
    forget_run,
    publish_run,
)
from creatorpool.runs.pools import POOL_LEDGER, PoolRun, day_outputs, pool_records, publish_pools, published_pools
from creatorpool.stages.books import refuse_settled_day
from creatorpool.stages.carry import require_same_carries
from creatorpool.stages.configuration import PAYOUT_SECTIONS
from creatorpool.stages.context import RunContext
from creatorpool.stages.creator_caps import creators_version, verify_creator_caps
from creatorpool.stages.day_revenue import (
    DayRevenue,
    day_revenue,
    log_refunds,
    refuse_unknown_pulse_videos,
    unfunded_categories,
)
from creatorpool.stages.runner import Stage, begin_publication, publish_once
from creatorpool.stages.settled_sums import verify_pools, verify_totals
from creatorpool.stages.signals import STAGE as SIGNAL_STAGE
from creatorpool.stages.signals import SignalFrames, compute_scores, publish_signals, signal_inputs

STAGE = Stage(ALLOCATE, ("ad_revenue", "video_quality", "video_signals", "videos", "creators"), PAYOUT_SECTIONS)


@dataclass(frozen=True)
class DayPayouts:
    """The day's payouts as frames, and the ledger rows of its pools.

    `newly_paid` names pools that this run paid; `unfunded` has warnings on categories with videos and without a pool.
    """

    pools: Sequence[PoolRun]
    newly_paid: Sequence[str]
    pool_payouts: DataFrame
    video_payouts: DataFrame
    creator_payouts: DataFrame
    signals: SignalFrames
    unfunded: Sequence[str]


def publish_payouts(context: RunContext, categories: Collection[str] = (), *, republish: bool = False) -> DayPayouts:
    """Publish the payouts of the day's pools, or only of `categories`, that are not published yet.

    With `republish`, compute and publish published scores and payouts again.

    Raises
    ------
    InputError
        If revenue is in two currencies or belongs to an unknown Pulse video, a category has no pool, no video of the
        day can be paid, a pool cannot meet its floors or caps and the configuration says `fail`, or payouts of the day
        cannot be published any more (`refuse_settled_day`).
    ConfigurationError
        If the day's signals, or published pools that are not paid again, have another configuration.
    SettlementError
        If the written rows do not add up to the pools: then nothing is published.
    RunInProgressError
        If another live run holds the stage of the day.
    """
    if republish:
        return _republish_day(context, categories)
    signals = publish_signals(context)
    done = published_pools(context.warehouse, context.day)
    day = day_revenue(context, signals.inputs, done, categories, renewed=None)
    _warn_of_other_configuration(context, [done[pool.category] for pool in day.wanted if pool.category in done])

    def find() -> DayPayouts | None:
        nonlocal done, day
        done = published_pools(context.warehouse, context.day)
        day = day.with_published(context, done, categories, renewed=None)
        if any(pool.category not in done for pool in day.wanted):
            return None
        context.log(ALLOCATE, "already published: nothing to do")
        return _published(context, signals, day, done)

    def pay() -> DayPayouts:
        due = [pool for pool in day.wanted if pool.category not in done]
        if not context.dry_run:
            refuse_settled_day(context.warehouse, context.day)
        _refuse_mixed_configurations(context, signals, [done[name] for name in set(done) - {p.category for p in due}])
        return _pay(context, signals, day, due, done, None)

    return publish_once(context, [STAGE], find, pay)


def payouts_from(context: RunContext, scores: SignalFrames, categories: Collection[str] = ()) -> DayPayouts:
    """What the day's pools, or those of `categories`, would be paid from `scores`: a dry run, whatever is published.

    Errors as `publish_payouts`.
    """
    dry = replace(context, dry_run=True)

    def pay() -> DayPayouts:
        done = published_pools(dry.warehouse, dry.day)
        day = day_revenue(dry, scores.inputs, done, categories, renewed=categories)
        return _pay(dry, scores, day, day.wanted, done, None)

    return publish_once(dry, [STAGE], lambda: None, pay)


def _republish_day(context: RunContext, categories: Collection[str]) -> DayPayouts:
    """Compute the day's scores and payouts again, and publish them as one generation, by one commit.

    With `categories`, other pools keep their payouts. Then the published scores must not change.
    """

    def pay() -> DayPayouts:
        if not context.dry_run:
            refuse_settled_day(context.warehouse, context.day)
        inputs = signal_inputs(context)
        done = published_pools(context.warehouse, context.day)
        day = day_revenue(context, inputs, done, categories, renewed=categories)
        kept = [done[name] for name in sorted(set(done) - {pool.category for pool in day.wanted})]
        if kept and not context.dry_run:
            signals = _signals_of_kept_pools(context, kept, inputs)
            return _pay(context, signals, day, day.wanted, done, None)
        scored = compute_scores(context, inputs)
        config_sha256 = context.settings.sha256(*SIGNAL_STAGE.sections)
        frames = SignalFrames(scored.signals, scored.quality, scored.coverage, inputs, {}, config_sha256)
        scores = context.finished(SIGNALS, SIGNAL_STAGE.sections, inputs, {}, scored.facts)
        return _pay(context, frames, day, day.wanted, done, scores)

    return publish_once(context, [SIGNAL_STAGE, STAGE], lambda: None, pay)


def _signals_of_kept_pools(context: RunContext, kept: Sequence[PoolRun], inputs: Mapping[str, int]) -> SignalFrames:
    """The published scores, to pay some pools again while the `kept` ones do not change.

    Raises
    ------
    InputError
        If the scores would change, because late events or another ingestion arrived after they were published.
    ConfigurationError
        If they were published with another configuration.
    """
    signals = publish_signals(context)
    _refuse_mixed_configurations(context, signals, kept)
    if dict(signals.inputs) != dict(inputs):
        raise InputError(
            f"events or invalid viewers of {context.day} arrived after its pools were published, so that its scores "
            f"change: use --republish without --category, because otherwise the pools "
            f"{[row.category for row in kept]} would keep payouts from scores that are no longer published"
        )
    return signals


def _pay(
    context: RunContext,
    frames: SignalFrames,
    day: DayRevenue,
    due: list[PoolRevenue],
    done: Mapping[str, PoolRun],
    scores: StageRun | None,
) -> DayPayouts:
    """Split the pools that are `due` and publish them; the same commit publishes `scores`, which the run has stored."""
    warehouse, settings, pools = context.warehouse, context.settings, day.pools
    inputs = dict(frames.inputs) | dict(frames.outputs) | day.carries.inputs
    videos = warehouse.read("videos", version=inputs["videos"])
    unfunded = unfunded_categories(context, pools, frames.coverage)
    for line in () if context.dry_run else unfunded:
        context.warn(ALLOCATE, line)
    pulse = pulse_earnings(day.rows, settings.pools)
    refuse_unknown_pulse_videos(pulse, videos, pools[0].currency)
    members = pool_members(frames.quality, frames.signals, videos, settings.pools)
    caps = settings.allocation.creator_caps
    if caps is not None:
        inputs["creators"] = creators_version(context)
        members = with_creator_caps(members, warehouse.read("creators", version=inputs["creators"]), caps)
    settled = _settle(context, members, due, is_whole_day=len(due) == len(pools))

    splits = settle_ties(members, [pool.split for pool in settled if pool.split is not None])
    paid_now = fill_payouts(members, splits)
    kept = sorted(set(done) - {pool.category for pool in due})
    payouts = context.store(_with_kept(context, paid_now, kept, done), "pool_payouts")
    paid_videos = verify_pools(payouts, settled)
    if caps is not None:
        verify_creator_caps(payouts, members)
    by_video = context.store(video_totals(payouts, pulse, videos, pools[0].currency), "video_payouts")
    by_creator = context.store(creator_totals(by_video), "creator_payouts")
    verify_totals(payouts, pulse, by_video, by_creator)
    _store_revenue(context, pools)

    rows = [_pool_run(context, pool, paid_videos[pool.revenue.category]) for pool in settled]
    rows = _publish(context, rows, inputs, scores)
    ledger = [done[category] for category in kept] + rows
    return DayPayouts(
        pools=sorted(ledger, key=lambda row: row.category),
        newly_paid=[pool.category for pool in due],
        pool_payouts=payouts,
        video_payouts=by_video,
        creator_payouts=by_creator,
        signals=frames,
        unfunded=unfunded,
    )


def _settle(
    context: RunContext, members: DataFrame, due: list[PoolRevenue], *, is_whole_day: bool
) -> list[SettledPool]:
    impressions = pool_columns(members, [pool.category for pool in due])
    has_money = any(pool.pool_micros > 0 for pool in due)
    if is_whole_day and has_money and not any(np.any(column > 0) for column, _ in impressions.values()):
        raise InputError(
            f"no video of {context.day} can be paid: no compliant video in {[p.category for p in due]} has views and a "
            f"quality above 0"
        )
    context.log(ALLOCATE, f"splits {len(due)} pools; the first run on a machine compiles the solver")
    settled = []
    for pool in due:
        column, creators = impressions[pool.category]
        result = settle_pool(pool, column, context.settings.allocation, creators)
        log_refunds(context, pool)
        context.note(ALLOCATE, _split_sentence(result), **_facts(result))
        for warning in result.warnings:
            context.warn(ALLOCATE, f"pool {pool.category}: {warning}")
        settled.append(result)
    if settled and (idle := idle_efficiency(context.settings.allocation, settled, due[0].currency)):
        context.warn(ALLOCATE, idle)
    return settled


def _split_sentence(pool: SettledPool) -> str:
    revenue = pool.revenue
    paid, of = in_exact_units(pool.paid_micros), in_exact_units(revenue.pool_micros, revenue.currency)
    return f"pool {revenue.category} split over {pool.videos_eligible:,} videos: {paid} of {of} paid"


def _facts(pool: SettledPool) -> dict[str, Any]:
    """The numbers of a settled pool for the log."""
    money = {"pool_micros": pool.revenue.pool_micros, "paid_micros": pool.paid_micros}
    return {"category": pool.revenue.category, "videos": pool.videos_eligible, "nu": pool.nu, **money}


def _warn_of_other_configuration(context: RunContext, rows: Sequence[PoolRun]) -> None:
    fingerprint = context.settings.sha256(*PAYOUT_SECTIONS)
    if other := sorted(row.category for row in rows if row.config_sha256 != fingerprint):
        context.warn(
            ALLOCATE, f"pools {other} are published with another configuration and stay; --republish pays them again"
        )


def _refuse_mixed_configurations(context: RunContext, signals: SignalFrames, kept: Sequence[PoolRun]) -> None:
    """Check that the day's signals, its pools that are `kept`, and this run have one configuration."""
    if signals.config_sha256 != context.settings.sha256(*SIGNAL_STAGE.sections):
        raise ConfigurationError(
            f"signals of {context.day} are published with another configuration of {list(SIGNAL_STAGE.sections)}: use "
            f"that one, or --republish to compute scores and payouts again"
        )
    if other := sorted(row.category for row in kept if row.config_sha256 != context.settings.sha256(*PAYOUT_SECTIONS)):
        raise ConfigurationError(
            f"pools {other} of {context.day} are published with another configuration: use that one for the rest, or "
            f"--republish all of them"
        )


def _with_kept(context: RunContext, paid_now: DataFrame, kept: list[str], done: Mapping[str, PoolRun]) -> DataFrame:
    """The new rows, and the published rows of the pools that are `kept`."""
    if not kept:
        return paid_now
    version = day_outputs(done)["pool_payouts"]
    earlier = context.warehouse.read("pool_payouts", day=context.day, version=version)
    return paid_now.unionByName(matching(earlier, "category", kept).drop("date"))


def _publish(
    context: RunContext, rows: Sequence[PoolRun], inputs: Mapping[str, int], scores: StageRun | None
) -> list[PoolRun]:
    """Commit the stored rows to their tables, then publish them by one commit of `allocation_runs`.

    Returns the published rows. Their input versions name the scores that they were paid from, so that this commit also
    publishes the scores, and a corrected ingestion of the day.
    """
    if context.dry_run:
        return _with_all_versions(rows, inputs, {})
    planned, seen = pool_records(context.warehouse, context.day, _with_all_versions(rows, inputs, {}))
    require_same_carries(context, rows, seen)
    context.check_records(planned, POOL_LEDGER)
    payment = context.finished(ALLOCATE, PAYOUT_SECTIONS, inputs, {}, {})
    begin_publication(context, *(run for run in (context.ingestion, scores, payment) if run is not None))
    context.commit_staged()
    published = _with_all_versions(rows, inputs, context.outputs)
    records, seen = pool_records(context.warehouse, context.day, published)
    require_same_carries(context, rows, seen)
    publish_pools(context.warehouse, context.day, records, seen)
    if context.ingestion is not None:
        publish_run(context.warehouse, context.ingestion)
    if scores is not None:
        own = {table: context.outputs[table] for table in SIGNAL_STAGE.tables}
        publish_run(context.warehouse, replace(scores, outputs=own))
    forget_run(context.warehouse, payment)
    return published


def _store_revenue(context: RunContext, pools: list[PoolRevenue]) -> None:
    records = [
        {
            "date": context.day,
            "category": pool.category,
            "gross_micros": pool.gross_micros,
            "platform_share": pool.platform_share,
            "pool_micros": pool.pool_micros,
            "currency": pool.currency,
            **{name: getattr(pool, name) for name in CARRY_COLUMNS},
        }
        for pool in pools
    ]
    context.store_records(records, "pool_revenue")


def _with_all_versions(rows: Sequence[PoolRun], inputs: Mapping[str, int], written: Mapping[str, int]) -> list[PoolRun]:
    """Ledger rows with the versions of the tables read, including the day's scores, and of the tables written."""
    read = {**inputs, **{table: written[table] for table in SIGNAL_STAGE.tables if table in written}}
    paid = {table: written[table] for table in STAGE.tables if table in written}
    moment = now()
    return [replace(row, inputs=read, outputs=paid, finished_at=moment) for row in rows]


def _pool_run(context: RunContext, pool: SettledPool, videos_paid: int) -> PoolRun:
    """The pool's ledger row, without the versions of tables."""
    policy = SplitPolicy.of(context.settings.allocation)
    return PoolRun(
        day=context.day,
        category=pool.revenue.category,
        run_id=context.run_id,
        pool_micros=pool.revenue.pool_micros,
        paid_micros=pool.paid_micros,
        unallocated_micros=pool.unallocated_micros,
        videos_eligible=pool.videos_eligible,
        videos_paid=videos_paid,
        coverage=pool.coverage,
        nu=pool.nu,
        iterations=pool.iterations,
        max_kkt_residual=pool.max_kkt_residual,
        gini=pool.gini,
        top1pct_share=pool.top1pct_share,
        efficiency_moved_micros=pool.efficiency_moved_micros,
        alpha=policy.alpha,
        lambda_fair=1.0 - policy.lambda_eff,
        lambda_eff=policy.lambda_eff,
        objective=policy.objective,
        config_sha256=context.settings.sha256(*PAYOUT_SECTIONS),
        code_version=code_version(),
        inputs={},
        outputs={},
        warning=pool.warning,
        currency=pool.revenue.currency,
        started_at=context.started_at,
        finished_at=None,
        seconds=context.stage_seconds(ALLOCATE),
        config_json=context.settings.as_json(*PAYOUT_SECTIONS),
        carried_micros=pool.revenue.carried_micros,
        carried_from=pool.revenue.carried_from,
    )


def _published(context: RunContext, signals: SignalFrames, day: DayRevenue, done: Mapping[str, PoolRun]) -> DayPayouts:
    versions = day_outputs(done)
    read = {table: context.warehouse.read(table, day=context.day, version=versions[table]) for table in STAGE.tables}
    return DayPayouts(
        pools=[done[category] for category in sorted(done)],
        newly_paid=(),
        pool_payouts=read["pool_payouts"],
        video_payouts=read["video_payouts"],
        creator_payouts=read["creator_payouts"],
        signals=signals,
        unfunded=unfunded_categories(context, day.pools, signals.coverage),
    )
