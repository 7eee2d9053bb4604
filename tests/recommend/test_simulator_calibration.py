from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from creatorpool.errors import InputError
from creatorpool.recommend import RandomPolicy, SessionSimulator, SimulatorParameters
from creatorpool.recommend.simulator_calibration import SessionStatistics, calibrated, session_statistics

SMALL = SimulatorParameters(videos=300, viewers=500)


def test_statistics_of_a_log_worked_out_by_hand() -> None:
    """Viewer a: three views and, after more than a minute, one more; viewer b: one view in between; rows shuffled."""
    found = session_statistics(
        viewer=["a", "b", "a", "a", "a"],
        seconds=[200.0, 50.0, 0.0, 70.0, 30.0],
        skipped=[False, True, False, True, False],
        completed=[True, False, True, False, False],
        gap_seconds=60.0,
    )
    assert found == SessionStatistics(sessions=3, mean_length=5 / 3, skip_rate=0.4, complete_rate=2 / 3)


@pytest.mark.parametrize("length", [3.0, 25.0])
def test_a_calibrated_market_has_the_statistics_on_other_sessions_too(length: float) -> None:
    wanted = SessionStatistics(sessions=1, mean_length=length, skip_rate=0.3, complete_rate=0.7)
    fitted = calibrated(SMALL, wanted, policy=RandomPolicy(), sessions=2000)
    log = SessionSimulator(fitted).play(RandomPolicy(), 4000, seed=5)
    assert log.lengths.mean() == pytest.approx(length, rel=0.06)
    assert log.skip_rate == pytest.approx(0.3, abs=0.015)
    assert fitted == replace(SMALL, base=fitted.base, leave=fitted.leave, complete=0.7)


def test_the_statistics_of_the_real_cut_can_be_reproduced(kuairand: Path) -> None:
    events = pd.read_csv(next(kuairand.glob("events*.tsv.gz")), sep="\t")
    found = session_statistics(
        events["user_id"], events["time_ms"] / 1000, events["is_click"] == 0, events["long_view"] == 1
    )
    assert (found.sessions, round(found.mean_length, 2)) == (10_955, 2.04)
    assert found.skip_rate == pytest.approx(1 - events["is_click"].mean())
    fitted = calibrated(SMALL, found, sessions=2000)
    assert fitted.leave > SMALL.leave
    assert fitted.complete == pytest.approx(0.696, abs=0.001)


one = np.ones(3)
invalid = [
    (lambda: session_statistics([1, 2], [0.0], [True], [True]), "one shape"),
    (lambda: session_statistics(one, one, one > 0, one > 0), "all views or no views were skipped"),
    (lambda: session_statistics([1, 1], [0.0, np.nan], [True, False], [False, False]), "seconds must be finite"),
    (lambda: calibrated(SMALL, SessionStatistics(1, 1.0, 0.3, 0.5)), "mean_length must be > 1"),
    (
        lambda: calibrated(replace(SMALL, max_videos=9), SessionStatistics(1, 90.0, 0.3, 0.5), sessions=50),
        "did not converge",
    ),
]


@pytest.mark.parametrize(("call", "message"), invalid)
def test_impossible_statistics_are_refused_with_their_rule(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
