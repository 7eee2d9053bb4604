"""The days on which a hold keeps money back, and the holds that are in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class HoldTerm:
    """The first and the last day of a hold, both included; without a last day it lasts."""

    first: date
    until: date | None

    def stands_on(self, day: date) -> bool:
        """Whether the hold stands on booking day `day`."""
        return self.first <= day and (self.until is None or day <= self.until)

    def has_ended_before(self, day: date) -> bool:
        """Whether the hold has ended before booking day `day`, or was taken back."""
        return self.until is not None and (self.until < day or self.until < self.first)


@dataclass(frozen=True)
class PostedHolds:
    """The ids of holds that are in the journal."""

    known: frozenset[str] = frozenset()
    """Those by which money was posted"""
    released: frozenset[str] = frozenset()
    """Those whose money was released"""
