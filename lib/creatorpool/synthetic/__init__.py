"""Synthetic days with known truth: creators, true qualities of videos, bots, and broken rows."""

from __future__ import annotations

from creatorpool.synthetic.market import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket
from creatorpool.synthetic.truth import KnownTruth

__all__ = ["EDUCATIONAL_VIDEO", "TOXIC_VIDEO", "KnownTruth", "SyntheticMarket"]
