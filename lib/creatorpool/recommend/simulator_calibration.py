"""Calibration of the simulated market's base rates to logs: session length, skips and completions (formulas §5.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from creatorpool.errors import InputError
from creatorpool.recommend.observation import RankingPolicy
from creatorpool.recommend.policies import FinalScorePolicy
from creatorpool.recommend.simulator import SessionSimulator
from creatorpool.recommend.simulator_parameters import SimulatorParameters

_ROUNDS = 30
_SKIP_TOLERANCE = 0.002
_LENGTH_TOLERANCE = 0.01


@dataclass(frozen=True)
class SessionStatistics:
    """Statistics that the calibration reproduces."""

    sessions: int
    mean_length: float
    """shown videos per session"""
    skip_rate: float
    """share of shown videos that were skipped"""
    complete_rate: float
    """share of the videos not skipped that were completed"""


def session_statistics(
    viewer: ArrayLike, seconds: ArrayLike, skipped: ArrayLike, completed: ArrayLike, gap_seconds: float = 1800.0
) -> SessionStatistics:
    """Statistics of logged views, (n,) arrays: viewer, time in seconds, whether skipped, whether completed.

    A viewer's session ends if nothing is shown for `gap_seconds`.

    Raises
    ------
    InputError
        If shapes differ, there are no rows, or all or no rows were skipped.
    """
    who, when = np.asarray(viewer), np.asarray(seconds, dtype=np.float64)
    skips, ends = np.asarray(skipped, dtype=np.bool_), np.asarray(completed, dtype=np.bool_)
    if not who.shape == when.shape == skips.shape == ends.shape or who.ndim != 1 or who.size == 0:
        raise InputError(
            f"viewer, seconds, skipped and completed must have one shape (n,), n >= 1, "
            f"got {who.shape}, {when.shape}, {skips.shape} and {ends.shape}"
        )
    if not np.isfinite(when).all() or not gap_seconds > 0:
        raise InputError(f"seconds must be finite and gap_seconds > 0, got gap_seconds = {gap_seconds}")
    if skips.all() or not skips.any():
        raise InputError("all views or no views were skipped: the calibration needs both")
    order = np.lexsort((when, who))
    is_new = np.ones(who.size, dtype=np.bool_)
    is_new[1:] = (who[order][1:] != who[order][:-1]) | (np.diff(when[order]) > gap_seconds)
    sessions = int(is_new.sum())
    return SessionStatistics(
        sessions=sessions,
        mean_length=who.size / sessions,
        skip_rate=float(skips.mean()),
        complete_rate=float((ends & ~skips).sum() / (~skips).sum()),
    )


def calibrated(
    parameters: SimulatorParameters,
    statistics: SessionStatistics,
    *,
    policy: RankingPolicy | None = None,
    sessions: int = 4000,
    seed: int = 0,
) -> SimulatorParameters:
    """Parameters whose market reproduces the statistics under `policy`, by default the final score.

    `complete` is set to the completion rate. `base` and `leave` change until the skip rate agrees within 0.002 and the
    mean length within 1 %, in `sessions` sessions with the same random numbers in each round.

    Raises
    ------
    InputError
        If the statistics are out of range or the search does not converge.
    """
    if not (statistics.mean_length > 1 and 0 < statistics.skip_rate < 1 and 0 <= statistics.complete_rate <= 1):
        raise InputError(
            f"mean_length must be > 1, skip_rate within (0, 1) and complete_rate within [0, 1], got {statistics}"
        )
    chosen, found = policy or FinalScorePolicy(), replace(parameters, complete=statistics.complete_rate)
    for _ in range(_ROUNDS):
        log = SessionSimulator(found, seed).play(chosen, sessions, seed=seed)
        length, skips = float(log.lengths.mean()), log.skip_rate
        is_close = abs(skips - statistics.skip_rate) < _SKIP_TOLERANCE
        if is_close and abs(length / statistics.mean_length - 1) < _LENGTH_TOLERANCE:
            return found
        # Both changes would be exact if only the base rates mattered.
        found = replace(
            found,
            base=found.base + float(logit(np.clip(skips, 1e-3, 1 - 1e-3)) - logit(statistics.skip_rate)),
            leave=found.leave + _leave_odds(statistics.mean_length) - _leave_odds(length),
        )
    raise InputError(
        f"the calibration to {statistics} did not converge: the last market had {length:.2f} videos per session and a "
        f"skip rate of {skips:.3f}"
    )


def _leave_odds(length: float) -> float:
    """Constant log-odds of leaving at which sessions have this mean length; lengths near 1 give a finite result."""
    return -float(np.log(max(length - 1.0, 0.01)))
