"""Synthetic days with known truth: who made what, how good it really is, who cheats, and which rows are broken."""

from __future__ import annotations

from creatorpool.synthetic.market import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket
from creatorpool.synthetic.truth import KnownTruth

__all__ = ["EDUCATIONAL_VIDEO", "TOXIC_VIDEO", "KnownTruth", "SyntheticMarket"]
