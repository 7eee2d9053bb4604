"""What the ledger tells of postings: the entries that each made, and by which holds and rights.

Rights and holds that are loaded later may be about earlier days. They do not change what is posted, so whoever divides
posted money again (statements, late holds, `verify`) reads the rights and the holds of its entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from creatorpool.runs.ledger import POST, StageRun, in_order, published_runs
from creatorpool.settlement.holds import PostedHolds
from creatorpool.settlement.journal import ADJUSTMENT, NIGHT, Entry
from creatorpool.tables import Warehouse

RIGHTS, HOLDS = "video_rights", "holds"
POSTED = ("nights", "restatements", "released", "returns")
"""What the ledger keeps of each posting, by kind"""
LATE = "late"
"""Key of the holds that came to light late, each with the booking day that it keeps of"""
POSTINGS = "postings"
"""Key of all postings of a booking day in the ledger row of the last one, which supersedes the others"""


@dataclass(frozen=True)
class Posting:
    """One posting of a booking day.

    `made` has the references of what it posted by kind (`POSTED` and `LATE`), and the ids of the holds that stood on
    the day, as `HOLDS`; `versions` are those of `video_rights` and `holds`, without tables that did not exist.
    """

    day: date
    place: int
    """The number of postings before it"""
    made: Mapping[str, Sequence[str]]
    versions: Mapping[str, int]

    def record(self) -> dict[str, Any]:
        """The posting for the ledger."""
        return {"place": self.place, "made": dict(self.made), "versions": dict(self.versions)}

    def on(self, kind: str) -> Sequence[str]:
        """The references of a kind; none if the posting made nothing of it."""
        return self.made.get(kind, ())

    @property
    def divided(self) -> list[Entry]:
        """The entries whose money is divided by rights."""
        pairs = (reference.split("/") for reference in self.on("restatements"))
        return [
            *(Entry(NIGHT, date.fromisoformat(day)) for day in self.on("nights")),
            *(Entry(ADJUSTMENT, date.fromisoformat(day), number) for day, number in pairs),
        ]


@dataclass(frozen=True)
class Postings:
    """Published postings, in their order."""

    made: Sequence[Posting]

    @cached_property
    def entries(self) -> Mapping[str, Mapping[str, date]]:
        """What is posted, by kind (`POSTED`) and reference, with the booking day."""
        return {kind: {name: one.day for one in self.made for name in one.on(kind)} for kind in POSTED}

    @cached_property
    def known_holds(self) -> Mapping[date, set[str]]:
        """The ids of the holds that the entries of each booking day know: that stood, or came to light since."""
        found: defaultdict[date, set[str]] = defaultdict(set)
        for one in self.made:
            found[one.day].update(one.on(HOLDS))
            for name, _, on in (reference.rpartition("@") for reference in one.on(LATE)):
                found[date.fromisoformat(on)].add(name)
        return found

    @cached_property
    def released_holds(self) -> set[str]:
        """The ids of the holds whose money was released."""
        return {name for name, _, _ in (reference.rpartition("@") for reference in self.entries["released"])}

    @cached_property
    def posted_holds(self) -> PostedHolds:
        """The holds by which money was posted, and those whose money was released."""
        known = set[str]().union(*self.known_holds.values())
        return PostedHolds(frozenset(known | self.released_holds), frozenset(self.released_holds))

    @cached_property
    def rights_of_days(self) -> Mapping[date, int | None]:
        """The version of `video_rights` of the first posting about each service day; None without the table.

        It divides all that is booked about the day: else a payee would bear the loss of money that another one got.
        """
        found: dict[date, int | None] = {}
        for one in self.made:
            for entry in one.divided:
                found.setdefault(entry.day, one.versions.get(RIGHTS))
        return found

    @cached_property
    def divided_by(self) -> Mapping[str, int | None]:
        """The version of `video_rights` that divided each night and adjustment, by entry; None without the table."""
        return {entry.entry_id: self.rights_of_days[entry.day] for one in self.made for entry in one.divided}


def postings(warehouse: Warehouse) -> Postings:
    """All published postings."""
    every = [one for run in in_order(published_runs(warehouse, POST)) for one in postings_of(run)]
    return Postings(sorted(every, key=lambda one: one.place))


def postings_of(run: StageRun) -> list[Posting]:
    """The postings of a booking day that `run`, the published one, has in the ledger.

    Rows that were written before the ledger kept each posting are one.
    """
    if POSTINGS not in run.rows:
        return [Posting(run.day, 0, run.rows, run.inputs)]
    return [Posting(run.day, **record) for record in run.rows[POSTINGS]]
