"""Settings of the learning agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from creatorpool.errors import InputError

Features = Literal["scores", "candidates"]
Design = Literal["joint", "shared"]


@dataclass(frozen=True)
class DQNSettings:
    """State, exploration and learning of the agent; docs/recommendation.md measures the effect of each choice.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    features: Features = "candidates"
    """inputs per candidate. scores: the final score, as in the source; candidates: its parts and the category too"""
    network: Design = "shared"
    """joint: one network from the whole state to r values; shared: one network that values one candidate at a time"""
    hidden: tuple[int, ...] = (64, 64)
    discount: float = 0.95
    """γ"""
    double: bool = False
    """double DQN: the online network chooses the next action, the target network values it"""
    learning_rate: float = 1e-3
    largest_gradient: float = 10.0
    """largest norm of a gradient; larger ones are scaled down"""
    batch: int = 256
    memory: int = 51_200
    """capacity of the replay memory, in transitions; new ones replace the oldest"""
    warm_up: int = 2_000
    """transitions before the first update"""
    target_every: int = 200
    """number of updates after which the target network copies the online network's weights"""
    sessions: int = 64
    """sessions played in parallel; each step of all of them is followed by one update"""
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_transitions: int = 40_000
    """transitions over which ε changes linearly from start to end"""
    chunk: int = 50
    """steps per call of the compiled program"""

    def __post_init__(self) -> None:
        for name in ("batch", "memory", "target_every", "sessions", "chunk", "epsilon_transitions"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be >= 1, got {getattr(self, name)}")
        for name in ("discount", "epsilon_start", "epsilon_end"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        for name in ("learning_rate", "largest_gradient"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"{name} must be > 0, got {getattr(self, name)}")
        if self.memory % self.sessions or not 0 <= self.warm_up <= self.memory:
            raise InputError(
                f"memory must be a multiple of sessions and warm_up at most memory, "
                f"got {self.memory}, {self.sessions} and {self.warm_up}"
            )
        if self.features not in ("scores", "candidates") or self.network not in ("joint", "shared"):
            raise InputError(
                f"features must be scores or candidates and network joint or shared, "
                f"got {self.features!r} and {self.network!r}"
            )
