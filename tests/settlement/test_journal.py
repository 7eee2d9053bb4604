"""Entries and the lines of pools."""

from __future__ import annotations

from datetime import date

from creatorpool.settlement.journal import Entry, pool_lines
from creatorpool.settlement.restatement import PoolMoney

DAY = date(2026, 11, 20)


def test_an_entry_has_the_same_id_for_the_same_kind_day_and_reference_only() -> None:
    entries = [Entry("night", DAY), Entry("night", date(2026, 11, 21)), Entry("release", DAY), Entry("night", DAY, "x")]
    assert len({entry.entry_id for entry in entries}) == 4
    assert Entry("night", DAY).entry_id == entries[0].entry_id


def test_lines_of_pools_and_the_payees_sum_to_0() -> None:
    money = {"music": PoolMoney(100, 50, 40, 10), "pulse": PoolMoney(7, 3, 6, 0, 2)}

    lines = list(pool_lines(money))

    assert lines == [
        ("Advertisers", "music", -100),
        ("Platform:Share", "music", 50),
        ("Unallocated:music", "music", 10),
        ("Advertisers", "pulse", -7),
        ("Platform:Share", "pulse", 3),
        ("Platform:Goodwill", "pulse", -2),
    ]
    assert sum(micros for _, _, micros in lines) + 40 + 6 == 0
