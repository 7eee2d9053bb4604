"""Fingerprints of published rows: which changes count as differences, and their descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tools.fingerprints import as_text, differences, fingerprints

DAY = date(2026, 11, 20)
Tables = dict[str, list[dict[str, Any]]]


def published_tables() -> Tables:
    """A day with a pool of two videos, an estimate, and the ledgers that publish them."""
    checked = {"severity": "error", "passed": True, "rows_checked": 2, "rows_failed": 0, "run_id": "run"}
    return {
        "pool_payouts": [payout("video-1", 70), payout("video-2", 30)],
        "policy_advice": [
            {"date": DAY, "segment": "music", "advised_bounty": 2.0, "spend_micros": 1_000_000, "reason": "n 8"},
            {"date": DAY, "segment": "tiny", "advised_bounty": None, "spend_micros": None, "reason": None},
        ],
        "allocation_runs": [
            ledger_row("pool_payouts") | {"category": "music", "pool_micros": 100, "gini": 0.25},
        ],
        "stage_runs": [
            ledger_row("policy_advice") | {"stage": "incentives", "sequence": 1},
        ],
        "contract_results": [
            {"date": DAY, "contract": "pool_payouts", "rule": rule, **checked} for rule in ("key_unique", "bound_known")
        ],
    }


def payout(video: str, micros: int) -> dict[str, Any]:
    paid = {"share": micros / 100, "weight": micros / 7, "payout_micros": micros}
    return {"date": DAY, "category": "music", "video_id": video} | paid


def ledger_row(table: str) -> dict[str, Any]:
    return {"date": DAY, "run_id": "run", "status": "published", "output_versions": json.dumps({table: 0})}


def written(tables: Tables, root: Path) -> Path:
    for table, rows in tables.items():
        write_deltalake(str(root / table), pa.Table.from_pylist(rows), partition_by=["date"])
    return root


def found_differences(folder: Path, change: Callable[[Tables], object]) -> list[str]:
    """The differences after `change`, from fingerprints that were stored as text before."""
    stored = json.loads(as_text(fingerprints(written(published_tables(), folder / "before"))))
    tables = published_tables()
    change(tables)
    return differences(stored, fingerprints(written(tables, folder / "after"), like=stored))


def move_a_micro(tables: Tables) -> None:
    tables["pool_payouts"][0]["payout_micros"] += 1


def swap_videos(tables: Tables) -> None:
    first, second = tables["pool_payouts"]
    first["video_id"], second["video_id"] = second["video_id"], first["video_id"]


def drop_a_column(tables: Tables) -> None:
    for row in tables["pool_payouts"]:
        del row["share"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            move_a_micro,
            "pool_payouts of 2026-11-20: payout_micros sums to 101 micros, before to 100 (+1); "
            "values of ['payout_micros'] differ",
        ),
        (swap_videos, "pool_payouts of 2026-11-20: the same values are in other rows"),
        (drop_a_column, "pool_payouts of 2026-11-20: columns ['share'] are gone"),
        (
            lambda tables: tables["policy_advice"][0].update(advised_bounty=2.0001),
            "policy_advice of 2026-11-20: advised_bounty differs in 1 rows, for example 2.0001 for 2.0",
        ),
        (
            lambda tables: tables["allocation_runs"][0].update(gini=0.25 * (1 + 4e-6)),
            "allocation_runs of 2026-11-20: gini differs in 1 rows, for example 0.250001 for 0.25",
        ),
        (
            lambda tables: tables["policy_advice"][0].update(spend_micros=1_000_001),
            "policy_advice of 2026-11-20: spend_micros sums to 1,000,001 micros, before to 1,000,000 (+1); "
            "values of ['spend_micros'] differ",
        ),
        (
            lambda tables: tables["policy_advice"][0].update(reason=None),
            "policy_advice of 2026-11-20: values of ['reason'] differ",
        ),
        (
            lambda tables: tables["policy_advice"].pop(),
            "policy_advice of 2026-11-20: 2 rows before, 1 now",
        ),
        (
            lambda tables: tables["stage_runs"][0].update(status="superseded"),
            "policy_advice of 2026-11-20: is not published any more",
        ),
    ],
)
def test_change_of_published_rows_is_described_by_table_day_and_column(
    tmp_path: Path, change: Callable[[Tables], object], message: str
) -> None:
    assert found_differences(tmp_path, change) == [message]


def test_rule_that_is_not_checked_any_more_is_named(tmp_path: Path) -> None:
    assert found_differences(tmp_path, lambda tables: tables["contract_results"].pop()) == [
        "contract_results of 2026-11-20: 2 rows before, 1 now",
        "contract_results: rules ['bound_known'] of pool_payouts are not checked any more",
    ]


def add_a_column_and_a_rule(tables: Tables) -> None:
    for row in tables["pool_payouts"]:
        row["bonus_micros"] = 5
    tables["contract_results"].append(tables["contract_results"][0] | {"rule": "bonus_micros_in_range"})
    tables["contract_results"].append(tables["contract_results"][0] | {"run_id": "another"})
    tables["holds"] = [{"date": DAY, "creator_id": "creator-1"}]
    tables["stage_runs"][0]["output_versions"] = json.dumps({"policy_advice": 0, "holds": 0})


@pytest.mark.parametrize(
    "change",
    [
        add_a_column_and_a_rule,
        lambda tables: tables["pool_payouts"].reverse(),
        lambda tables: tables["allocation_runs"][0].update(run_id="another", gini=0.25 * (1 + 1e-15)),
        lambda tables: tables["policy_advice"][0].update(advised_bounty=2.0 * (1 + 4e-6)),
        lambda tables: tables["policy_advice"][0].update(reason="the bar falls from 8 to 7"),
    ],
)
def test_volatile_columns_are_no_difference(tmp_path: Path, change: Callable[[Tables], object]) -> None:
    assert found_differences(tmp_path, change) == []


def test_rows_are_read_in_the_version_that_the_ledger_names(tmp_path: Path) -> None:
    root = written(published_tables(), tmp_path)
    before = fingerprints(root)
    unpublished = pa.Table.from_pylist([payout("video-3", 5)])

    write_deltalake(str(root / "pool_payouts"), unpublished, mode="append")

    assert fingerprints(root) == before
