"""Base rates of the simulated market from real logs: how long sessions are, how much is skipped or finished."""

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
    """What the calibration reproduces."""

    sessions: int
    mean_length: float
    """videos shown in a session"""
    skip_rate: float
    """share of the videos shown"""
    complete_rate: float
    """share of the videos not skipped that were seen to their end, or long enough to count so"""


def session_statistics(
    viewer: ArrayLike, seconds: ArrayLike, skipped: ArrayLike, completed: ArrayLike, gap_seconds: float = 1800.0
) -> SessionStatistics:
    """Statistics of logged views, each (n,); a viewer's session ends where nothing is shown for `gap_seconds`.

    Raises
    ------
    InputError
        If shapes differ, there are no rows, or all or none of them were skipped.
    """
    who, when = np.asarray(viewer), np.asarray(seconds, dtype=np.float64)
    skips, ends = np.asarray(skipped, dtype=np.bool_), np.asarray(completed, dtype=np.bool_)
    if not who.shape == when.shape == skips.shape == ends.shape or who.ndim != 1 or who.size == 0:
        raise InputError(
            f"viewer, seconds, skipped and completed must have one shape (n,), n >= 1, "
            f"got {who.shape}, {when.shape}, {skips.shape} and {ends.shape}"
        )
    if not np.isfinite(when).all() or not gap_seconds > 0:
        raise InputError(f"seconds must be finite and gap_seconds > 0, got {gap_seconds}")
    if skips.all() or not skips.any():
        raise InputError("all or none of the views were skipped: there is no rate to reproduce")
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
    """Parameters whose market has the given statistics under a policy, by default the final score.

    `complete` is the completion rate itself; `base` and `leave` move until skips agree within 0.002 and lengths within
    1 %, on the same luck in each round.

    Raises
    ------
    InputError
        If the statistics are out of range or no parameters are found.
    """
    if not (statistics.mean_length > 1 and 0 < statistics.skip_rate < 1 and 0 <= statistics.complete_rate <= 1):
        raise InputError(f"sessions must be longer than 1 video and rates within (0, 1), got {statistics}")
    chosen, found = policy or FinalScorePolicy(), replace(parameters, complete=statistics.complete_rate)
    for _ in range(_ROUNDS):
        log = SessionSimulator(found, seed).play(chosen, sessions, seed=seed)
        length, skips = float(log.lengths.mean()), log.skip_rate
        is_close = abs(skips - statistics.skip_rate) < _SKIP_TOLERANCE
        if is_close and abs(length / statistics.mean_length - 1) < _LENGTH_TOLERANCE:
            return found
        # Both moves would be exact if nothing but the base rates mattered.
        found = replace(
            found,
            base=found.base + float(logit(np.clip(skips, 1e-3, 1 - 1e-3)) - logit(statistics.skip_rate)),
            leave=found.leave + _leave_odds(statistics.mean_length) - _leave_odds(length),
        )
    raise InputError(f"no market with {statistics} was found: the last had {length:.2f} videos and {skips:.3f} skipped")


def _leave_odds(length: float) -> float:
    """Log-odds to leave at which sessions have that mean length, were they constant; lengths near 1 are kept finite."""
    return -float(np.log(max(length - 1.0, 0.01)))
