"""The checkout that the tests stand in: its jobs, docs, conf/, data_contracts/ and tools."""

from __future__ import annotations

from pathlib import Path


def project_root() -> Path:
    """Top of the checkout."""
    return Path(__file__).resolve().parents[1]
