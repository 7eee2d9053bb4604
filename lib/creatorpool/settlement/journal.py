"""The journal's vocabulary: accounts, kinds of entries, their ids, and the lines of a pool's money."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from creatorpool.settlement.restatement import PoolMoney

ADVERTISERS, PLATFORM_SHARE, GOODWILL = "Advertisers", "Platform:Share", "Platform:Goodwill"
PAYABLE, HELD, CASH = "Payable", "Held", "Cash"
UNALLOCATED = "Unallocated"
"""Prefix of an account for each category"""

NIGHT, ADJUSTMENT, HOLD, RELEASE, PAYMENT, RETURN = "night", "adjustment", "hold", "release", "payment", "return"

BALANCE_CHANGES = {
    "earned": ((NIGHT,), (PAYABLE, HELD), 1),
    "adjusted": ((ADJUSTMENT,), (PAYABLE, HELD), 1),
    "held": ((NIGHT, ADJUSTMENT, HOLD), (HELD,), 1),
    "released": ((RELEASE,), (HELD,), -1),
    "returned": ((RETURN,), (PAYABLE,), 1),
}
"""What lines change for their payees: the kinds and accounts of the lines, and the sign of their amounts"""


@dataclass(frozen=True)
class Entry:
    """One entry: what it books, of which day, and the name that tells it from others of its kind and day."""

    kind: str
    day: date
    reference: str = ""

    @property
    def entry_id(self) -> str:
        """The same for the same kind, day and reference, so that a second posting finds the entry."""
        return hashlib.sha256(f"{self.kind}|{self.day}|{self.reference}".encode()).hexdigest()[:32]


def pool_lines(money: Mapping[str, PoolMoney]) -> Iterator[tuple[str, str, int]]:
    """Account, category and micros of each line that is not a payee's, for `money` by category.

    With the videos' money on the payees' accounts, the lines sum to 0, because each pool's money closes. Accounts that
    money comes from are negative.
    """
    for category, pool in sorted(money.items()):
        lines = (
            (ADVERTISERS, -pool.gross),
            (PLATFORM_SHARE, pool.platform),
            (f"{UNALLOCATED}:{category}", pool.unallocated),
            (GOODWILL, -pool.goodwill),
        )
        yield from ((account, category, micros) for account, micros in lines if micros)
