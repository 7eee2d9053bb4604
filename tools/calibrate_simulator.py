"""Fits the base rates of the simulated market to KuaiRand logs, and prints the statistics of both.

python tools/calibrate_simulator.py ../shared/data/kuairand
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from creatorpool.recommend import FinalScorePolicy, SessionSimulator, SimulatorParameters
from creatorpool.recommend.simulator_calibration import SessionStatistics, calibrated, session_statistics


def main(folder: Path) -> None:
    events = pd.concat([pd.read_csv(path, sep="\t") for path in sorted(folder.glob("events*.tsv*"))])
    table = Table(title=f"{len(events):,} views of {events.user_id.nunique():,} viewers")
    for name in ("session ends after", "sessions", "videos", "skipped", "finished", "base", "leave", "simulated"):
        table.add_column(name, justify="right")
    for minutes in (10, 30, 60):
        found = statistics_of(events, 60.0 * minutes)
        fitted = calibrated(SimulatorParameters(), found)
        # Use another market and other sessions than the fit.
        log = SessionSimulator(fitted, seed=1).play(FinalScorePolicy(), 4000, seed=1)
        table.add_row(
            f"{minutes} min",
            f"{found.sessions:,}",
            f"{found.mean_length:.2f}",
            f"{found.skip_rate:.1%}",
            f"{found.complete_rate:.1%}",
            f"{fitted.base:.2f}",
            f"{fitted.leave:.2f}",
            f"{log.lengths.mean():.2f} videos, {log.skip_rate:.1%} skipped",
        )
    Console(width=120).print(table)


def statistics_of(events: pd.DataFrame, gap_seconds: float) -> SessionStatistics:
    """Statistics of sessions: a view without `is_click`, which is short, is a skip; a long view is a finished video."""
    return session_statistics(
        events["user_id"], events["time_ms"] / 1000.0, events["is_click"] == 0, events["long_view"] == 1, gap_seconds
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/kuairand"))
