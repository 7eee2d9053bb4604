"""The checkout that contains the tests: its jobs, docs, conf/, data_contracts/ and tools."""

from __future__ import annotations

from pathlib import Path


def project_root() -> Path:
    """The checkout's top folder."""
    return Path(__file__).resolve().parents[1]
