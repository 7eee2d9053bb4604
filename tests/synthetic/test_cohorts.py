from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from creatorpool.errors import InputError
from creatorpool.synthetic.cohorts import CohortMarket, CohortSegment, draw_cohorts, entrants_rows, write_cohort_days

FIRST = date(2026, 11, 10)
MARKET = CohortMarket((CohortSegment("comedy", 400), CohortSegment("music", 300, threshold_k=9)), FIRST, 2, 8)


def test_cohorts_follow_their_distribution() -> None:
    cohorts = draw_cohorts(MARKET)
    events = cohorts.events.to_pandas()
    slots = events[events["test_slot"].notna()]

    assert len(slots) == 20 * 700
    assert cohorts.successes.sum() == slots["liked"].sum()
    assert np.corrcoef(cohorts.quality, cohorts.successes)[0, 1] > 0.6
    np.testing.assert_array_equal(cohorts.proxy, cohorts.quality.round(6))
    assert events["event_ts"].is_monotonic_increasing
    assert (events["event_ts"].dt.date == events["date"]).all()


def test_exposure_after_the_test_has_its_distribution() -> None:
    cohorts = draw_cohorts(CohortMarket((CohortSegment("comedy", 3000),), FIRST, 1, 8))
    events = cohorts.events.filter(cohorts.events["test_slot"].is_null()).to_pandas()
    owner = events["video_id"].str.removeprefix("video-new-").astype(int).to_numpy()
    micros = events["event_ts"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    period = (micros - cohorts.entered[owner]) // 86_400_000_000
    exposure = np.bincount(owner, np.where(period < 6, 0.9 ** period.astype(float), 0.0), 3000)
    for passed in (False, True):
        mean = exposure[cohorts.passed == passed].mean()
        assert mean == pytest.approx(cohorts.expected_after(0, passed, 0.9, 6), rel=0.04)


def test_same_market_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("once", "again"):
        write_cohort_days(tmp_path / name, MARKET)
    files = sorted(path.relative_to(tmp_path / "once") for path in (tmp_path / "once").rglob("*.parquet"))

    assert len(files) == 8 * 5
    assert all((tmp_path / "once" / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)
    entered = pq.read_table(tmp_path / "once" / str(FIRST) / "entrants.parquet")
    assert entered.equals(entrants_rows(draw_cohorts(MARKET)))


@pytest.mark.parametrize(
    ("market", "message"),
    [
        (lambda: CohortMarket((), FIRST, 1, 2), "at least one entrant"),
        (lambda: CohortMarket((CohortSegment("a", 5),), FIRST, 3, 2), "entry_days must lie in 1 … 2, got 3"),
    ],
)
def test_impossible_market_is_refused(market: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        market()  # type: ignore[operator]
