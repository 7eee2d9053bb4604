"""Step sizes, corridors and caps of the weekly loop (formulas §3.9, S4 C.5, D.3)."""

from __future__ import annotations

from dataclasses import dataclass

from creatorpool.errors import InputError


@dataclass(frozen=True)
class Controls:
    """Settings of the weekly loop; the defaults suit platform values of about ten per entrant."""

    mass_rate: float = 2.0
    """η_N: discounted impressions per week for each unit by which MV_N exceeds its price"""
    bounty_rate: float = 0.15
    """η_B: relative change of B per week for each unit by which MV_B exceeds its price"""
    impression_price_rate: float = 0.02
    """ζ of λ_imp, per impression over budget"""
    cash_price_rate: float = 0.15
    """ζ of λ_cash, per dollar over budget"""
    smoothing: float = 0.5
    """weight of this week's marginal gains against the earlier smoothed ones, in (0, 1]"""
    mass_cap: float = 1.0
    """largest change of N per week, in impressions"""
    bounty_cap: float = 0.10
    """largest relative change of B per week"""
    first_bounty: float = 0.5
    """first value of a bounty that was 0, when MV_B exceeds its price"""
    pass_corridor: tuple[float, float] = (0.25, 0.70)
    """pass rates at which the bar stays"""
    leverage_corridor: tuple[float, float] = (0.5, 12.0)
    """leverages ℓ at which the bar stays"""
    bar_pause: int = 4
    """weeks between changes of the bar"""
    holdout: float = 0.1
    """part of each cohort that keeps last week's policy, in (0, 1)"""
    roll_back: float = 0.25
    """part of ℓ or ΔG that the hold-out may lose in a week before the loop restores last week's policy"""

    def __post_init__(self) -> None:
        if not 0 < self.smoothing <= 1:
            raise InputError(f"smoothing must lie in (0, 1], got {self.smoothing}")
        if not 0 < self.holdout < 1:
            raise InputError(f"holdout must lie in (0, 1), got {self.holdout}")
        for name in ("pass_corridor", "leverage_corridor"):
            low, high = getattr(self, name)
            if not 0 <= low < high:
                raise InputError(f"{name} must be a pair 0 <= low < high, got {low, high}")
