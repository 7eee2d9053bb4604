"""The setting with which small made-up days are accepted: they bring a broken row of every kind, on purpose."""

from __future__ import annotations

TOLERANT = "ingest.max_quarantined_share=0.5"
