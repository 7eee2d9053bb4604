"""The split of a pool over its videos: solver, dual solution and optimality check. Only `frames` imports Spark."""

from creatorpool.allocation.kkt import KktResiduals, kkt_residuals
from creatorpool.allocation.payout import BOUNDS, CreatorPrices, Dual, Price, payout_from_dual
from creatorpool.allocation.program import Allocation, allocate
from creatorpool.allocation.redistribution import efficiency_moved, money_moved

__all__ = [
    "BOUNDS",
    "Allocation",
    "CreatorPrices",
    "Dual",
    "KktResiduals",
    "Price",
    "allocate",
    "efficiency_moved",
    "kkt_residuals",
    "money_moved",
    "payout_from_dual",
]
