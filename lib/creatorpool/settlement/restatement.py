"""Where the money of a day is, and what each policy of restatement books where.

A day's money closes: gross + goodwill = platform + videos + unallocated, in each pool and in Pulse, to the micro. A
restatement changes the sides so that they still close. Amounts are whole micros as Python integers.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Literal

from creatorpool.errors import InputError

Policy = Literal["full", "claw_back", "hold_harmless"]

PULSE = "pulse"
"""In place of a category: money beside Pulse ads"""


@dataclass(frozen=True)
class PoolMoney:
    """Where a pool's money of one day comes from and goes to, or how that changes; micros."""

    gross: int
    """What advertisers paid, less refunds"""
    platform: int
    videos: int
    unallocated: int
    goodwill: int = 0
    """What the platform pays beside its share, so that nobody loses"""

    def __post_init__(self) -> None:
        if self.gross + self.goodwill != self.platform + self.videos + self.unallocated:
            raise ValueError(f"the money of a pool must close, got {self}")

    def __add__(self, other: PoolMoney) -> PoolMoney:
        """The sums, side by side."""
        return PoolMoney(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: PoolMoney) -> PoolMoney:
        """The differences, side by side."""
        return PoolMoney(*(one - two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def is_nothing(self) -> bool:
        """Whether every side is 0."""
        return not any(astuple(self))


NOTHING = PoolMoney(0, 0, 0, 0)


def booked_money(policy: Policy, settled: PoolMoney, restated: PoolMoney, videos: int) -> PoolMoney:
    """How a pool's sides change if `policy` books `videos`, the sum of its videos' changes.

    Parameters
    ----------
    settled, restated : PoolMoney
        The sides as booked so far, and as the day would be with what is known now.

    Returns
    -------
    PoolMoney
        Under `full` the sides become the restated ones. Under the other policies the platform's share takes a change of
        the revenue; what `claw_back` takes becomes unallocated, and what `hold_harmless` gives is goodwill.
    """
    if policy == "full":
        change = restated - settled
        if change.videos != videos:
            raise ValueError(f"under full, videos change by {change.videos} micros, got {videos}")
        return change
    gross = restated.gross - settled.gross
    if policy == "claw_back":
        return PoolMoney(gross, gross, videos, -videos)
    return PoolMoney(gross, gross, videos, 0, videos)


def require_goodwill_within(cap: int, before: int, added: int) -> None:
    """Check that a day's goodwill, `before` and `added` micros, stays within `cap`.

    Raises
    ------
    InputError
        If it does not; the message has the three amounts.
    """
    if before + added > cap:
        raise InputError(
            f"hold_harmless would cost {before + added:,} micros of goodwill for the day ({before:,} of them booked "
            f"already), more than restate.goodwill_cap_micros {cap:,}: raise the cap, or restate under another policy"
        )
