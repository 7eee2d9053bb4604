"""The books as plain Python keeps them: a model of the journal, beside which the real one is checked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from creatorpool.settlement.months import last_day, previous_month

WHOLE = 1_000_000
CENT = 10_000

Row = Mapping[str, Any]
Side = tuple[str, str]
"""Account and category of money that is not a payee's"""


@dataclass(frozen=True)
class Night:
    """What a night books: rows of its videos, and the other sides of its pools' money."""

    videos: Sequence[Row]
    sides: Mapping[Side, int]


@dataclass
class Model:
    """What is payable, held and paid, by payee, and what is posted."""

    payable: Counter[str] = field(default_factory=Counter)
    held: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    """By payee, hold and booking day"""
    released: defaultdict[str, date] = field(default_factory=lambda: defaultdict(lambda: date.min))
    """The last booking day on which each hold was released"""
    cash: Counter[str] = field(default_factory=Counter)
    returned: set[str] = field(default_factory=set)
    """Payments that came back and are posted"""
    nights: dict[date, date] = field(default_factory=dict)
    """Booking day of each posted night"""
    adjusted: dict[tuple[date, int], date] = field(default_factory=dict)
    """Booking day of each posted restatement, by service day and number"""
    known_holds: defaultdict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By booking day, the holds that all that is posted on it knows"""
    bookings: list[tuple[date, list[tuple[str, str, str, int]]]] = field(default_factory=list)
    """Booking day and parts (payee, creator, video, micros) of all that is posted"""
    rights: dict[tuple[str, str], Row] = field(default_factory=dict)
    """The row from the first day, by video and payee"""
    rights_of: dict[date, dict[tuple[str, str], Row]] = field(default_factory=dict)
    """`rights` when the first entry about a service day was posted"""
    holds: dict[str, Row] = field(default_factory=dict)
    sides: defaultdict[date, Counter[Side]] = field(default_factory=lambda: defaultdict(Counter))
    """What is posted on accounts that are not payees', by service day"""
    changes: defaultdict[date, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    """What changes the balance of each payee in each month, by payee and kind"""
    closed: dict[date, dict[str, Row]] = field(default_factory=dict)
    """The balances of each closed month, by payee"""

    def post(self, day: date, night: Night | None, changes: Sequence[Row], pools: Sequence[Row]) -> None:
        """Post a booking day: `night` is None if it has none; `changes` and `pools` are all adjustments."""
        before = [(on, parts) for on, parts in self.bookings if on <= day]
        if night is not None and day not in self.nights:
            self.nights[day] = day
            amounts = [(row["video_id"], row["creator_id"], 0, row["total_micros"]) for row in night.videos]
            self._book(day, amounts, day, "earned")
            self.sides[day].update(night.sides)
        self._post_changes(day, changes, pools)
        now = {name for name, hold in self.holds.items() if stands(hold, day)}
        for on, parts in before:
            standing = {name: hold for name, hold in self.holds.items() if stands(hold, on)}
            known = {name: hold for name, hold in standing.items() if name in now & self.known_holds[on]}
            late = {name: hold for name, hold in standing.items() if name in now - self.known_holds[on]}
            for payee, creator, video, micros in parts:
                _, first = held_part(known, payee, creator, video, micros)
                name, whole = held_part(known | late, payee, creator, video, micros)
                if name in late:
                    self._hold(payee, str(name), whole - first, day)
        for on in {day, *(on for on, _ in before)}:
            self.known_holds[on] |= {name for name in now if stands(self.holds[name], on)}
        self._release(day)

    def _release(self, day: date) -> None:
        """Release what ended holds have kept, and let others that still stand keep their share of it."""
        over = {name for name, hold in self.holds.items() if has_ended(hold, day) and self.released[name] <= day}
        freed = self._held_until(day, over)
        for (payee, name), micros in freed.items():
            self._hold(payee, name, -micros, day, "released")
            self.released[name] = day
        lasting = {name for name, hold in self.holds.items() if stands(hold, day)}
        wanted: Counter[tuple[str, str]] = Counter()
        for on, parts in self.bookings:
            names = lasting & self.known_holds[on]
            standing = {name: self.holds[name] for name in names if stands(self.holds[name], on)}
            for payee, creator, video, micros in parts if on <= day else ():
                name, kept = held_part(standing, payee, creator, video, micros)
                if name is not None:
                    wanted[payee, name] += kept
        has = self._held_until(day, lasting)
        for payee, name in {*wanted, *has}:
            if payee in {one for one, _ in freed}:
                self._hold(payee, name, wanted[payee, name] - has.get((payee, name), 0), day)

    def _held_until(self, day: date, names: Set[str]) -> dict[tuple[str, str], int]:
        """What holds `names` keep of what was booked up to a day, by payee and hold, without zeros."""
        found: Counter[tuple[str, str]] = Counter()
        for (payee, name, on), micros in self.held.items():
            if name in names and on <= day:
                found[payee, name] += micros
        return {key: micros for key, micros in found.items() if micros}

    def _post_changes(self, day: date, changes: Sequence[Row], pools: Sequence[Row]) -> None:
        numbers = sorted({(row["service_date"], row["sequence"]) for row in pools if row["booked_on"] == day})
        for number in numbers:
            if number in self.adjusted:
                continue
            self.adjusted[number] = day
            service, sequence = number
            for row in pools:
                if (row["service_date"], row["sequence"]) == number:
                    self.sides[service].update(changed_sides(row, changes))
            own = [row for row in changes if row["service_date"] == service]
            settled: dict[str, list[Any]] = {}
            for row in own:
                if row["sequence"] <= sequence:
                    entry = settled.setdefault(row["video_id"], [row["creator_id"], 0, 0, False])
                    entry[1] += row["change_micros"] if row["sequence"] < sequence else 0
                    entry[2] += row["change_micros"]
                    entry[3] |= row["sequence"] == sequence
            earned = self.earned[service]
            amounts = [
                (video, creator, earned.get(video, 0) + old, earned.get(video, 0) + new)
                for video, (creator, old, new, is_changed) in settled.items()
                if is_changed
            ]
            self._book(day, amounts, service, "adjusted")

    earned: dict[date, dict[str, int]] = field(default_factory=dict)
    """Total of each video as published, by service day"""

    def _book(self, day: date, amounts: Sequence[tuple[str, str, int, int]], service: date, kind: str) -> None:
        parts = []
        rights = self.rights_of.setdefault(service, dict(self.rights))
        for video, creator, before, after in amounts:
            old, new = (divided(rights, video, creator, micros) for micros in (before, after))
            parts += [(payee, creator, video, new[payee] - old[payee]) for payee in new]
        standing = {name: hold for name, hold in self.holds.items() if stands(hold, day)}
        for payee, creator, video, micros in parts:
            self._pay_out(payee, kind, micros, day)
            name, kept = held_part(standing, payee, creator, video, micros)
            if name is not None:
                self._hold(payee, name, kept, day)
        self.bookings.append((day, parts))

    def _hold(self, payee: str, name: str, micros: int, day: date, kind: str = "held") -> None:
        self.payable[payee] -= micros
        self.held[payee, name, day] += micros
        self.changes[last_day(day)][payee, kind] += micros if kind == "held" else -micros

    def _pay_out(self, payee: str, kind: str, micros: int, day: date) -> None:
        self.payable[payee] += micros
        self.changes[last_day(day)][payee, kind] += micros

    def close(self, month: date, minimum: int) -> None:
        """Close the month that ends on a day: pay everybody who has enough and is on no hold the whole cents."""
        on_hold = {h["subject_id"] for h in self.holds.values() if h["subject_kind"] == "payee" and stands(h, month)}
        before, changes = self.closed.get(previous_month(month), {}), self.changes[month]
        rows: dict[str, Row] = {}
        for payee in {*before, *(payee for payee, _ in changes)}:
            own = {kind: changes[payee, kind] for kind in ("earned", "adjusted", "held", "released", "returned")}
            opening, kept = (before[payee][name] if payee in before else 0 for name in ("closing", "held_balance"))
            payable = opening + own["earned"] + own["adjusted"] - own["held"] + own["released"] + own["returned"]
            assert payable == self.payable[payee], (payee, payable)
            reason = _reason(payable, minimum, payee in on_hold)
            paid = payable // CENT * CENT if reason == "paid" else 0
            self.payable[payee] -= paid
            self.cash[payee] += paid
            balance = kept + own["held"] - own["released"]
            ends = {"closing": payable - paid, "held_balance": balance, "paid": paid, "reason": reason}
            rows[payee] = {"opening": opening, **own, **ends}
        self.closed[month] = rows

    def payments(self) -> dict[tuple[date, str], int]:
        """What was paid at the end of each month, by month and payee."""
        rows = ((month, payee, row["paid"]) for month, own in self.closed.items() for payee, row in own.items())
        return {(month, payee): micros for month, payee, micros in rows if micros}

    def give_back(self, payment: str, payee: str, micros: int, day: date) -> None:
        """Take a payment back that was returned, once."""
        if payment not in self.returned:
            self.returned.add(payment)
            self._pay_out(payee, "returned", micros, day)
            self.cash[payee] -= micros

    def balances(self) -> dict[tuple[str, str], int]:
        """Micros by account and payee, without zeros."""
        found = Counter({("Payable", payee): micros for payee, micros in self.payable.items()})
        found.update({("Cash", payee): micros for payee, micros in self.cash.items()})
        for (payee, _, _), micros in self.held.items():
            found["Held", payee] += micros
        return {key: micros for key, micros in found.items() if micros}


def _reason(payable: int, minimum: int, is_on_hold: bool) -> str:
    """Why so much of a payee's balance is paid, or carried."""
    if payable < 0:
        return "negative"
    if is_on_hold:
        return "on_hold"
    if payable >= max(minimum, CENT):
        return "paid"
    return "below_threshold" if payable else "nothing_payable"


def changed_sides(pool: Row, changes: Sequence[Row]) -> dict[Side, int]:
    """What a restatement changes beside the payees in a pool: a row of `pool_adjustments`, by its policy.

    What videos lose and gain is in `changes`, the rows of `payout_adjustments`.
    """
    key = ("service_date", "sequence", "category")
    videos = sum(row["change_micros"] for row in changes if all(row[name] == pool[name] for name in key))
    gross = pool["gross_micros"]
    platform, unallocated, goodwill = {
        "full": tuple(pool[f"{name}_micros"] for name in ("platform", "unallocated", "goodwill")),
        "claw_back": (gross, -videos, 0),
        "hold_harmless": (gross, 0, videos),
    }[pool["policy"]]
    assert gross + goodwill == platform + videos + unallocated, pool
    category = pool["category"]
    return {
        ("Advertisers", category): -gross,
        ("Platform:Share", category): platform,
        (f"Unallocated:{category}", category): unallocated,
        ("Platform:Goodwill", category): -goodwill,
    }


def divided(rights: Mapping[tuple[str, str], Row], video: str, creator: str, micros: int) -> dict[str, int]:
    """The parts of a video's payees by `rights`, in fractions and by largest remainder."""
    shares = Counter({payee: row["share_ppm"] for (of, payee), row in rights.items() if of == video})
    shares[creator] += WHOLE - sum(shares.values())
    exact = {payee: Fraction(micros * share, WHOLE) for payee, share in shares.items() if share}
    whole = {payee: part.numerator // part.denominator for payee, part in exact.items()}
    left = micros - sum(whole.values())
    for payee in sorted(exact, key=lambda one: (whole[one] - exact[one], one))[:left]:
        whole[payee] += 1
    return whole


def stands(hold: Row, day: date) -> bool:
    """Whether a hold stands on a day."""
    return bool(hold["from_date"] <= day and (hold["until_date"] is None or day <= hold["until_date"]))


def has_ended(hold: Row, day: date) -> bool:
    """Whether a hold has ended before a day, or was taken back."""
    until = hold["until_date"]
    return bool(until is not None and (until < day or until < hold["from_date"]))


def held_part(holds: Mapping[str, Row], payee: str, creator: str, video: str, micros: int) -> tuple[str | None, int]:
    """The hold with the largest share that is about a part, and what it keeps of it, towards 0."""
    subject = {"payee": payee, "creator": creator, "video": video}
    own = [
        (-hold["share_ppm"], name)
        for name, hold in holds.items()
        if subject[hold["subject_kind"]] == hold["subject_id"]
    ]
    if not own:
        return None, 0
    share, name = min(own)
    kept = Fraction(abs(micros) * -share, WHOLE)
    return name, (kept.numerator // kept.denominator) * (1 if micros >= 0 else -1)
