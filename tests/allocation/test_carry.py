"""Refunds over days: each micro is taken once, in any order of publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.allocation.carry import as_carried_from, balanced, open_carries, taken
from creatorpool.allocation.revenue import form_pools, net_micros
from creatorpool.errors import InputError
from creatorpool.settings import load_settings

FIRST = date(2026, 11, 20)
CATEGORIES = ("gaming", "music")
POOLS = load_settings().pools
Row = dict[str, Any]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass
class Ledger:
    """Published days in memory: booked revenue and the pools formed from it."""

    booked: dict[date, list[Row]] = field(default_factory=dict)
    published: dict[date, list[Row]] = field(default_factory=dict)

    def publish(self, which: date, booked: list[Row]) -> None:
        carried = open_carries(self.rows(), which, "USD")
        known: dict[str, Any] = {row["category"]: {} for row in self.published.get(which, [])}
        self.booked[which] = booked
        self.published[which] = [
            {"date": which, **vars(pool)} for pool in form_pools(booked, POOLS, {**known, **carried})
        ]

    def rows(self) -> list[Row]:
        return [row for rows in self.published.values() for row in rows]

    def row(self, which: date, category: str) -> Row:
        return next(row for row in self.published[which] if row["category"] == category)

    def open_after(self, category: str) -> int:
        return sum(open_carries(self.rows(), date.max, "USD").get(category, {}).values())


def booked(category: str, gross: int, refunds: int = 0) -> Row:
    return {"category": category, "gross_micros": gross, "refunds_micros": refunds, "currency": "USD"}


revenues = st.lists(
    st.builds(booked, st.sampled_from(CATEGORIES), st.integers(0, 10**15), st.integers(-(10**15), 0)),
    min_size=1,
    unique_by=lambda row: row["category"],
)


def assert_conserved(ledger: Ledger) -> None:
    for category in CATEGORIES:
        rows = [row for row in ledger.rows() if row["category"] == category]
        received = sum(row["gross_micros"] + row["refunds_micros"] for row in rows)
        assert received == sum(map(net_micros, rows)) + ledger.open_after(category)


@settings(max_examples=200)
@given(st.lists(revenues, min_size=1, max_size=8))
def test_days_published_in_order_carry_from_the_day_before(days: Sequence[list[Row]]) -> None:
    ledger = Ledger()
    balance = dict.fromkeys(CATEGORIES, 0)
    for number, rows in enumerate(days):
        ledger.publish(day(number), rows)
        for category in CATEGORIES:
            own = sum(row["gross_micros"] + row["refunds_micros"] for row in rows if row["category"] == category)
            if (category not in {row["category"] for row in rows}) and not balance[category]:
                continue
            row = ledger.row(day(number), category)
            assert row["carried_in_micros"] == balance[category]
            balance[category] = min(0, balance[category] + own)
            assert row["carried_micros"] == balance[category] <= 0
            assert row["pool_micros"] >= 0
    for category in CATEGORIES:
        assert ledger.open_after(category) == balance[category]
    assert_conserved(ledger)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 4), revenues), min_size=1, max_size=14))
def test_days_published_and_republished_in_any_order_conserve_every_micro(
    publications: Sequence[tuple[int, list[Row]]],
) -> None:
    ledger = Ledger()
    for number, rows in publications:
        ledger.publish(day(number), rows)
        assert_conserved(ledger)
        for row in ledger.published[day(number)]:
            assert balanced(row["gross_micros"], row["refunds_micros"], row["carried_in_micros"]) == (
                net_micros(row),
                row["carried_micros"],
            )


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 4), revenues), min_size=1, max_size=10), st.integers(0, 4))
def test_day_republished_from_the_same_revenue_is_unchanged(
    publications: Sequence[tuple[int, list[Row]]], again: int
) -> None:
    """In any consistent ledger, a repeated publication of a day changes nothing more."""
    ledger = Ledger()
    for number, rows in publications:
        ledger.publish(day(number), rows)
    if day(again) in ledger.booked:
        ledger.publish(day(again), ledger.booked[day(again)])
        once = ledger.rows()
        ledger.publish(day(again), ledger.booked[day(again)])
        assert ledger.rows() == once


def test_category_without_revenue_keeps_carrying() -> None:
    ledger = Ledger()
    ledger.publish(day(0), [booked("music", 5, -9), booked("gaming", 3)])
    ledger.publish(day(1), [booked("gaming", 3)])
    ledger.publish(day(2), [booked("gaming", 3), booked("music", 10)])

    kept, last = ledger.row(day(1), "music"), ledger.row(day(2), "music")
    assert (kept["gross_micros"], kept["pool_micros"], kept["carried_micros"]) == (0, 0, -4)
    assert (last["carried_from"], net_micros(last), last["carried_micros"]) == ('{"2026-11-21":-4}', 6, 0)


def test_day_published_between_two_others_does_not_take_the_later_ones_carry() -> None:
    ledger = Ledger()
    ledger.publish(day(0), [booked("music", 5, -9)])
    ledger.publish(day(2), [booked("music", 10)])
    ledger.publish(day(1), [booked("music", 1, -3)])
    ledger.publish(day(3), [booked("music", 10)])

    assert [net_micros(ledger.row(day(number), "music")) for number in (0, 1, 2, 3)] == [0, 0, 6, 8]
    assert taken(ledger.row(day(3), "music")["carried_from"]) == {day(1): -2}


def test_republished_day_that_owes_less_gives_back_a_later_days_carry() -> None:
    ledger = Ledger()
    ledger.publish(day(0), [booked("music", 5, -9)])
    ledger.publish(day(1), [booked("music", 10)])
    ledger.publish(day(0), [booked("music", 5, -5)])
    ledger.publish(day(2), [booked("music", 10)])

    assert net_micros(ledger.row(day(1), "music")) == 6
    assert (ledger.row(day(2), "music")["carried_in_micros"], net_micros(ledger.row(day(2), "music"))) == (4, 14)


def test_later_day_republished_after_an_earlier_one_takes_its_new_carry() -> None:
    ledger = Ledger()
    ledger.publish(day(0), [booked("music", 5, -9)])
    ledger.publish(day(1), [booked("music", 10)])
    ledger.publish(day(0), [booked("music", 5, -11)])
    ledger.publish(day(1), [booked("music", 10)])

    assert taken(ledger.row(day(1), "music")["carried_from"]) == {day(0): -6}


def test_carry_in_another_currency_stops() -> None:
    ledger = Ledger()
    ledger.publish(day(0), [booked("music", 5, -9)])

    with pytest.raises(InputError, match=r"pool music: refunds carried from 2026-11-20 are in USD, .* is in EUR"):
        open_carries(ledger.rows(), day(1), "EUR")


def test_pools_of_earlier_versions_carry_nothing() -> None:
    row = {"date": day(0), "category": "music", "currency": "USD", "carried_micros": None, "carried_from": None}

    assert open_carries([row], day(1), "USD") == {}
    assert as_carried_from({}) is None
