"""The split of a pool over its videos: the solver, its dual, and the check of its answer. No Spark in here."""

from creatorpool.allocation.kkt import KktResiduals, kkt_residuals
from creatorpool.allocation.payout import BOUNDS, Dual, Price, payout_from_dual
from creatorpool.allocation.program import Allocation, allocate

__all__ = [
    "BOUNDS",
    "Allocation",
    "Dual",
    "KktResiduals",
    "Price",
    "allocate",
    "kkt_residuals",
    "payout_from_dual",
]
