"""The stage `allocate`: the day's pools, solved and paid out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyspark.sql import DataFrame

from creatorpool.allocation.payouts import (
    creator_totals,
    fill_payouts,
    settle_ties,
    video_totals,
)
from creatorpool.allocation.pools import (
    CARRY_COLUMNS,
    PoolRevenue,
    pool_columns,
    pool_members,
    pulse_earnings,
    with_creator_caps,
)
from creatorpool.allocation.settlement import SettledPool, settle_pool
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.frames import matching
from creatorpool.pipeline.carry import require_same_carries
from creatorpool.pipeline.configuration import PAYOUT_SECTIONS
from creatorpool.pipeline.creator_caps import creators_version, verify_creator_caps
from creatorpool.pipeline.day_revenue import DayRevenue, day_revenue, log_refunds, refuse_unknown_pulse_videos
from creatorpool.pipeline.night import Night
from creatorpool.pipeline.recovery import recover
from creatorpool.pipeline.settled_sums import verify_pools, verify_totals
from creatorpool.pipeline.signals import STAGE as SIGNAL_STAGE
from creatorpool.pipeline.signals import SignalFrames, day_signals, rate_day, signal_inputs
from creatorpool.pipeline.stage import begin_publication
from creatorpool.runs.identity import now
from creatorpool.runs.ledger import (
    ALLOCATE,
    SIGNALS,
    StageRun,
    as_json,
    forget_run,
    pool_records,
    publish_pools,
    publish_run,
    published_pools,
)
from creatorpool.runs.published import PAYOUT_TABLES

TABLE = "allocation_runs"


@dataclass(frozen=True)
class DayPayouts:
    """The day's payouts as frames, and its pools' ledger rows; `newly_paid` names the pools that this run split."""

    pools: Sequence[Mapping[str, Any]]
    newly_paid: Sequence[str]
    pool_payouts: DataFrame
    video_payouts: DataFrame
    creator_payouts: DataFrame
    signals: SignalFrames


def allocate_day(night: Night, categories: Collection[str] = (), *, republish: bool = False) -> DayPayouts:
    """Publish the payouts of the day's pools, or of `categories` alone, that are not published yet.

    Raises
    ------
    InputError
        If revenue comes in two currencies or stands beside an unknown Pulse video, a category has no pool, no video of
        the day may be paid, or a pool cannot meet its floors or caps and the configuration says to fail.
    ConfigurationError
        If the day's signals, or those of its pools that stand, were published with another configuration.
    SettlementError
        If what was written does not add up to the pools: nothing is published then.
    """
    if republish:
        return _republish_day(night, categories)
    signals = day_signals(night)
    done = published_pools(night.warehouse, night.day)
    day = day_revenue(night, signals.inputs, done, categories, renewed=None)
    _warn_of_other_configuration(night, [done[pool.category] for pool in day.wanted if pool.category in done])
    if all(pool.category in done for pool in day.wanted):
        night.log(ALLOCATE, "already published: nothing to do")
        return _published(night, signals, done)
    with night.stage(ALLOCATE, PAYOUT_TABLES):
        recover(night.warehouse, night.log, held=[(ALLOCATE, night.day)])
        # Somebody may have published between the look above and the claim.
        done = published_pools(night.warehouse, night.day)
        day = day.again(night, done, categories, renewed=None)
        due = [pool for pool in day.wanted if pool.category not in done]
        if not due:
            return _published(night, signals, done)
        _refuse_mixed_configurations(night, signals, [done[name] for name in set(done) - {p.category for p in due}])
        return _pay(night, signals, day, due, done, None)


def _republish_day(night: Night, categories: Collection[str]) -> DayPayouts:
    """Rate and pay the day anew, and publish scores and payouts as one generation, by one commit.

    Pools that are not among `categories` keep their payouts. Then the scores must stay as they are, too.
    """
    with night.stage(SIGNALS, SIGNAL_STAGE.tables), night.stage(ALLOCATE, PAYOUT_TABLES):
        recover(night.warehouse, night.log, held=[(SIGNALS, night.day), (ALLOCATE, night.day)])
        inputs = signal_inputs(night)
        done = published_pools(night.warehouse, night.day)
        day = day_revenue(night, inputs, done, categories, renewed=categories)
        kept = [done[name] for name in sorted(set(done) - {pool.category for pool in day.wanted})]
        if kept and not night.dry_run:
            signals = _signals_of_kept_pools(night, kept, inputs)
            return _pay(night, signals, day, day.wanted, done, None)
        rated = rate_day(night, inputs)
        frames = SignalFrames(rated.signals, rated.quality, inputs, {}, night.settings.sha256(*SIGNAL_STAGE.sections))
        scores = night.finished(SIGNALS, SIGNAL_STAGE.sections, inputs, {}, rated.facts)
        return _pay(night, frames, day, day.wanted, done, scores)


def _signals_of_kept_pools(night: Night, kept: Sequence[Mapping[str, Any]], inputs: Mapping[str, int]) -> SignalFrames:
    """The published scores, for paying some pools anew beside `kept` ones.

    Raises
    ------
    InputError
        If the scores would change: late events, or another ingestion, came after they were published.
    ConfigurationError
        If they were published with another configuration.
    """
    signals = day_signals(night)
    _refuse_mixed_configurations(night, signals, kept)
    if dict(signals.inputs) != dict(inputs):
        raise InputError(
            f"events of {night.day} came after its pools were published, so that its scores change: --republish the "
            f"whole day, without --category, or the pools {[row['category'] for row in kept]} keep payouts from scores "
            f"that are no longer published"
        )
    return signals


def _pay(
    night: Night,
    frames: SignalFrames,
    day: DayRevenue,
    due: list[PoolRevenue],
    done: dict[str, dict[str, Any]],
    scores: StageRun | None,
) -> DayPayouts:
    """Split the pools that are `due`, and publish them; with `scores`, those that the run stored by the same commit."""
    warehouse, settings, pools = night.warehouse, night.settings, day.pools
    inputs = dict(frames.inputs) | dict(frames.outputs) | day.carries.inputs
    videos = warehouse.read("videos", version=inputs["videos"])
    pulse = pulse_earnings(day.rows, settings.pools)
    refuse_unknown_pulse_videos(pulse, videos)
    members = pool_members(frames.quality, frames.signals, videos, settings.pools)
    caps = settings.allocation.creator_caps
    if caps is not None:
        inputs["creators"] = creators_version(night)
        members = with_creator_caps(members, warehouse.read("creators", version=inputs["creators"]), caps)
    settled = _settle(night, members, due, is_whole_day=len(due) == len(pools))

    splits = settle_ties(members, [pool.split for pool in settled if pool.split is not None])
    paid_now = fill_payouts(members, splits)
    kept = sorted(set(done) - {pool.category for pool in due})
    payouts = night.store(_with_kept(night, paid_now, kept, done), "pool_payouts")
    paid_videos = verify_pools(payouts, settled)
    if caps is not None:
        verify_creator_caps(payouts, members)
    by_video = night.store(video_totals(payouts, pulse, videos, pools[0].currency), "video_payouts")
    by_creator = night.store(creator_totals(by_video), "creator_payouts")
    verify_totals(payouts, pulse, by_video, by_creator)
    _store_revenue(night, pools)

    rows = [_ledger_row(night, pool, paid_videos[pool.revenue.category]) for pool in settled]
    rows = _publish(night, rows, inputs, scores)
    ledger = [done[category] for category in kept] + rows
    return DayPayouts(
        pools=sorted(ledger, key=lambda row: row["category"]),
        newly_paid=[pool.category for pool in due],
        pool_payouts=payouts,
        video_payouts=by_video,
        creator_payouts=by_creator,
        signals=frames,
    )


def _settle(night: Night, members: DataFrame, due: list[PoolRevenue], *, is_whole_day: bool) -> list[SettledPool]:
    impressions = pool_columns(members, [pool.category for pool in due])
    has_money = any(pool.pool_micros > 0 for pool in due)
    if is_whole_day and has_money and not any(np.any(column > 0) for column, _ in impressions.values()):
        raise InputError(
            f"no video of {night.day} can be paid: none of the compliant videos in {[p.category for p in due]} has "
            f"views and quality above 0"
        )
    settled = []
    for pool in due:
        column, creators = impressions[pool.category]
        result = settle_pool(pool, column, night.settings.allocation, creators)
        log_refunds(night, pool)
        night.log(ALLOCATE, f"pool {pool.category} split over {result.videos_eligible} videos", nu=result.nu)
        if result.warning:
            night.log(ALLOCATE, f"warning: pool {pool.category}: {result.warning}")
        settled.append(result)
    return settled


def _warn_of_other_configuration(night: Night, rows: Sequence[Mapping[str, Any]]) -> None:
    fingerprint = night.settings.sha256(*PAYOUT_SECTIONS)
    if other := sorted(row["category"] for row in rows if row["config_sha256"] != fingerprint):
        night.log(ALLOCATE, f"warning: {other} are published with another configuration, which stands")


def _refuse_mixed_configurations(night: Night, signals: SignalFrames, kept: Sequence[Mapping[str, Any]]) -> None:
    """One day is paid under one configuration: its signals', its standing pools' and this run's must be the same."""
    if signals.config_sha256 != night.settings.sha256(*SIGNAL_STAGE.sections):
        raise ConfigurationError(
            f"signals of {night.day} are published with another configuration of {list(SIGNAL_STAGE.sections)}: use "
            f"that one, or --republish to rate and pay the day anew"
        )
    if other := sorted(
        row["category"] for row in kept if row["config_sha256"] != night.settings.sha256(*PAYOUT_SECTIONS)
    ):
        raise ConfigurationError(
            f"pools {other} of {night.day} are published with another configuration: use that one for the rest, or "
            f"--republish all of them"
        )


def _with_kept(night: Night, paid_now: DataFrame, kept: list[str], done: dict[str, dict[str, Any]]) -> DataFrame:
    """The new rows with those of the pools that an earlier run published, which stand."""
    if not kept:
        return paid_now
    version = _output_versions(done)["pool_payouts"]
    earlier = night.warehouse.read("pool_payouts", day=night.day, version=version)
    return paid_now.unionByName(matching(earlier, "category", kept).drop("date"))


def _publish(
    night: Night, rows: Sequence[dict[str, Any]], inputs: Mapping[str, int], scores: StageRun | None
) -> list[dict[str, Any]]:
    """Make what the run stored rows of their tables, and publish it in the one commit of `allocation_runs`.

    Returns the published rows. Their input versions name the scores that they were paid from, so that this commit
    publishes the scores as well.
    """
    if night.dry_run:
        return _with_all_versions(rows, inputs, {})
    planned, seen = pool_records(night.warehouse, night.day, _with_all_versions(rows, inputs, {}))
    require_same_carries(night, rows, seen)
    night.check_records(planned, TABLE)
    payment = night.finished(ALLOCATE, PAYOUT_SECTIONS, inputs, {}, {})
    begin_publication(night, *([payment] if scores is None else [scores, payment]))
    night.commit_staged()
    published = _with_all_versions(rows, inputs, night.outputs)
    records, seen = pool_records(night.warehouse, night.day, published)
    require_same_carries(night, rows, seen)
    publish_pools(night.warehouse, night.day, records, seen)
    if scores is not None:
        own = {table: night.outputs[table] for table in SIGNAL_STAGE.tables}
        publish_run(night.warehouse, replace(scores, outputs=own))
    forget_run(night.warehouse, payment)
    return published


def _store_revenue(night: Night, pools: list[PoolRevenue]) -> None:
    records = [
        {
            "date": night.day,
            "category": pool.category,
            "gross_micros": pool.gross_micros,
            "platform_share": pool.platform_share,
            "pool_micros": pool.pool_micros,
            "currency": pool.currency,
            **{name: getattr(pool, name) for name in CARRY_COLUMNS},
        }
        for pool in pools
    ]
    night.store_records(records, "pool_revenue")


def _with_all_versions(
    rows: Sequence[dict[str, Any]], inputs: Mapping[str, int], written: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Ledger rows with the versions of the tables read, the day's scores among them, and of those written."""
    read = {**inputs, **{table: written[table] for table in SIGNAL_STAGE.tables if table in written}}
    paid = {table: written[table] for table in PAYOUT_TABLES if table in written}
    moment = now()
    return [
        {**row, "input_versions": as_json(read), "output_versions": as_json(paid), "finished_at": moment}
        for row in rows
    ]


def _ledger_row(night: Night, pool: SettledPool, videos_paid: int) -> dict[str, Any]:
    """The pool's row of the ledger, but for the versions of tables."""
    chosen = night.settings.allocation
    return {
        "category": pool.revenue.category,
        "run_id": night.run_id,
        "pool_micros": pool.revenue.pool_micros,
        "paid_micros": pool.paid_micros,
        "unallocated_micros": pool.unallocated_micros,
        "videos_eligible": pool.videos_eligible,
        "videos_paid": videos_paid,
        "coverage": pool.coverage,
        "nu": pool.nu,
        "iterations": pool.iterations,
        "max_kkt_residual": pool.max_kkt_residual,
        "gini": pool.gini,
        "top1pct_share": pool.top1pct_share,
        "efficiency_moved_micros": pool.efficiency_moved_micros,
        "alpha": chosen.alpha,
        "lambda_fair": 1.0 - chosen.lambda_eff,
        "lambda_eff": chosen.lambda_eff,
        "objective": chosen.objective,
        "config_sha256": night.settings.sha256(*PAYOUT_SECTIONS),
        "config_json": night.settings.as_json(*PAYOUT_SECTIONS),
        "warning": pool.warning,
        "currency": pool.revenue.currency,
        "started_at": night.started_at,
        "seconds": night.stage_seconds(ALLOCATE),
        "carried_micros": pool.revenue.carried_micros,
        "carried_from": pool.revenue.carried_from,
    }


def _output_versions(done: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Versions in which the published tables of a day stand: every published row names the same."""
    versions: dict[str, int] = json.loads(next(iter(done.values()))["output_versions"])
    return versions


def _published(night: Night, signals: SignalFrames, done: dict[str, dict[str, Any]]) -> DayPayouts:
    versions = _output_versions(done)
    read = {table: night.warehouse.read(table, day=night.day, version=versions[table]) for table in PAYOUT_TABLES}
    return DayPayouts(
        pools=[done[category] for category in sorted(done)],
        newly_paid=(),
        pool_payouts=read["pool_payouts"],
        video_payouts=read["video_payouts"],
        creator_payouts=read["creator_payouts"],
        signals=signals,
    )
