"""The summary of a run: a fault in it does not change a published day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.runs.pool_runs import pool_run

from creatorpool.report import summary

NIGHT: dict[str, Any] = {"day": date(2026, 11, 20), "seconds": {}}
NO_PAYOUTS: Any = SimpleNamespace()


def broken(*_: object) -> None:
    raise ValueError("closing tag '[/red]' matches no open tag")


def test_printed_pools_sum_to_the_printed_total() -> None:
    halves = {"cooking": 69_460_000, "dance": 184_315_000, "pets": 141_235_000, "tech": 173_775_000}
    pools = [pool_run(category=name, pool_micros=micros, paid_micros=micros) for name, micros in halves.items()]
    pools.append(pool_run(category="left", pool_micros=5_005_000, paid_micros=0, unallocated_micros=5_005_000))

    columns = [list(column.cells) for column in summary.pools_table(pools).columns[1:4]]

    cents = [[round(100 * float(str(cell))) for cell in column] for column in columns]
    assert [column[-1] for column in cents] == [sum(column[:-1]) for column in cents]
    assert [pool - paid - left for pool, paid, left in zip(*cents, strict=True)] == [0] * 6
    assert columns[1][-1] == "568.79"
    assert columns[1][4] == "0.00"


def test_summary_that_cannot_be_printed_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "_print", broken)
    night: Any = SimpleNamespace(**NIGHT, dry_run=False, warehouse=SimpleNamespace(root=tmp_path))

    summary.print_summary(night, NO_PAYOUTS)

    assert "WARNING" in caplog.text
    assert "2026-11-20: the day is published; the summary could not be shown: ValueError: closing tag" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_summary_of_a_dry_run_that_cannot_be_printed_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(summary, "_print", broken)
    night: Any = SimpleNamespace(**NIGHT, dry_run=True, warehouse=SimpleNamespace(root=tmp_path))

    with pytest.raises(ValueError, match="closing tag"):
        summary.print_summary(night, NO_PAYOUTS)
