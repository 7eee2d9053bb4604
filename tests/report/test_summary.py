"""The summary of a run: a fault in it does not change a published day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from creatorpool.report import summary

NIGHT: dict[str, Any] = {"day": date(2026, 11, 20), "seconds": {}}
NO_PAYOUTS: Any = SimpleNamespace()


def broken(*_: object) -> None:
    raise ValueError("closing tag '[/red]' matches no open tag")


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
