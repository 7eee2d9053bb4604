"""The value of one success in money, the unit of all amounts in the incentives of entrants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from creatorpool.money import MICROS_PER_UNIT, in_units

FACT = "success_value"
"""Name of the value among the facts of a run"""


@dataclass(frozen=True)
class SuccessValue:
    """What the day's pools paid, in micros, and the number of successes among the day's views, > 0."""

    paid_micros: int
    successes: int
    currency: str

    @property
    def micros(self) -> float:
        """Value of one success, micros."""
        return self.paid_micros / self.successes

    def money(self, amount: float) -> str:
        """An amount of successes as money, such as ``0.0042 USD``: more decimals where it is small."""
        units = amount * self.micros / MICROS_PER_UNIT
        decimals = 2 if abs(units) >= 1 or units == 0 else 4 if abs(units) >= 0.001 else 6
        return f"{units:,.{decimals}f} {self.currency}"

    @property
    def sentence(self) -> str:
        """The value and where it comes from."""
        return (
            f"One success is worth {self.money(1.0)}: the day's pools paid {in_units(self.paid_micros, self.currency)} "
            f"for {self.successes:,} successes."
        )

    def as_facts(self) -> dict[str, Any]:
        """The numbers among the facts that the ledger keeps of a run."""
        return {FACT: asdict(self)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> SuccessValue | None:
        """The value that a run used; None if the day had no published payouts or no success."""
        return cls(**facts[FACT]) if FACT in facts else None


UNKNOWN = (
    "The unit of money is the value of one success. It is not known in money, because the day's payouts are not "
    "published or no view was a success."
)


def value_sentence(success: SuccessValue | None) -> str:
    """What the unit of money is worth, or why this is not known."""
    return UNKNOWN if success is None else success.sentence


def with_money(amount: float, success: SuccessValue | None, form: str = ".4g") -> str:
    """An amount in successes, with its money in brackets if that is known."""
    return f"{amount:{form}}" + ("" if success is None else f" ({success.money(amount)})")
