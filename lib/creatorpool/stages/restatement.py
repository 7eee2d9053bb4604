"""The stage `restate`: what a published day would pay with what is known now, and the changes that a policy books.

The published payouts stay as they are. The changes go to `payout_adjustments`, video by video, with their parts in
`adjustment_parts`, and to `pool_adjustments`, where each pool's money closes. Published payouts and all changes
together are what is settled. A day is computed from the events that have arrived since, without those of invalid
viewers, from the viewers and videos of the day's run with their corrections, the revenue and the rates delivered last,
and the configuration that the ledger keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.ingest.conversion import RATES
from creatorpool.ingest.load import CORRECTED_TABLES
from creatorpool.runs.ledger import RESTATE
from creatorpool.runs.pools import PoolRun, day_outputs, latest_pool, require_published_pools
from creatorpool.runs.published import INVALID, published_version, require_kept, shared_version, shared_versions
from creatorpool.runs.published_rows import published_arrow, published_day
from creatorpool.settlement.frames.restatement import booked_change, compared_rows, earned_rows, touched_videos
from creatorpool.settlement.restatement import NOTHING, PULSE, Policy, PoolMoney, booked_money, require_goodwill_within
from creatorpool.stages.adjustment_parts import store_parts
from creatorpool.stages.allocation import STAGE as ALLOCATION_STAGE
from creatorpool.stages.allocation import DayPayouts, publish_payouts
from creatorpool.stages.booking_days import refuse_far_day
from creatorpool.stages.books import first_open_day, require_open
from creatorpool.stages.configuration import PAYOUT_SECTIONS, ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_money import money_of, published_money, require_whole_day
from creatorpool.stages.day_revenue import DayRevenue, day_revenue
from creatorpool.stages.month_days import require_payable
from creatorpool.stages.rates import current_rates, used_rates
from creatorpool.stages.runner import Stage, published_stage, run_stage
from creatorpool.tables import sum_exact

VIDEOS, POOLS = "payout_adjustments", "pool_adjustments"
APPEALS = "appeals"
STAGE = Stage(
    RESTATE,
    (
        *("events", "viewers", "videos", "ad_revenue", RATES, INVALID, "video_signals", "video_quality"),
        *("pool_revenue", "pool_payouts", "video_payouts"),
    ),
    (*PAYOUT_SECTIONS, "restate"),
)
REASONS = ("late_events", "invalid_viewers", "revenue_corrected", "compliance", "error")
"""Codes of why a day is restated"""
_FOUND_REASONS = (
    ("ad_revenue", "revenue_corrected"),
    ("videos", "compliance"),
    ("viewers", "error"),
    (INVALID, "invalid_viewers"),
)
"""The code if a table has changed; the first that has counts"""


@dataclass(frozen=True)
class Reason:
    """Why a day is restated; without a `code` the restatement finds it from what has changed."""

    code: str | None = None
    note: str | None = None
    appeal: str | None = None
    """Id of the decided appeal that the restatement follows"""

    def __post_init__(self) -> None:
        if self.code is not None and self.code not in REASONS:
            raise InputError(f"--reason must be one of {', '.join(REASONS)}, got '{self.code}'")


@dataclass(frozen=True)
class RestatedPool:
    """A pool's money as booked so far, as the day would be now, and the change that is booked."""

    category: str
    settled: PoolMoney
    restated: PoolMoney
    booked: PoolMoney


@dataclass(frozen=True)
class Restatement:
    """What a restatement books; `changes` has its rows of `payout_adjustments`, `parts` those of `adjustment_parts`.

    `affected` has a row per pool and video of which what is settled differs from what would be paid, whatever the
    policy books: `category`, `video_id`, `creator_id`, `settled_micros`, `restated_micros`, its `bound`,
    `booked_micros`. If the last restatement was from the same inputs, there are no `pools`, and the frames are None.
    """

    booked_on: date
    reason: str
    currency: str
    pools: Sequence[RestatedPool] = ()
    changes: DataFrame | None = None
    parts: DataFrame | None = None
    affected: DataFrame | None = None
    appeal: str | None = None
    """The appeal that it follows, as given"""


@dataclass(frozen=True)
class _PublishedDay:
    """A published day: its ledger, and the versions of the tables that it was paid from, and is computed from now."""

    ledger: Mapping[str, PoolRun]
    paid_from: Mapping[str, int]
    now: Mapping[str, int]
    rates_now: Mapping[str, str]
    """By currency, if the day's revenue was converted; rates of other days in `fx_rates` do not matter"""

    @property
    def currency(self) -> str:
        return next(iter(self.ledger.values())).currency


@dataclass(frozen=True)
class _Booked:
    """What earlier restatements of the day have booked: rows by video (None if there are none), and by pool."""

    videos: DataFrame | None
    pools: Sequence[Mapping[str, Any]]

    @property
    def next_sequence(self) -> int:
        return 1 + max((row["sequence"] for row in self.pools), default=0)

    def money(self, category: str) -> PoolMoney:
        rows = [row for row in self.pools if row["category"] == category]
        return sum((pool_change(row) for row in rows), NOTHING)


def restate_day(context: RunContext, reason: Reason, booked_on: date | None = None) -> Restatement:
    """Book what the run's day would pay more or less with what is known now, under `restate.policy`.

    Without `booked_on` the changes are booked on the day itself, on the day of its last restatement if that is later,
    or on the first day of the first open month if the month of that day is closed. A restatement from the same inputs
    as the last one books nothing. A dry run writes nothing.

    Raises
    ------
    MissingTableError
        If no pool of the day is published, or a version that the day was paid from is not kept any more.
    InputError
        If the booking day is before the day or an earlier restatement of it, in a closed month or far ahead; if a pool
        of the day is not published; if the appeal that it follows is unknown, about another day or not decided; if the
        policy would cost too much goodwill; if the day cannot be computed; if no payment can be made in its currency,
        unless it is a dry run.
    RunInProgressError
        If another live run holds the day or the books, or has published payouts, events or revenue meanwhile.
    """
    day = _published_day(context)
    context.settings = ledger_settings(context.settings, day.ledger.values())
    booking_day = found_booking_day(context, reason, booked_on)
    code = reason.code or _found_reason(context, day)
    inputs = {
        **_inputs_now(day),
        "policy": context.settings.restate.policy,
        "earned": _paid_by(day.ledger),
    }
    done: list[Restatement] = []

    def compute() -> Mapping[str, Any]:
        _require_bookable(context, booking_day)
        _require_same_day(context, day)
        if not context.dry_run:
            require_payable(context.warehouse, [context.day], f"{context.day} cannot be restated")
        done.append(_restate(context, day, booking_day, replace(reason, code=code)))
        return {"booked_on": booking_day.isoformat(), "reason": code}

    run = run_stage(context, STAGE, inputs, compute, beside=[ALLOCATION_STAGE])
    if done:
        return done[0]
    return Restatement(
        date.fromisoformat(run.rows["booked_on"]), run.rows["reason"], day.currency, appeal=reason.appeal
    )


def found_booking_day(context: RunContext, reason: Reason, booked_on: date | None) -> date:
    """The day on which a restatement of the run's day for `reason` is booked: `booked_on`, or the first that may be.

    Raises
    ------
    InputError
        If `booked_on` is before the day or an earlier restatement of it, in a closed month or far ahead; if the appeal
        is unknown, about another day or not decided.
    """
    earliest = first_open_day(context.warehouse, _last_booking(context))
    booking_day = earliest if booked_on is None else booked_on
    _require_bookable(context, booking_day)
    refuse_far_day(context.warehouse, booking_day, "--booked-on")
    if reason.appeal is not None:
        _require_own_appeal(context, reason.appeal)
    return booking_day


def pool_change(row: Mapping[str, Any]) -> PoolMoney:
    """The change of a pool's money in a row of `pool_adjustments`."""
    names = ("gross", "platform", "videos", "unallocated", "goodwill")
    return PoolMoney(**{name: row[f"{name}_micros"] for name in names})


def _last_booking(context: RunContext) -> date:
    """The last day on which a restatement of the run's day is booked; the day itself if there is none."""
    rows = published_arrow(context.warehouse, POOLS, [context.day], ["booked_on"])
    booked: list[date] = rows.column("booked_on").to_pylist()
    return max([context.day, *booked])


def _require_bookable(context: RunContext, booked_on: date) -> None:
    """Check that a restatement of the run's day may be booked on a day: that is open, and after what it changes."""
    require_open(context.warehouse, context.day, booked_on)
    last = _last_booking(context)
    if booked_on < last:
        raise InputError(
            f"--booked-on {booked_on} is before {last}, on which {context.day} is restated already: what changes that "
            f"is booked on {last} or later, so that no month pays what is taken back later"
        )


def _require_own_appeal(context: RunContext, appeal: str) -> None:
    """Check that an appeal is about the run's day, and decided: a restatement never follows an open appeal."""
    version = shared_version(context.warehouse, APPEALS)
    rows = []
    if version is not None:
        rows = context.warehouse.read(APPEALS, version=version).where(F.col("appeal_id") == appeal).collect()
    if not rows:
        raise InputError(f"--appeal {appeal} is not in table {APPEALS}: check the id, or load it first")
    about = rows[0]["service_date"]
    if about != context.day:
        raise InputError(
            f"--appeal {appeal} is about {about}, and the restatement of {context.day} cannot follow it: restate "
            f"{about}, or check the id"
        )
    if rows[0]["decision"] is None:
        raise InputError(
            f"--appeal {appeal} is not decided: a restatement follows a decision; load the appeal again with decision "
            f"and decided_on first"
        )


def _published_day(context: RunContext) -> _PublishedDay:
    warehouse = context.warehouse
    ledger = require_published_pools(warehouse, context.day)
    if PULSE in ledger:
        raise InputError(
            f"category '{PULSE}' of {context.day} has the name that adjustments give to money beside Pulse ads: rename "
            f"the category"
        )
    require_whole_day(warehouse, context.day, ledger)
    paid_from = latest_pool(ledger).inputs
    require_kept(warehouse, context.day, {**paid_from, **day_outputs(ledger)})
    now = {**paid_from, **_latest_inputs(context, paid_from)}
    rates = current_rates(warehouse, context.day, now["ad_revenue"])
    known = shared_versions(warehouse, [RATES] if rates else [])
    return _PublishedDay(ledger, paid_from, now | known, rates)


def _require_same_day(context: RunContext, day: _PublishedDay) -> None:
    """Check, under the claim, that the day's payouts and the latest inputs are those that were read before it."""
    found = _published_day(context)
    if (_paid_by(found.ledger), _inputs_now(found)) != (_paid_by(day.ledger), _inputs_now(day)):
        raise RunInProgressError(
            f"{context.day}: another run has published other payouts, events or revenue meanwhile; restate it again"
        )


def _inputs_now(day: _PublishedDay) -> dict[str, Any]:
    """What the day is computed from now: versions of tables, but of rates the day's own, as other days have theirs."""
    versions = {table: version for table, version in day.now.items() if table != RATES}
    return versions | ({"rates": day.rates_now} if day.rates_now else {})


def _paid_by(ledger: Mapping[str, PoolRun]) -> dict[str, str]:
    """The run that published each pool."""
    return {category: row.run_id for category, row in sorted(ledger.items())}


def _latest_inputs(context: RunContext, paid_from: Mapping[str, int]) -> dict[str, int]:
    """Versions of events and invalid viewers, and of the day's revenue, viewers and videos, that are published last."""
    warehouse = context.warehouse
    found = shared_versions(warehouse, ("events", INVALID))
    found["events"] = max(paid_from["events"], found.get("events", 0))
    for table in ("ad_revenue", *CORRECTED_TABLES):
        version = published_version(warehouse, table, context.day)
        if version is not None:
            found[table] = version
    return found


def _found_reason(context: RunContext, day: _PublishedDay) -> str:
    """The reason code of what has changed since the day was restated last, or paid.

    If nothing has, another policy books what the last restatement found, for its reason.
    """
    last = published_stage(context, STAGE, {})
    before = day.paid_from if last is None else last.inputs
    if used_rates(context.warehouse, context.day, before) != day.rates_now:
        return "revenue_corrected"
    changed = [code for table, code in _FOUND_REASONS if before.get(table) != day.now.get(table)]
    if changed or last is None or _have_arrived(context, before["events"], day.now["events"]):
        return changed[0] if changed else "late_events"
    return str(last.rows["reason"])


def _have_arrived(context: RunContext, before: int, now: int) -> bool:
    """Whether version `now` of `events` has other rows of the run's day than version `before`."""
    return bool(context.warehouse.changes("events", before + 1, now).since(context.day, before))


def _restate(context: RunContext, day: _PublishedDay, booked_on: date, reason: Reason) -> Restatement:
    policy = context.settings.restate.policy
    booked = _booked(context)
    dry = replace(context, dry_run=True, as_of=day.now, results=[], kept=0, staged=[], outputs={})
    payouts = publish_payouts(dry, republish=True)
    why = {
        "service_date": context.day,
        "booked_on": booked_on,
        "run_id": context.run_id,
        "sequence": booked.next_sequence,
        "policy": policy,
        "reason_code": reason.code,
        "note": reason.note,
        "currency": day.currency,
    }
    affected = _affected(context, day, booked, payouts, policy)
    changes = _store_changes(context, _changes(affected), why, booked)
    revenue = day_revenue(dry, day.now, day.ledger, (), renewed=())
    parts = store_parts(context, changes, booked.videos, day.ledger, (payouts, revenue))
    sums = {row["category"]: row["micros"] for row in _sums(changes).collect()}
    pools = _pools(dry, day, (payouts, revenue), booked, policy, sums)
    before = sum(pool_change(row).goodwill for row in booked.pools)
    added = sum(pool.booked.goodwill for pool in pools)
    if added > 0:
        require_goodwill_within(context.settings.restate.goodwill_cap_micros, before, added)
    records = [
        {"date": context.day, "category": pool.category, **_sides(pool.booked), **why, "appeal_id": reason.appeal}
        for pool in pools
        # Videos may gain and lose while the sides of their pool stay.
        if pool.category in sums or not pool.booked.is_nothing
    ]
    context.store_records([*booked.pools, *records], POOLS)
    return Restatement(booked_on, str(reason.code), day.currency, pools, changes, parts, affected, reason.appeal)


def _booked(context: RunContext) -> _Booked:
    warehouse, day = context.warehouse, context.day
    return _Booked(published_day(warehouse, VIDEOS, day), published_arrow(warehouse, POOLS, [day]).to_pylist())


def _affected(
    context: RunContext, day: _PublishedDay, booked: _Booked, payouts: DayPayouts, policy: Policy
) -> DataFrame:
    """Whom the restatement affects, and what `policy` books for them: `Restatement.affected`."""

    def published(table: str, versions: Mapping[str, int]) -> DataFrame:
        return context.warehouse.read(table, day=context.day, version=versions[table])

    outputs = day_outputs(day.ledger)
    scores = [published(table, day.paid_from) for table in ("video_signals", "video_quality")]
    compliance = ("video_id", "is_compliant")
    touched = touched_videos(
        [scores[0], scores[1].select(*compliance)],
        [payouts.signals.signals, payouts.signals.quality.select(*compliance)],
    )
    rows = compared_rows(
        earned_rows(published("pool_payouts", outputs), published("video_payouts", outputs)),
        booked.videos,
        earned_rows(payouts.pool_payouts, payouts.video_payouts),
        touched,
    )
    differing = rows.where(F.col("restated_micros") != F.col("settled_micros"))
    return differing.withColumn("booked_micros", booked_change(policy)).drop("is_own")


def _changes(affected: DataFrame) -> DataFrame:
    booked = affected.where(F.col("booked_micros") != 0)
    return booked.select("category", "video_id", "creator_id", "bound", F.col("booked_micros").alias("change_micros"))


def _store_changes(context: RunContext, changes: DataFrame, why: Mapping[str, Any], booked: _Booked) -> DataFrame:
    """Store `changes` beside those of earlier restatements; return the rows of this one."""
    kinds = {column.name: column.type for column in context.warehouse.contract(VIDEOS).columns}
    rows = changes.withColumns({name: F.lit(value).cast(kinds[name]) for name, value in why.items()})
    if booked.videos is not None:
        rows = rows.unionByName(booked.videos.drop("date"))
    return context.store(rows, VIDEOS).where(F.col("sequence") == why["sequence"])


def _sums(changes: DataFrame) -> DataFrame:
    return changes.groupBy("category").agg(sum_exact("change_micros").alias("micros"))


def _pools(
    dry: RunContext,
    day: _PublishedDay,
    restated: tuple[DayPayouts, DayRevenue],
    booked: _Booked,
    policy: Policy,
    sums: Mapping[str, int],
) -> list[RestatedPool]:
    """The money of each pool of the day; `sums` has the changes of its videos."""
    payouts, revenue = restated
    for pool in revenue.pools:
        _require_same_carry(dry, day, pool.category, pool.carried_micros)
    earned = published_money(dry, day.ledger)
    now = money_of([vars(pool) for pool in revenue.pools], payouts.pools, revenue.rows, payouts.video_payouts)
    found = []
    for category in sorted({*earned, *now, *sums, *(row["category"] for row in booked.pools)}):
        settled = earned.get(category, NOTHING) + booked.money(category)
        paid_now = now.get(category, NOTHING)
        change = booked_money(policy, settled, paid_now, sums.get(category, 0))
        found.append(RestatedPool(category, settled, paid_now, change))
    return found


def _require_same_carry(context: RunContext, day: _PublishedDay, category: str, carried: int) -> None:
    """Check that a pool leaves the same refunds to later days, because those days have taken them already."""
    paid = day.ledger[category].carried_micros or 0 if category in day.ledger else 0
    if carried != paid:
        raise InputError(
            f"pool {category} of {context.day} would carry {-carried:,} micros of refunds to later days instead of "
            f"{-paid:,}, which later days have taken: deliver the difference as a refund of a later day"
        )


def _sides(money: PoolMoney) -> dict[str, int]:
    return {f"{name}_micros": micros for name, micros in vars(money).items()}
