"""Two small published days, written as after a night, without running one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from tests.explanation.pool_days import PoolDay
from tests.runs.pool_runs import NOW, pool_run

from creatorpool.actions import ACTION_RATES
from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.quality.geometric import geometric_mean
from creatorpool.runs.ledger import ALLOCATE, SIGNALS, StageRun, publish_run
from creatorpool.runs.pools import PoolRun, pool_records, publish_pools
from creatorpool.settings import Settings
from creatorpool.stages.signals import STAGE as SIGNAL_STAGE
from creatorpool.tables import Warehouse


def publish_day(
    root: Path,
    day: date,
    pools: Mapping[str, tuple[PoolDay, list[str]]],
    settings: Settings,
    currency: str = "USD",
    sold: Mapping[str, str] | None = None,
    refunds: Mapping[str, int] | None = None,
) -> None:
    """Publish pools, each with the ids of its videos: 'v1-a' is a video of 'creator-v1', unless `sold` names another.

    A pool's `refunds` (<= 0) lowered its revenue to what makes its money at the platform's share.
    """
    warehouse = Warehouse(None, root)
    policy = DayPolicy(SplitPolicy.of(settings.allocation), settings.signals.exponents())
    tables: dict[str, dict[Any, dict[str, Any]]] = {"pool_payouts": {}, "video_signals": {}, "video_quality": {}}
    for category, (pool, ids) in pools.items():
        _add_pool(tables, day, category, pool, ids, policy)
    for row in tables["pool_payouts"].values():
        row["creator_id"] = (sold or {}).get(row["video_id"], row["creator_id"])
    tables["video_payouts"] = _totals(tables["pool_payouts"].values(), day, currency)
    tables["creator_payouts"] = _by_creator(tables["video_payouts"].values())
    tables["pool_revenue"] = {
        name: _revenue(day, name, pool.money, currency, (refunds or {}).get(name, 0), settings.pools.platform_share)
        for name, (pool, _) in pools.items()
    }
    versions = {}
    for table, rows in tables.items():
        warehouse.ensure(table)
        seen = warehouse.version(table)
        versions[table] = warehouse.replace_day_records(list(rows.values()), table, day, seen=seen)
    signals = {table: versions[table] for table in ("video_signals", "video_quality")}
    sha = settings.sha256(*SIGNAL_STAGE.sections)
    publish_run(warehouse, StageRun(day, SIGNALS, f"s-{day}", sha, "test", {}, signals, {}, NOW, NOW))
    outputs = {table: version for table, version in versions.items() if table not in signals}
    ledger = [_ledger_row(day, name, pool, settings, signals, outputs, currency) for name, (pool, _) in pools.items()]
    records, seen = pool_records(warehouse, day, ledger)
    publish_pools(warehouse, day, records, seen)


def creator_of(video: str) -> str:
    return f"creator-{video.split('-')[0]}"


def _add_pool(
    tables: dict[str, dict[Any, dict[str, Any]]],
    day: date,
    category: str,
    pool: PoolDay,
    ids: list[str],
    policy: DayPolicy,
) -> None:
    paid = pool.paid(policy)
    scores = geometric_mean(pool.components, list(policy.exponents.values()))
    for v, video in enumerate(ids):
        key = {"date": day, "video_id": video}
        tables["pool_payouts"][category, video] = key | {
            "category": category,
            "creator_id": creator_of(video),
            "effective_impressions": float(paid.effective_impressions[v]),
            "share": 0.0,
            "weight": 0.0,
            "floor_micros": int(paid.floor[v]),
            "cap_micros": int(paid.cap[v]) if np.isfinite(paid.cap[v]) else None,
            "payout_micros": int(paid.payout[v]),
            "bound": str(paid.bound[v]),
        }
        components = {name: float(values[v]) for name, values in paid.components.items()}
        rates = dict.fromkeys(ACTION_RATES, 0.0)
        counts = {"views": int(pool.views[v]), "viewers": 1, "trust_weight": 1.0}
        tables["video_signals"][video] = key | components | rates | counts
        tables["video_quality"][video] = (
            key
            | components
            | {
                "raw_score": float(scores[v]),
                "quality_score": float(scores[v]),
                "is_compliant": True,
                "smoothing": "none",
            }
        )


def _totals(rows: Any, day: date, currency: str) -> dict[Any, dict[str, Any]]:
    totals: dict[Any, dict[str, Any]] = {}
    for row in rows:
        video = row["video_id"]
        known = totals.setdefault(
            video,
            {"date": day, "video_id": video, "creator_id": row["creator_id"], "payout_micros": 0, "pulse_micros": 7},
        )
        known["payout_micros"] += row["payout_micros"]
        known |= {"total_micros": known["payout_micros"] + 7, "currency": currency}
    return totals


def _by_creator(rows: Any) -> dict[str, dict[str, Any]]:
    money = ("payout_micros", "pulse_micros", "total_micros")
    totals: dict[str, dict[str, Any]] = {}
    for row in rows:
        start = {name: row[name] for name in ("date", "creator_id", "currency")} | dict.fromkeys(
            (*money, "videos_paid"), 0
        )
        known = totals.setdefault(row["creator_id"], start)
        known |= {name: known[name] + row[name] for name in money} | {"videos_paid": known["videos_paid"] + 1}
    return totals


def _revenue(day: date, category: str, money: int, currency: str, refunds: int, kept: float) -> dict[str, Any]:
    net = -int(-money // (1.0 - kept))
    own = {"gross_micros": net - refunds, "platform_share": kept, "pool_micros": money}
    lowered = {"refunds_micros": refunds, "carried_in_micros": 0, "carried_micros": 0, "carried_from": None}
    return {"date": day, "category": category, "currency": currency} | own | lowered


def _ledger_row(
    day: date,
    category: str,
    pool: PoolDay,
    settings: Settings,
    inputs: Mapping[str, int],
    outputs: Mapping[str, int],
    currency: str,
) -> PoolRun:
    policy = settings.allocation
    return pool_run(
        day=day,
        category=category,
        run_id=f"{ALLOCATE}-1",
        pool_micros=pool.money,
        paid_micros=pool.money,
        videos_eligible=pool.views.size,
        videos_paid=pool.views.size,
        alpha=policy.alpha,
        lambda_fair=1.0 - policy.lambda_eff,
        lambda_eff=policy.lambda_eff,
        objective=policy.objective,
        config_sha256=settings.sha256(),
        inputs=inputs,
        outputs=outputs,
        currency=currency,
    )
