"""The warning on categories with eligible videos and no revenue, whose videos no pool pays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from creatorpool.money import in_units
from creatorpool.quality.coverage import Coverage
from creatorpool.quoting import quoted
from creatorpool.spelling import did_you_mean

MOST = 5
"""Most categories that are told one by one"""

REMEDY = "deliver its revenue and run the day again with --reingest, or deliver a row of 0 if nothing was sold"


@dataclass(frozen=True)
class EarlierPools:
    """The pools of the last published day before, micros by category; without one, `day` is None."""

    day: date | None = None
    micros: Mapping[str, int] = field(default_factory=dict)
    currency: str = ""

    def said(self, category: str) -> str:
        """The part of a sentence on the pool that `category` had then; empty if it had none."""
        micros = self.micros.get(category)
        return f" (its pool was {in_units(micros, self.currency)} on {self.day})" if micros else ""


def unfunded_warnings(coverage: Coverage, funded: Collection[str], before: EarlierPools) -> list[str]:
    """One sentence for each category with eligible videos that is not `funded`: it has no row of revenue of the day.

    The category with the most videos comes first; those after `MOST` share a sentence. A funded category without videos
    is named where it may be the same word, misspelt.
    """
    missing = sorted(set(coverage.eligible) - set(funded), key=lambda name: (-coverage.eligible[name], name))
    strays = sorted(set(funded) - set(coverage.eligible))
    told = [_sentence(name, coverage, strays, before) for name in missing[:MOST]]
    if rest := missing[MOST:]:
        videos = sum(coverage.eligible[name] for name in rest)
        told.append(f"{len(rest):,} more categories have {videos:,} eligible videos and no revenue, such as {rest[0]}")
    return told


def _sentence(category: str, coverage: Coverage, strays: Collection[str], before: EarlierPools) -> str:
    guess = did_you_mean(category, strays)
    return (
        f"category {quoted(category)}: {coverage.eligible[category]:,} eligible videos and no revenue"
        f"{before.said(category)}: no pool pays them for it, although {coverage.payable.get(category, 0):,} have a "
        f"quality above 0; {REMEDY}{guess and f'. There is revenue of a category without videos{guess}'}"
    )
