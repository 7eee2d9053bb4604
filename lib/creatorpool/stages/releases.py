"""Which ended holds are to be released on a booking day, told from the ledger of postings.

Days may be posted in any order, and again, so entries that know a hold may come after its release. Their day is then
posted later than the release, and the hold is released once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from creatorpool.runs.ledger import StageRun, in_order
from creatorpool.settlement.holds import HoldTerm


@dataclass(frozen=True)
class HoldPostings:
    """The booking days whose entries know a hold, and those that released it, with their places among all postings."""

    known: dict[date, int] = field(default_factory=dict)
    released: dict[date, int] = field(default_factory=dict)
    references: dict[date, list[str]] = field(default_factory=dict)
    """Those of its releases on each day, without the numbers that tell releases of a day apart"""

    def reference(self, name: str, until: date, day: date) -> str | None:
        """The reference of a release of hold `name`, which ended on `until`, on booking day `day`; None if none is due.

        A release takes what was booked up to its day, so that none is made before an earlier one.
        """
        known = [on for on in self.known if on <= day]
        if not known or day < max(self.released, default=date.min):
            return None
        own = f"{name}@{until}"
        if any(own in found for found in self.references.values()) and all(map(self._is_released, known)):
            return None
        number = 1 + self.references.get(day, []).count(own)
        return own if number == 1 else f"{own}#{number}"

    def _is_released(self, on: date) -> bool:
        place = self.known[on]
        return any(day >= on and after >= place for day, after in self.released.items())


def hold_postings(runs: Iterable[StageRun]) -> Mapping[str, HoldPostings]:
    """The postings of each hold, by its id, from the published runs of the stage that posts."""
    found: defaultdict[str, HoldPostings] = defaultdict(HoldPostings)
    for place, run in enumerate(in_order(runs)):
        for name in run.rows["holds"]:
            found[name].known[run.day] = place
        for reference in run.rows.get("released", ()):
            name, _, until = reference.rpartition("@")
            own = found[name]
            own.released[run.day] = place
            own.references.setdefault(run.day, []).append(f"{name}@{until.partition('#')[0]}")
    return found


def due_releases(postings: Mapping[str, HoldPostings], terms: Mapping[str, HoldTerm], day: date) -> dict[str, str]:
    """The holds to release on booking day `day`, by id in order, with the references of the releases.

    Parameters
    ----------
    postings : mapping
        `hold_postings` of the published runs.
    terms : mapping
        The days of each hold, by id.
    """
    over = {name: term.until for name, term in terms.items() if term.until and term.has_ended_before(day)}
    found = {name: postings[name].reference(name, until, day) for name, until in over.items() if name in postings}
    return {name: reference for name, reference in sorted(found.items()) if reference is not None}
