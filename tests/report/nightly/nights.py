"""Published days for the report, with the tables of every section, written without running a night."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tests.explanation.pool_days import PoolDay
from tests.explanation.published_days import publish_day

from creatorpool.cohorts.success_value import SuccessValue
from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.runs.ledger import CLOSE, INGEST, POST, RESTATE, StageRun, publish_run
from creatorpool.settings import load_settings
from creatorpool.settlement.journal import ADJUSTMENT, CASH, HELD, NIGHT, PAYABLE, PAYMENT
from creatorpool.tables import Warehouse

WEEK_AGO, BEFORE, DAY = date(2026, 11, 13), date(2026, 11, 19), date(2026, 11, 20)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
CATEGORIES = ("comedy", "education", "music & <dance>")
ODD = 'creator-<b>"x"&'
"""Text that a page must not interpret as markup"""


def publish_payouts(root: Path, *days: date, categories: Sequence[str] = CATEGORIES) -> Warehouse:
    """Pools of 40 videos of 10 creators on each day."""
    for day in days:
        rng = np.random.default_rng(day.toordinal())
        pools = {}
        for number, category in enumerate(categories):
            views, components = rng.integers(1, 500, 40), rng.uniform(0.05, 1.0, (40, 5))
            components[:6, 3] = 0.0
            videos = [f"c{place % 10}-{number}-{place}" for place in range(40)]
            pools[category] = (PoolDay(5_000_000 * (number + 1), views, components), videos)
        publish_day(root, day, pools, load_settings(), sold={f"c3-{number}-3": ODD for number in range(3)})
    return Warehouse(None, root)


def publish_stage(
    warehouse: Warehouse, stage: str, tables: dict[str, Sequence[dict[str, Any]]], *, day: date = DAY, **rows: Any
) -> None:
    """Publish a stage of `day`; columns that a row leaves out are null, or the least accepted value."""
    versions = {}
    for table, own in tables.items():
        contract = warehouse.ensure(table)
        filled = [{column.name: None for column in contract.columns} | {"date": day} | row for row in own]
        versions[table] = warehouse.replace_day_records(filled, table, day, seen=warehouse.version(table))
    publish_run(warehouse, StageRun(day, stage, f"{stage}-1", "0" * 64, "test", {}, versions, rows, NOW, NOW))


def counts(read: int, broken: dict[str, int]) -> dict[str, Any]:
    refused = max(broken.values(), default=0)
    return {
        "read": read,
        "accepted": read - refused,
        "quarantined": refused,
        "late": 0,
        "duplicates": 0,
        "broken": broken,
    }


def keep_books(warehouse: Warehouse) -> None:
    """The books of the first two days: October is closed, the nights are posted, and of two restatements the first."""
    balances = [
        _balance("creator-c1", closing_micros=1_000_000, held_balance_micros=40_000),
        _balance("old", closing_micros=-2_000_000, held_balance_micros=0),
    ]
    publish_stage(warehouse, CLOSE, {"payee_balances": balances}, day=date(2026, 10, 31))
    changes = [
        {"sequence": number, "booked_on": BEFORE, "service_date": WEEK_AGO, "reason_code": "invalid_viewers"}
        | {"note": note, "currency": "USD", "category": "comedy", "video_id": f"{creator}-0-1", "policy": "full"}
        | {"run_id": f"r{number}", "creator_id": f"creator-{creator}", "change_micros": micros}
        for number, creator, note, micros in ((1, "c2", "click farm", -300_000), (2, "c1", None, 200_000))
    ]
    sides = ("gross", "platform", "videos", "unallocated", "goodwill")
    pools = [row | {f"{side}_micros": 0 for side in sides} | {"videos_micros": row["change_micros"]} for row in changes]
    known = {column.name for column in warehouse.contract("pool_adjustments").columns}
    tables: dict[str, Sequence[dict[str, Any]]] = {
        "payout_adjustments": changes,
        "pool_adjustments": [{name: value for name, value in row.items() if name in known} for row in pools],
    }
    publish_stage(warehouse, RESTATE, tables, day=WEEK_AGO)
    for day, held in ((WEEK_AGO, ""), (BEFORE, "creator-c1")):
        paid = warehouse.read_arrow("creator_payouts", day=day).to_pylist()
        lines = [
            _line(
                day, HELD if row["creator_id"] == held else PAYABLE, NIGHT, day, row["creator_id"], row["total_micros"]
            )
            for row in paid
        ]
        if held:
            lines.append(_line(day, PAYABLE, ADJUSTMENT, WEEK_AGO, "creator-c2", -300_000))
        lines = [row | {"line": number} for number, row in enumerate(lines, 1)]
        restated = [f"{WEEK_AGO}/1"] if held else []
        publish_stage(warehouse, POST, {"journal": lines}, day=day, nights=[f"{day}"], restatements=restated)


def pay_month(warehouse: Warehouse, day: date, payments: Mapping[str, int]) -> None:
    """Close the month that ends on `day` with payments: micros by payee."""
    lines = [
        _line(day, account, PAYMENT, day, payee, sign * micros)
        for payee, micros in payments.items()
        for account, sign in ((PAYABLE, -1), (CASH, 1))
    ]
    publish_stage(
        warehouse, CLOSE, {"journal": [row | {"line": number} for number, row in enumerate(lines, 1)]}, day=day
    )


def _balance(payee: str, **money: int) -> dict[str, Any]:
    zero = {f"{name}_micros": 0 for name in ("opening", "earned", "adjusted", "held", "released", "paid", "returned")}
    return {"payee_id": payee, "month": "2026-10", "currency": "USD", "reason": "below_threshold"} | zero | money


def _line(day: date, account: str, kind: str, service: date, payee: str, micros: int) -> dict[str, Any]:
    entry = {"booked_on": day, "entry_id": f"{kind} {service}", "kind": kind, "service_date": service}
    return entry | {"account": account, "payee_id": payee, "amount_micros": micros, "currency": "USD"}


def publish_all(root: Path) -> Warehouse:
    """Three days of payouts, and every stage of the last day that the report shows."""
    warehouse = publish_payouts(root, WEEK_AGO, BEFORE, DAY)
    publish_stage(
        warehouse,
        INGEST,
        {},
        events=counts(1000, {"watch_ms_in_range": 30, "liked_not_null": 3}),
        videos=counts(120, {}),
    )
    publish_stage(warehouse, "explain", {"payout_changes": _changes(warehouse)})
    publish_stage(warehouse, "incentives", _incentives(), **SuccessValue(30_000_000, 60, "USD").as_facts())
    publish_stage(warehouse, "deliver", _delivery())
    keep_books(warehouse)
    warehouse.append_records(
        [_result("events", "liked_not_null", 3), _result("videos", "length_ms_in_range", 0)], "contract_results"
    )
    return warehouse


def _changes(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Changes are due to views, except one micro of rounding if a change is odd."""
    paid = {
        day: {
            (row["category"], row["video_id"]): row for row in warehouse.read_arrow("pool_payouts", day=day).to_pylist()
        }
        for day in (BEFORE, DAY)
    }
    rows = []
    for key, row in paid[DAY].items():
        before = paid[BEFORE][key]["payout_micros"]
        change = row["payout_micros"] - before
        owners = {"creator_id": row["creator_id"], "against_creator_id": row["creator_id"], "against_date": BEFORE}
        money = {"against_payout_micros": before, "payout_micros": row["payout_micros"], "change_micros": change}
        parts = {f"{name}_micros": 0 for name in REASON_NAMES} | {
            "views_micros": change - change % 2,
            "rounding_micros": change % 2,
        }
        rows.append({"category": key[0], "video_id": key[1]} | owners | money | parts)
    return rows


def _interval(**values: float) -> dict[str, float]:
    return {
        f"{name}{end}": value * by
        for name, value in values.items()
        for end, by in (("", 1.0), ("_lo", 0.9), ("_hi", 1.1))
    }


def _incentives() -> dict[str, Sequence[dict[str, Any]]]:
    curve = json.dumps([{"proxy": 0.1 * x, "entrants": 50, "passes": 10 * x, "fitted": 0.2 * x} for x in range(5)])
    terms = {"window_n": 20, "threshold_k": 8, "revenue_share": 0.5, "unfinished": 0, "other_terms": 0}
    known = _interval(pass_rate=0.55, pi_hat=0.57, slope_hat=3.6, leverage=6.4, bounty_hat=8.0, expected_spend=4.5)
    comedy = {
        "segment": "comedy",
        "entrants": 250,
        "certified": False,
        "slopes_agree": True,
        "pass_curve": curve,
    } | known
    tiny = {"segment": "tiny", "entrants": 12, "reason": "too few entrants: 12, at least 200 are needed"}
    mass = _interval(discounted_mass=18.0)
    advice = {
        "segment": "comedy",
        "mv_n": 0.5,
        "mv_b": 0.4,
        "lambda_imp": 0.1,
        "lambda_cash": 0.7,
        "exchange_rate": 1.25,
    }
    policies = {
        f"{when}_{name}": value
        for when in ("current", "advised")
        for name, value in (("n", 20), ("k", 8), ("mass", 18.0), ("bounty", 5.0))
    }
    quality = {"current_quality": 0.4, "advised_quality": 0.45, "reason": "raises the bounty"}
    spread = {"segment": "comedy", "method": "realised", "failed": 100, "passed": 150} | _interval(g0=12.0, g1=26.0)
    return {
        "cohort_incentives": [row | terms | mass for row in (comedy, tiny)],
        "continuation_values": [spread | {"spread": 1.0, "spread_lo": -2.0, "spread_hi": 4.0}],
        "policy_advice": [advice | policies | quality],
    }


def _delivery() -> dict[str, Sequence[dict[str, Any]]]:
    plan = [
        {
            "content_id": f"x{n}",
            "drawer": d,
            "impressions": 100.0 * (n + 1),
            "expected_clicks": 5.0,
            "expected_views": 4.0,
            "guarantee": 250.0 if n == 0 else None,
            "binding": "capacity" if d == "top" else "none",
        }
        for n in range(3)
        for d in ("top", "side")
    ]
    fit = {
        "r": 1.0,
        "y_max": 9.0,
        "x0": 1.0,
        "y0": 1.0,
        "rmse": 2.0,
        "ape": 0.1,
        "baseline_rmse": 3.0,
        "baseline_ape": 0.2,
        "category": "music",
        "ctr": 0.05,
        "views_per_click": 0.8,
        "n_days": 12,
        "n_held_out": 3,
    }
    return {
        "delivery_plan": plan,
        "p2c_parameters": [
            fit | {"content_id": f"x{n}", "drawer": "top", "n_points": 9, "converged": n > 0} for n in range(3)
        ],
    }


def _result(contract: str, rule: str, failed: int) -> dict[str, Any]:
    checked = {
        "severity": "warning",
        "passed": failed == 0,
        "rows_checked": 100,
        "rows_failed": failed,
        "example": "secret-viewer",
    }
    return {"date": DAY, "contract": contract, "rule": rule, "run_id": "r1"} | checked
