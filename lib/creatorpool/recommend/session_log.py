"""The log of played sessions: one row a video shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from creatorpool.recommend.simulator_market import Floats, Integers
from creatorpool.recommend.simulator_parameters import LEFT, LIKED, SKIPPED

if TYPE_CHECKING:
    from creatorpool.recommend.simulator import Step


@dataclass(frozen=True)
class SessionLog:
    """(m,) arrays, one row a video shown, by session and step."""

    sessions: int
    """how many were played"""
    session: Integers
    step: Integers
    """0 the first video of the session"""
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
    """watched"""

    @classmethod
    def of_steps(cls, steps: Sequence[Step], sessions: int) -> SessionLog:
        """All rows of the steps."""
        parts = [_rows(step, number) for number, step in enumerate(steps)]
        order = np.argsort(np.concatenate([part["session"] for part in parts]), kind="stable")
        return cls(sessions, **{name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]})

    def per_session(self, values: Floats) -> Floats:
        """(sessions,) sums of a column."""
        sums: Floats = np.bincount(self.session, values, self.sessions).astype(np.float64)
        return sums

    @property
    def returns(self) -> Floats:
        """(sessions,) reward of each session."""
        return self.per_session(self.reward)

    @property
    def lengths(self) -> Integers:
        """(sessions,) videos shown in each."""
        return np.bincount(self.session, minlength=self.sessions)

    @property
    def minutes(self) -> Floats:
        """(sessions,) watch time of each."""
        return self.per_session(self.seconds) / 60.0

    @property
    def skip_rate(self) -> float:
        """Share of the videos that were skipped, among those at which nobody left."""
        return float((self.outcome == SKIPPED).sum() / max((self.outcome != LEFT).sum(), 1))

    @property
    def like_rate(self) -> float:
        """Share of them that were liked."""
        return float((self.outcome == LIKED).sum() / max((self.outcome != LEFT).sum(), 1))

    def take(self, rows: Integers) -> SessionLog:
        """Some of the rows."""
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
