"""Tables at earlier versions are opened once, and are what they were, whatever happens to a table that was opened."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from deltalake import DeltaTable

from creatorpool.storage.opened import KEPT_VERSIONS, OpenedTables
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)


def payout(number: int) -> dict[str, object]:
    money = {"payout_micros": number, "pulse_micros": 1, "total_micros": number + 1, "videos_paid": 1}
    return {"date": DAY, "creator_id": "a", "currency": "USD", **money}


def test_a_version_is_opened_once_and_again_if_a_commit_has_moved_it(tmp_path: Path) -> None:
    warehouse = Warehouse(None, tmp_path)
    for number in range(3):
        warehouse.replace_day_records([payout(number)], "creator_payouts", DAY, seen=number)
    opened, place, versions = OpenedTables(), tmp_path / "creator_payouts", []

    def at(version: int) -> DeltaTable:
        def open_table() -> DeltaTable:
            versions.append(version)
            return DeltaTable(str(place), version=version)

        return opened.at(place, version, open_table)

    assert at(1) is at(1)
    assert [at(2).version(), at(1).version()] == [2, 1]
    assert versions == [1, 2]
    at(1).update_incremental()
    assert at(1).version() == 1
    assert versions == [1, 2, 1]


def test_the_versions_that_were_asked_for_last_stay_open(tmp_path: Path) -> None:
    warehouse = Warehouse(None, tmp_path)
    warehouse.ensure("creator_payouts")
    opened, found = OpenedTables(), []

    def open_table() -> DeltaTable:
        found.append(DeltaTable(warehouse.path("creator_payouts")))
        return found[-1]

    for number in range(KEPT_VERSIONS + 1):
        opened.at(tmp_path / f"table-{number}", 0, open_table)
    assert opened.at(tmp_path / "table-1", 0, open_table) is found[1]
    assert opened.at(tmp_path / "table-0", 0, open_table) is not found[0]


def test_earlier_versions_are_read_as_they_were_beside_later_commits(tmp_path: Path) -> None:
    warehouse = Warehouse(None, tmp_path)
    for number in range(4):
        version = warehouse.replace_day_records([payout(number)], "creator_payouts", DAY, seen=number)
        assert version == number + 1
        for earlier in range(1, version + 1):
            (row,) = warehouse.read_arrow("creator_payouts", version=earlier).to_pylist()
            assert row["payout_micros"] == earlier - 1
