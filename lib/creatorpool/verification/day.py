"""Verifies a published day: recomputes its rows, its totals and the numbers of its ledger from their inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.allocation.frames.payouts import creator_totals, fill_payouts, settle_ties, video_totals
from creatorpool.allocation.frames.pools import pulse_earnings
from creatorpool.allocation.revenue import CARRY_COLUMNS, PoolRevenue
from creatorpool.contracts import stage_tables
from creatorpool.contracts.schema import with_new_columns
from creatorpool.contracts.suite import prepare_checks
from creatorpool.errors import MissingTableError, VerificationError
from creatorpool.frames import matching
from creatorpool.quality.frames.day import score_signals
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.quoting import quoted
from creatorpool.runs.ledger import ALLOCATE, SIGNALS, as_json
from creatorpool.runs.pools import PoolRun, latest_pool, require_published_pools
from creatorpool.session import READ_ERRORS
from creatorpool.stages.configuration import use_ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.signals import input_frames
from creatorpool.verification.checks import Check, compare_frames, compare_records, run_check
from creatorpool.verification.conversion import conversion_checks
from creatorpool.verification.pools import RecomputedPools, recomputed_pools
from creatorpool.wording import number_of

KEYS = {
    "pool_revenue": ("category",),
    "pool_payouts": ("category", "video_id"),
    "video_payouts": ("video_id",),
    "creator_payouts": ("creator_id",),
    "video_signals": ("video_id",),
    "video_quality": ("video_id",),
}
"""Key columns of a day's tables, without the day"""

MONEY = ("payout_micros", "pulse_micros", "total_micros", "currency")
AS_PUBLISHED = "as published"
"""End of the names of checks that compare the latest version of a table with the published one"""

EARNED = ("creator_id", *MONEY)


def verify_day(context: RunContext) -> list[Check]:
    """Recompute the published day and compare it with its tables, one `Check` per condition. Writes nothing.

    Without overlays and assignments, the configuration in the ledger is used.

    Raises
    ------
    MissingTableError
        If no pool of the day is published.
    ConfigurationError
        If the given configuration differs from that of the published day.
    """
    ledger = require_published_pools(context.warehouse, context.day)
    use_ledger_settings(context, ledger.values())
    readable = [_readable(context, ledger)]
    if not readable[0].passed:
        return readable
    return [*readable, *_told(context, _while_readable(_all_checks(context, ledger)))]


def require_verified(context: RunContext, checks: list[Check]) -> None:
    """Raise VerificationError, which describes the first difference, if a check failed."""
    failed = [check for check in checks if not check.passed]
    if failed:
        rest = f"; these checks failed, too: {[check.name for check in failed[1:]]}" if failed[1:] else ""
        raise VerificationError(
            f"{context.day}: check '{failed[0].name}' found {number_of(failed[0].differences, 'difference')} in "
            f"{failed[0].extent}, for example {failed[0].example}{rest}"
        )


def _told(context: RunContext, checks: Iterator[Check]) -> Iterator[Check]:
    """`checks`, each with a log line: the checks of a large day take minutes."""
    for check in checks:
        context.log("verify", f"{check.name}: {check.extent}, {number_of(check.differences, 'difference')}")
        yield check


def _while_readable(checks: Iterator[Check]) -> Iterator[Check]:
    """`checks`; a file that turns out to be damaged adds a failed check and ends them."""
    try:
        yield from checks
    except READ_ERRORS as error:
        yield Check("tables readable", 1, 1, str(error).strip().splitlines()[0], "file")


def _all_checks(context: RunContext, ledger: Mapping[str, PoolRun]) -> Iterator[Check]:
    prepare_checks()
    latest = latest_pool(ledger)
    outputs = latest.outputs
    stored = {table: _read(context, table, outputs[table]) for table in stage_tables(ALLOCATE)}
    formed: dict[str, PoolRevenue] = {}
    groups: dict[str, list[str]] = {}
    for category, row in sorted(ledger.items()):
        groups.setdefault(as_json(row.inputs), []).append(category)
    for categories in groups.values():
        inputs = ledger[categories[0]].inputs
        yield from _score_checks(context, inputs)
        yield from conversion_checks(context, inputs["ad_revenue"])
        pools = recomputed_pools(context, inputs, {name: ledger[name] for name in categories}, stored["pool_payouts"])
        yield from _pool_checks(pools, stored["pool_payouts"])
        # The run that published last has also written the rows of pools that are not published yet.
        own = pools.ledger if inputs != latest.inputs else set(pools.formed) - (set(ledger) - set(categories))
        formed |= {name: pools.formed[name] for name in own}
    yield from _total_checks(context, latest.inputs, ledger, formed, stored)
    scores = {table: latest.inputs[table] for table in stage_tables(SIGNALS)}
    for table, version in sorted((scores | dict(outputs)).items()):
        if table in KEYS:
            yield _keeps_contract(context, table, version)
            yield _latest_version_unchanged(context, table, version)


def _readable(context: RunContext, ledger: Mapping[str, PoolRun]) -> Check:
    """Check that all table versions that the ledger names can be read, including their files."""
    named = sorted(
        {pair for row in ledger.values() for versions in (row.inputs, row.outputs) for pair in versions.items()}
    )
    lost = []
    for table, version in named:
        is_daily = "date" in context.warehouse.contract(table).partition_by
        try:
            context.warehouse.count_stored(table, day=context.day if is_daily else None, version=version)
        except MissingTableError as error:
            lost.append(str(error))
    return Check("ledger versions readable", len(named), len(lost), lost[0] if lost else None, "version")


def _unique_events(context: RunContext, inputs: Mapping[str, int]) -> Check:
    """Check that no id of the day's events occurs again, on the day or on a day that late events may belong to."""
    reach = context.settings.ingest.late_window_days
    days = [context.day + timedelta(days=apart) for apart in range(-reach, reach + 1)]
    near = context.warehouse.read("events", days=days, version=inputs["events"])
    is_own = F.col("date") == F.lit(context.day)
    ids = near.groupBy("event_id").agg(F.count("*").alias("number"), F.max(is_own).alias("is_own")).where("is_own")
    counted = ids.agg(
        F.count("*"), F.count(F.when(F.col("number") > 1, 1)), F.min(F.when(F.col("number") > 1, F.col("event_id")))
    )
    compared, repeated, example = counted.collect()[0]
    words = f"event {quoted(example)} is stored more than once" if repeated else None
    return Check("event ids unique", compared, repeated, words, "event id")


def _score_checks(context: RunContext, inputs: Mapping[str, int]) -> Iterator[Check]:
    """Check that signals follow from events, and quality from signals."""
    events, viewers, videos = input_frames(context, inputs)
    yield _unique_events(context, inputs)
    stored = {
        table: context.warehouse.read(table, day=context.day, version=inputs[table])
        for table in ("video_signals", "video_quality")
    }
    expected = video_signals(events, viewers, videos, context.settings.signals)
    counts = ("views", "viewers")
    rates = [name for name in expected.columns if name not in ("date", "video_id", *counts)]
    yield run_check(
        "video_signals from events",
        lambda: compare_frames(
            "video_signals from events", stored["video_signals"], expected, ["video_id"], counts, rates
        ),
    )
    yield run_check("video_quality from video_signals", lambda: _quality(context, stored, videos))


def _quality(context: RunContext, stored: Mapping[str, DataFrame], videos: DataFrame) -> Check:
    expected, _ = score_signals(stored["video_signals"], videos, context.settings)
    scores = (*COMPONENT_NAMES, "raw_score", "quality_score")
    exact = ("is_compliant", "smoothing")
    return compare_frames(
        "video_quality from video_signals", stored["video_quality"], expected, ["video_id"], exact, scores
    )


def _pool_checks(pools: RecomputedPools, payouts: DataFrame) -> Iterator[Check]:
    """Check pools: their videos, the ledger's numbers, sums, optimality, and every recomputed payout."""
    own = matching(payouts, "category", pools.ledger)
    yield compare_frames(
        "pool members from quality",
        own,
        pools.members,
        KEYS["pool_payouts"],
        ["creator_id"],
        ["effective_impressions"],
    )
    yield pools.ledger_check()
    yield pools.sums_check(own)
    yield pools.optimality_check(own)
    if pools.splits:
        expected = fill_payouts(pools.members, settle_ties(pools.members, pools.splits))
        yield compare_frames(
            "pool_payouts from the pools' split",
            own,
            expected,
            KEYS["pool_payouts"],
            ["floor_micros", "cap_micros", "payout_micros", "bound"],
            ["share", "weight"],
        )


def _total_checks(
    context: RunContext,
    inputs: Mapping[str, int],
    ledger: Mapping[str, PoolRun],
    formed: Mapping[str, PoolRevenue],
    stored: Mapping[str, DataFrame],
) -> Iterator[Check]:
    """Check totals: pools from revenue, refunds and carries; videos from pools and Pulse; creators from videos."""
    revenue = context.warehouse.read("ad_revenue", day=context.day, version=inputs["ad_revenue"])
    videos = context.warehouse.read("videos", version=inputs["videos"])
    found = {row["category"]: _without_nulls(row.asDict()) for row in stored["pool_revenue"].collect()}
    yield compare_records("pool_revenue from ad_revenue", found, {name: vars(pool) for name, pool in formed.items()})
    columns = ("pool_micros", "currency", "carried_micros", "carried_from")
    named = {name: {column: row[column] for column in columns} for name, row in found.items() if name in ledger}
    booked = {name: _without_nulls(vars(row)) for name, row in ledger.items()}
    yield compare_records("ledger's pools from pool_revenue", booked, named)
    pulse = pulse_earnings(revenue, context.settings.pools)
    expected = video_totals(stored["pool_payouts"], pulse, videos, latest_pool(ledger).currency)
    by_video = stored["video_payouts"]
    yield compare_frames("video_payouts from pools and Pulse", by_video, expected, ["video_id"], EARNED, [])
    yield compare_frames(
        "creator_payouts from video_payouts",
        stored["creator_payouts"],
        creator_totals(by_video),
        ["creator_id"],
        ["videos_paid", *MONEY],
        [],
    )


def _without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` with 0 for missing amounts of refunds: releases without refunds did not write them."""
    missing = [name for name in CARRY_COLUMNS if name.endswith("_micros") and row.get(name) is None]
    return {**row, **dict.fromkeys(missing, 0)}


def _read(context: RunContext, table: str, version: int | None = None) -> DataFrame:
    rows = context.warehouse.read(table, day=context.day, version=version)
    return with_new_columns(rows, context.warehouse.contract(table))


def _keeps_contract(context: RunContext, table: str, version: int) -> Check:
    """Check the day's rows against the rules of the table's contract."""
    rows = _read(context, table, version)
    results = context.validate(rows, table)
    broken = [result for result in results if not result.passed and result.severity == "error"]
    example = f"rule {broken[0].rule} broken by {broken[0].rows_failed} rows" if broken else None
    return Check(f"{table} keeps its contract", len(results), len(broken), example, "rule")


def _latest_version_unchanged(context: RunContext, table: str, version: int) -> Check:
    """Check that the table's latest version still has the published rows of the day, for readers without the ledger."""
    name = f"{table} {AS_PUBLISHED}"
    if context.warehouse.version(table) == version:
        return Check(name, 1, unit="version")  # the latest version is the published one
    columns = [c.name for c in context.warehouse.contract(table).columns if c.name not in ("date", *KEYS[table])]
    latest, published = _read(context, table), _read(context, table, version)
    found = compare_frames(name, latest, published, KEYS[table], columns, [])
    counts = [frame.count() for frame in (latest, published)]
    if found.passed and counts[0] != counts[1]:
        return Check(name, counts[1], abs(counts[0] - counts[1]), f"{counts[0]} rows, must be {counts[1]}")
    return found
