"""What a ranking policy sees before it chooses a video, and the protocol of such policies (formulas §5.4)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from creatorpool.recommend.simulator_market import Array, Floats, Market
from creatorpool.recommend.simulator_sessions import Session, Slate


class Observation(NamedTuple):
    """The state of n sessions, as far as the platform knows it; arrays are (n,) unless stated otherwise."""

    minutes: Array
    """session length so far"""
    videos: Array
    """videos shown so far"""
    skips: Array
    last_category: Array
    """−1 before the first video"""
    last_outcome: Array
    """position in `OUTCOMES`, −1 before the first video"""
    predicted: Array
    """(n, 2) predicted interests"""
    region: Array
    age: Array
    slate: Slate
    """the candidates, (n, r), best final score first"""


class RankingPolicy(Protocol):
    """A rule that gives each candidate its probability of being shown."""

    def probabilities(self, observation: Observation) -> Floats:
        """(n, r) probabilities with which candidates are shown; rows sum to 1."""
        ...


def observe(market: Market, session: Session, slate: Slate) -> Observation:
    """The part of sessions and slates that the platform knows."""
    return Observation(
        minutes=session.minutes,
        videos=session.videos,
        skips=session.skips,
        last_category=session.last_category,
        last_outcome=session.last_outcome,
        predicted=market.predicted[session.viewer],
        region=market.region[session.viewer],
        age=market.age[session.viewer],
        slate=slate,
    )
