"""A night that stops itself just before it commits its events, like a paused machine.

python stopped_night.py SOURCE ROOT DATE ENGINE
"""

from __future__ import annotations

import os
import signal
from datetime import date

from tests.integration.kill_battery import settings_of

from creatorpool.cli.process import run_and_exit
from creatorpool.session import open_session
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.storage.places import place_of, tables_root
from creatorpool.storage.staged import StagedRows
from creatorpool.tables import Warehouse


def main(arguments: list[str]) -> None:
    """Run the night; it continues after SIGCONT."""
    source, root, day, engine = arguments
    commit = Warehouse.commit

    def stopping(warehouse: Warehouse, staged: StagedRows) -> int:
        if staged.table == "events":
            os.kill(os.getpid(), signal.SIGSTOP)
        return commit(warehouse, staged)

    Warehouse.commit = stopping  # type: ignore[method-assign, assignment]
    settings = settings_of()
    with open_session(engine, settings.engine) as session:
        run = RunContext(Warehouse(session, tables_root(root)), settings, date.fromisoformat(day))
        publish_ingestion(run, place_of(source))
        publish_payouts(run)


if __name__ == "__main__":
    run_and_exit(main)
