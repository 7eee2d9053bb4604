"""Diagnostics of continuation values: stability, band separation, hold-out consistency (formulas §3.11, S4 C.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.continuation import ContinuationEstimate


@dataclass(frozen=True)
class Agreement:
    """A difference and its z-score."""

    difference: float
    z: float
    """difference over its standard error"""

    @property
    def is_consistent(self) -> bool:
        """Whether chance explains the difference: |z| <= 3."""
        return abs(self.z) <= 3.0


def stability(earlier: ContinuationEstimate, later: ContinuationEstimate) -> Agreement:
    """Change of ΔG between adjacent cohorts: a large one means that the engine or its competitors changed."""
    return _agreement(later.spread - earlier.spread, earlier.spread_error, later.spread_error)


def band_separation(posterior_mean: ArrayLike, passed: ArrayLike) -> float:
    """Gap between the posterior means after pass and fail, in pooled standard deviations; near 0 a pass says little.

    Parameters
    ----------
    posterior_mean : (n,) array_like
        Mean of each entrant's posterior after the test.
    passed : (n,) array_like of bool
        Whether the entrant passed; at least two must pass and two fail.

    Raises
    ------
    InputError
        If shapes differ, a mean is outside [0, 1], or fewer than two entrants pass or fail.
    """
    means, flags = checked_numbers("posterior_mean", posterior_mean, 0.0, 1.0), np.asarray(passed, dtype=np.bool_)
    if means.ndim != 1 or means.shape != flags.shape:
        raise InputError(f"posterior_mean and passed must have one shape (n,), got {means.shape} and {flags.shape}")
    groups = means[flags], means[~flags]
    if min(group.size for group in groups) < 2:
        raise InputError(f"at least two entrants must pass and two fail, got {groups[0].size} and {groups[1].size}")
    pooled = np.sqrt(0.5 * (groups[0].var(ddof=1) + groups[1].var(ddof=1)))
    gap = float(groups[0].mean() - groups[1].mean())
    if pooled > 0:
        return gap / float(pooled)
    return 0.0 if gap == 0 else float(np.copysign(np.inf, gap))


def holdout_consistency(
    predicted: ContinuationEstimate, predicted_pass_rate: float, exposure: ArrayLike, passed: ArrayLike
) -> tuple[Agreement, Agreement]:
    """Compare a hold-out's pass rate, and its mean exposure after the test, with what the estimates predict.

    The predicted mean is G0 + ΔG · pass rate; `exposure` and `passed` are (n,), of the hold-out's entrants, n >= 2.

    Raises
    ------
    InputError
        If shapes differ, there are fewer than two entrants, or a value is out of range.
    """
    y, flags = checked_numbers("exposure", exposure, 0.0), np.asarray(passed, dtype=np.float64)
    if y.ndim != 1 or y.shape != flags.shape or y.size < 2:
        raise InputError(f"exposure and passed must have one shape (n,), n >= 2, got {y.shape} and {flags.shape}")
    rate, root = checked_numbers("predicted_pass_rate", predicted_pass_rate, 0.0, 1.0).item(), np.sqrt(y.size)
    passes = _agreement(float(flags.mean()) - rate, np.sqrt(rate * (1.0 - rate)) / root, 0.0)
    expected = predicted.g0 + predicted.spread * rate
    parts = np.hypot((1.0 - rate) * predicted.g0_error, rate * predicted.g1_error)
    return passes, _agreement(float(y.mean()) - expected, float(parts), float(y.std(ddof=1) / root))


def _agreement(difference: float, *errors: float) -> Agreement:
    error = float(np.hypot.reduce(errors))
    return Agreement(difference, difference / error if error > 0 else float(np.sign(difference)) * float("inf"))
