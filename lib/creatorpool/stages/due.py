"""What is to be posted on a booking day, and what a posting of the ledger has posted.

A booking day has the night of its service day, the restatements that are booked on it, what holds keep back that came
to light since, the releases of holds that have ended, and payments that came back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from creatorpool.runs.ledger import PAY, POST, published_runs
from creatorpool.runs.pools import every_published_pool
from creatorpool.runs.postings import HOLDS, LATE, Posting, postings
from creatorpool.settlement.holds import HoldTerm
from creatorpool.settlement.journal import HOLD, NIGHT, RELEASE, Entry
from creatorpool.settlement.months import first_day
from creatorpool.stages.bookings import BookedRestatement, booked_restatements
from creatorpool.stages.books import closed_months
from creatorpool.stages.releases import due_releases, hold_postings
from creatorpool.tables import Warehouse


@dataclass(frozen=True)
class ReturnedPayments:
    """Payments of a closed month that came back, by one report, and are booked on one day."""

    month: date
    import_id: str

    @property
    def reference(self) -> str:
        """Their name in the journal."""
        return f"{self.month}/{self.import_id}"


@dataclass(frozen=True)
class DueEntries:
    """What is to be posted on a booking day."""

    day: date
    has_night: bool
    restatements: Sequence[BookedRestatement]
    late_holds: Mapping[date, Sequence[str]]
    """Of earlier booking days of the month and of closed months, and of the day itself, the ids of holds that stand on
    both and that the entries which are posted on the earlier one do not know"""
    released: Mapping[str, str]
    """The ended holds to release, by id, with the reference of each release"""
    returns: Sequence[ReturnedPayments]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be posted."""
        return not (self.has_night or self.restatements or self.late_holds or self.released or self.returns)

    @property
    def divided(self) -> list[Entry]:
        """The entries whose money is divided by rights."""
        return [*([Entry(NIGHT, self.day)] if self.has_night else []), *(found.entry for found in self.restatements)]

    @property
    def late_entry(self) -> Entry:
        """The entry of what late holds keep."""
        return Entry(HOLD, self.day, "|".join(self.facts()[LATE]))

    @property
    def release_entries(self) -> dict[str, Entry]:
        """The entry of each release, by the id of its hold."""
        return {name: Entry(RELEASE, self.day, reference) for name, reference in self.released.items()}

    @property
    def kept_entry(self) -> Entry:
        """The entry of what other holds keep of the money that is released."""
        return Entry(HOLD, self.day, f"after {'|'.join(self.released.values())}")

    @property
    def keeping(self) -> list[Entry]:
        """The entries that may have lines on account `Held`."""
        moves = [self.late_entry, self.kept_entry, *self.release_entries.values()]
        return [*self.divided, *(moves if self.late_holds or self.released else [])]

    def facts(self) -> dict[str, list[str]]:
        """The references for the ledger, by kind."""
        return {
            "nights": [self.day.isoformat()] if self.has_night else [],
            "restatements": [found.reference for found in self.restatements],
            LATE: [f"{name}@{on}" for on, names in self.late_holds.items() for name in names],
            "released": [*self.released.values()],
            "returns": [f"{found.reference}@{self.day}" for found in self.returns],
        }


def due_entries(warehouse: Warehouse, day: date, holds: int | None) -> DueEntries:
    """What is to be posted on `day` by version `holds` of that table, and is not in the journal yet."""
    (due,) = due_on(warehouse, [day], holds)
    return due


def due_on(warehouse: Warehouse, days: Sequence[date], holds: int | None) -> list[DueEntries]:
    """The same on each of `days`; the ledgers and the holds are read once."""
    made, reported = postings(warehouse), published_runs(warehouse, PAY)
    posted, known = made.entries, made.known_holds
    of_holds = hold_postings(published_runs(warehouse, POST))
    terms = hold_terms(warehouse, holds)
    booking_days = sorted({*posted["nights"].values(), *posted["restatements"].values()})
    closed = max(closed_months(warehouse), default=date.min)
    booked = booked_restatements(warehouse)
    paid = {pool.day for pool in every_published_pool(warehouse)}
    found = []
    for day in days:
        own = (one for one in booked if one.booked_on == day)
        returns = (
            ReturnedPayments(run.day, run.inputs["against"])
            for run in reported
            if day.isoformat() in run.rows["returns"]
        )
        stand = sorted(standing(terms, day))
        late = {
            on: names
            for on in booking_days
            # What holds keep of an open month is posted in it, before its money is paid.
            if (on <= closed or first_day(day) <= on <= day)
            and (names := [name for name in stand if terms[name].stands_on(on) and name not in known[on]])
        }
        found.append(
            DueEntries(
                day=day,
                has_night=day.isoformat() not in posted["nights"] and day in paid,
                restatements=[one for one in own if one.reference not in posted["restatements"]],
                late_holds=late,
                released=due_releases(of_holds, terms, day),
                returns=[one for one in returns if f"{one.reference}@{day}" not in posted["returns"]],
            )
        )
    return found


def entries_of(posting: Posting, booked: Mapping[str, BookedRestatement]) -> DueEntries:
    """What a published posting has posted; `booked` has all restatements by their references."""
    late: defaultdict[date, list[str]] = defaultdict(list)
    for name, _, on in sorted(reference.rpartition("@") for reference in posting.on(LATE)):
        late[date.fromisoformat(on)].append(name)
    returns = (reference.rpartition("@")[0].partition("/") for reference in posting.on("returns"))
    return DueEntries(
        day=posting.day,
        has_night=bool(posting.on("nights")),
        restatements=[booked[reference] for reference in posting.on("restatements")],
        late_holds=dict(sorted(late.items())),
        released={reference.rpartition("@")[0]: reference for reference in posting.on("released")},
        returns=[ReturnedPayments(date.fromisoformat(month), name) for month, _, name in returns],
    )


def returned_days(warehouse: Warehouse) -> set[date]:
    """The booking days of all payments that came back."""
    return {date.fromisoformat(day) for run in published_runs(warehouse, PAY) for day in run.rows["returns"]}


def hold_terms(warehouse: Warehouse, version: int | None) -> dict[str, HoldTerm]:
    """The days of each hold at a version of the table, by its id; none without a version."""
    if version is None:
        return {}
    rows = warehouse.read_arrow(HOLDS, ["hold_id", "from_date", "until_date"], version=version).to_pylist()
    return {row["hold_id"]: HoldTerm(row["from_date"], row["until_date"]) for row in rows}


def standing(terms: Mapping[str, HoldTerm], day: date) -> set[str]:
    """The ids of the holds that stand on booking day `day`: what others keep is released, or will be."""
    return {name for name, term in terms.items() if term.stands_on(day)}
