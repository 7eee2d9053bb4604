"""Only one of several runs of a stage of a day holds its claim."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.runs.racers import require_one_holder_at_a_time

from creatorpool.errors import InputError, RunInProgressError
from creatorpool.runs import identity
from creatorpool.runs.claims import EVERY_DAY, TABLE, claimed, release_claim
from creatorpool.tables import Warehouse

DAY, LEASE = date(2026, 11, 20), timedelta(hours=1)


@pytest.fixture
def tables(tmp_path) -> Warehouse:
    """A warehouse without a session: claims need no engine."""
    return Warehouse(None, tmp_path)


def holders(tables: Warehouse) -> list[tuple[str, str]]:
    return sorted((row["stage"], row["run_id"]) for row in tables.read_arrow(TABLE, day=DAY).to_pylist())


def test_claimed_twice_refuses_the_second_and_names_the_first(tables: Warehouse) -> None:
    with (
        claimed(tables, "signals", DAY, "first", LEASE),
        pytest.raises(RunInProgressError, match=r"signals of 2026-11-20 is held by run first \(process .*, since"),
        claimed(tables, "signals", DAY, "second", LEASE),
    ):
        pytest.fail("two runs hold one stage")

    assert holders(tables) == []


def test_claims_of_other_stages_and_days_are_independent(tables: Warehouse) -> None:
    with (
        claimed(tables, "signals", DAY, "a", LEASE),
        claimed(tables, "allocate", DAY, "b", LEASE),
        claimed(tables, "signals", date(2026, 11, 21), "c", LEASE),
    ):
        assert holders(tables) == [("allocate", "b"), ("signals", "a")]


def test_patient_run_waits_for_the_claim_and_says_for_whom(tables: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    first = claimed(tables, "explain", DAY, "first", LEASE)
    first.__enter__()
    ending = threading.Timer(0.3, first.__exit__, (None, None, None))
    ending.start()
    with (
        caplog.at_level(logging.INFO, "creatorpool"),
        claimed(tables, "explain", DAY, "second", LEASE, patience=timedelta(seconds=30)),
    ):
        assert holders(tables) == [("explain", "second")]
    ending.join()

    (told,) = [line for line in caplog.messages if line.startswith("waits")]
    assert told.startswith("waits for up to 30 s, because explain of 2026-11-20 is held by run first (process ")


def test_patience_ends(tables: Warehouse) -> None:
    with (
        claimed(tables, "explain", DAY, "first", LEASE),
        pytest.raises(RunInProgressError, match="is held by run first"),
        claimed(tables, "explain", DAY, "second", LEASE, patience=timedelta(seconds=0.1)),
    ):
        pytest.fail("two runs hold one stage")


def test_claim_is_given_back_after_an_error(tables: Warehouse) -> None:
    with pytest.raises(RuntimeError), claimed(tables, "signals", DAY, "a", LEASE):
        raise RuntimeError
    with claimed(tables, "signals", DAY, "b", LEASE):
        assert holders(tables) == [("signals", "b")]


@pytest.mark.slow
def test_claim_of_a_killed_process_is_taken_over_at_once(tables: Warehouse) -> None:
    code = (
        "import os, signal, sys; from creatorpool.runs.claims import claimed; from creatorpool.tables import Warehouse;"
        "from datetime import date, timedelta; from pathlib import Path; root = Path(sys.argv[1])\n"
        "with claimed(Warehouse(None, root), 'signals', date(2026, 11, 20), 'killed', timedelta(hours=1)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tables.root)], check=False, timeout=60)
    assert holders(tables) == [("signals", "killed")]

    with claimed(tables, "signals", DAY, "next", LEASE):
        assert holders(tables) == [("signals", "next")]


def claim_by(tables: Warehouse, owner: str, lease: timedelta) -> None:
    """A claim that its process cannot give back."""
    tables.ensure(TABLE)
    times = {"claimed_at": identity.now(), "expires_at": identity.now() + lease}
    claim = {"date": DAY, "stage": "signals", "run_id": "other", "owner": owner, "token": 1, "released": None, **times}
    tables.replace_day_records([claim], TABLE, DAY, seen=tables.version(TABLE))


def test_claim_of_an_earlier_boot_of_this_machine_is_taken_over_at_once(tables: Warehouse) -> None:
    place, pid, started = identity.owner().rsplit(":", 2)
    machine, _, namespace = place.split("/", 2)
    assert "+" in machine, "the machine has a number of its own"
    claim_by(tables, f"{machine}/an-earlier-boot/{namespace}:{pid}:{started}", LEASE)

    with claimed(tables, "signals", DAY, "next", LEASE):
        assert holders(tables) == [("signals", "next")]


def test_claim_of_a_living_process_is_not_taken_over_after_its_lease(tables: Warehouse) -> None:
    claim_by(tables, identity.owner(), timedelta(seconds=-1))

    with (
        pytest.raises(RunInProgressError, match=r"lease is over, but its process still lives.*creatorpool claims"),
        claimed(tables, "signals", DAY, "next", LEASE),
    ):
        pytest.fail("a live process lost its claim")


def test_claim_of_a_container_of_this_machine_waits_for_its_lease(tables: Warehouse) -> None:
    place, pid, started = identity.owner().rsplit(":", 2)
    machine, boot, _ = place.split("/", 2)
    claim_by(tables, f"{machine}/{boot}/pid:[1]:{pid}:{started}", LEASE)

    with pytest.raises(RunInProgressError), claimed(tables, "signals", DAY, "next", LEASE):
        pytest.fail("nobody can know whether that process lives")


def test_claim_is_renewed_while_its_process_lives(tables: Warehouse) -> None:
    with claimed(tables, "signals", DAY, "long", timedelta(seconds=1.5)):
        first = tables.read_arrow(TABLE, day=DAY).to_pylist()[0]["expires_at"]
        time.sleep(1.2)
        assert tables.read_arrow(TABLE, day=DAY).to_pylist()[0]["expires_at"] > first

    assert holders(tables) == []


def test_renewal_does_not_restore_a_released_claim(tables: Warehouse) -> None:
    with claimed(tables, "signals", DAY, "long", timedelta(seconds=1.5)):
        release_claim(tables, "signals", DAY, "gone")
        time.sleep(1.2)
        assert [row["released"] for row in tables.read_arrow(TABLE, day=DAY).to_pylist()] == ["gone"]


def test_release_of_a_claim_that_nobody_holds_is_refused(tables: Warehouse) -> None:
    with pytest.raises(InputError, match="nobody holds ingest of every day"):
        release_claim(tables, "ingest", EVERY_DAY, "gone")


def test_claim_of_another_machine_is_taken_over_only_after_its_lease(tables: Warehouse) -> None:
    claim_by(tables, "elsewhere/boot/pid:1:0.00", timedelta(seconds=-1))
    with claimed(tables, "signals", DAY, "next", LEASE):
        assert holders(tables) == [("signals", "next")]

    claim_by(tables, "elsewhere/boot/pid:1:0.00", LEASE)
    with pytest.raises(RunInProgressError), claimed(tables, "signals", DAY, "next", LEASE):
        pytest.fail("a live claim was taken over")


@pytest.mark.slow
def test_claimed_by_racing_processes_is_held_by_one_at_a_time(tables: Warehouse, tmp_path: Path) -> None:
    tables.ensure(TABLE)
    require_one_holder_at_a_time(tables.root, tmp_path / "holders")
