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
    references: set[str] = field(default_factory=set)
    """Those of its releases, on all days"""

    def reference(self, name: str, until: date, day: date, posted: Iterable[str]) -> str | None:
        """The reference of a release of hold `name`, which ended on `until`, on booking day `day`; None if none is due.

        A release takes what was booked up to its day, so that none is made before an earlier one. `posted` are the
        references of the day's releases.
        """
        known = [on for on in self.known if on <= day]
        if not known or day < max(self.released, default=date.min):
            return None
        own = f"{name}@{until}"
        if own in self.references and all(map(self._is_released, known)):
            return None
        number = 1 + sum(_without_number(found) == own for found in posted)
        return own if number == 1 else f"{own}#{number}"

    def _is_released(self, on: date) -> bool:
        place = self.known[on]
        return any(day >= on and after >= place for day, after in self.released.items())


def _without_number(reference: str) -> str:
    """A reference such as ``h1@2026-11-29#2`` without the number that tells releases of a day apart."""
    name, _, until = reference.rpartition("@")
    return f"{name}@{until.partition('#')[0]}"


def hold_postings(runs: Iterable[StageRun]) -> Mapping[str, HoldPostings]:
    """The postings of each hold, by its id, from the published runs of the stage that posts."""
    found: defaultdict[str, HoldPostings] = defaultdict(HoldPostings)
    for place, run in enumerate(in_order(runs)):
        for name in run.rows["holds"]:
            found[name].known[run.day] = place
        for reference in run.rows.get("released", ()):
            own = found[reference.rpartition("@")[0]]
            own.released[run.day] = place
            own.references.add(_without_number(reference))
    return found


def due_releases(runs: Iterable[StageRun], terms: Mapping[str, HoldTerm], day: date) -> dict[str, str]:
    """The holds to release on booking day `day`, by id, with the references of the releases.

    Parameters
    ----------
    runs : iterable of StageRun
        The published postings.
    terms : mapping
        The days of each hold, by id.
    """
    published = [*runs]
    postings = hold_postings(published)
    posted = [name for run in published if run.day == day for name in run.rows.get("released", ())]
    over = {name: term.until for name, term in terms.items() if term.until and term.has_ended_before(day)}
    found = {
        name: postings[name].reference(name, until, day, posted) for name, until in over.items() if name in postings
    }
    return {name: reference for name, reference in found.items() if reference is not None}
