"""Processes that want one claim at the same moment."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

from creatorpool.storage.places import Place

_RACER = textwrap.dedent(
    """
    import sys, time
    from datetime import date, timedelta
    from pathlib import Path
    from creatorpool.errors import RunInProgressError
    from creatorpool.runs.claims import claimed
    from creatorpool.storage.places import tables_root
    from creatorpool.tables import Warehouse

    tables, holders, name, start = Warehouse(None, tables_root(sys.argv[1])), Path(sys.argv[2]), *sys.argv[3:]
    time.sleep(max(0, float(start) - time.time()))
    try:
        with claimed(tables, "signals", date(2026, 11, 20), name, timedelta(hours=1)):
            with holders.open("a") as log:
                log.write(f"+{name}\\n")
            time.sleep(0.4)
            with holders.open("a") as log:
                log.write(f"-{name}\\n")
        print("held")
    except RunInProgressError as error:
        print("refused")
    """
)


def require_one_holder_at_a_time(root: Place, holders: Path) -> None:
    """Let four processes want a claim on tables under `root` at once; each notes in `holders` when it has it."""
    start = str(time.time() + 2.5)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(root), str(holders), f"r{i}", start], stdout=subprocess.PIPE
        )
        for i in range(4)
    ]
    outcomes = [racer.communicate(timeout=60)[0].decode().strip() for racer in racers]

    assert set(outcomes) <= {"held", "refused"}
    log = holders.read_text().split()
    assert len(log) == 2 * outcomes.count("held") >= 2
    for entered, left in zip(log[::2], log[1::2], strict=True):
        assert (entered[0], left[0], entered[1:]) == ("+", "-", left[1:])
