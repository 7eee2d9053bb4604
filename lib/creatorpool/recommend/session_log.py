"""Results of played sessions: their steps, and a log with one row per shown video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from creatorpool.recommend.observation import Observation
from creatorpool.recommend.simulator_market import Floats, Integers
from creatorpool.recommend.simulator_parameters import LEFT, LIKED, SKIPPED
from creatorpool.recommend.simulator_sessions import Session


@dataclass(frozen=True)
class Step:
    """One step of the n sessions that are still open; arrays are (n,)."""

    session: Integers
    """positions of the sessions"""
    before: Session
    observation: Observation
    action: Integers
    """rank of the shown candidate; 0 is the best final score"""
    propensity: Floats
    """probability with which the policy showed it"""
    outcome: Integers
    reward: Floats
    seconds: Floats


@dataclass(frozen=True)
class SessionLog:
    """(m,) arrays, one entry per shown video, in order of session and step."""

    sessions: int
    """number of sessions"""
    session: Integers
    step: Integers
    """0 for the first video of the session"""
    viewer: Integers
    video: Integers
    category: Integers
    action: Integers
    """rank of the video among the candidates"""
    propensity: Floats
    outcome: Integers
    """position in `OUTCOMES`; the last row of each session is the video at which the viewer left"""
    reward: Floats
    seconds: Floats
    """seconds watched"""

    @classmethod
    def of_steps(cls, steps: Sequence[Step], sessions: int) -> SessionLog:
        """The log of all steps, in order from step 0."""
        parts = [_rows(step, number) for number, step in enumerate(steps)]
        order = np.argsort(np.concatenate([part["session"] for part in parts]), kind="stable")
        return cls(sessions, **{name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]})

    def per_session(self, values: Floats) -> Floats:
        """(sessions,) sums of an (m,) column."""
        sums: Floats = np.bincount(self.session, values, self.sessions).astype(np.float64)
        return sums

    @property
    def returns(self) -> Floats:
        """(sessions,) sums of rewards."""
        return self.per_session(self.reward)

    @property
    def lengths(self) -> Integers:
        """(sessions,) numbers of shown videos."""
        return np.bincount(self.session, minlength=self.sessions)

    @property
    def minutes(self) -> Floats:
        """(sessions,) watch times in minutes."""
        return self.per_session(self.seconds) / 60.0

    @property
    def skip_rate(self) -> float:
        """Share of skipped videos among those at which the viewer did not leave."""
        return float((self.outcome == SKIPPED).sum() / max((self.outcome != LEFT).sum(), 1))

    @property
    def like_rate(self) -> float:
        """Share of liked videos among those at which the viewer did not leave."""
        return float((self.outcome == LIKED).sum() / max((self.outcome != LEFT).sum(), 1))

    def take(self, rows: Integers) -> SessionLog:
        """The rows at positions `rows`."""
        columns = {item.name: getattr(self, item.name)[rows] for item in fields(self) if item.name != "sessions"}
        return SessionLog(self.sessions, **columns)


def _rows(step: Step, number: int) -> dict[str, np.ndarray]:
    at = np.arange(step.session.size)
    return {
        "session": step.session,
        "step": np.full(at.size, number),
        "viewer": step.before.viewer,
        "video": step.observation.slate.video[at, step.action],
        "category": step.observation.slate.category[at, step.action],
        "action": step.action,
        "propensity": step.propensity,
        "outcome": step.outcome,
        "reward": step.reward,
        "seconds": step.seconds,
    }
