"""Counts by the engine, against the same counts in numpy."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.cohorts.markets import frame

from creatorpool.cohorts.segments import SegmentCohort, segment_cohorts
from creatorpool.settings import Settings
from creatorpool.stages.incentives import CohortFrames, cohort_statistics
from creatorpool.synthetic.cohorts import CohortMarket, Cohorts, CohortSegment, draw_cohorts, entrants_rows, video_rows

FIRST = date(2026, 11, 10)
MARKET = CohortMarket(
    (
        CohortSegment("comedy", 150, window_n=6, threshold_k=3),
        CohortSegment("comedy", 40, window_n=6, threshold_k=4),  # other terms of the same segment
        CohortSegment("music", 80, window_n=4, threshold_k=2, proxy_noise=0.1),
    ),
    first_day=FIRST,
    entry_days=3,
    days=5,
    slot_hours=6.0,
    propensity_share=0.9,
)
HORIZON = 3


@pytest.fixture(scope="module")
def truth() -> Cohorts:
    return draw_cohorts(MARKET)


@pytest.fixture(scope="module")
def counted(
    spark: SparkSession, truth: Cohorts, configuration: Settings, tmp_path_factory: pytest.TempPathFactory
) -> list[SegmentCohort]:
    folder = tmp_path_factory.mktemp("rows")
    names = {"events": truth.events, "videos": video_rows(truth), "entrants": entrants_rows(truth)}
    rows = {name: frame(spark, table, folder, name) for name, table in names.items()}
    frames = CohortFrames(**rows, first=FIRST, last=FIRST + timedelta(days=4), timezone="UTC")
    settings = configuration.incentives.model_copy(update={"horizon_days": HORIZON, "bins": 8})
    return segment_cohorts(cohort_statistics(frames, settings))


def outcomes(truth: Cohorts, chosen: np.ndarray, n: int) -> np.ndarray:
    """(m, n) successes of the chosen entrants by slot, from the events."""
    events = truth.events.to_pandas()
    slots = events[events["test_slot"].notna()]
    owner = slots["video_id"].str.removeprefix("video-new-").astype(int)
    found = np.zeros((len(truth.creator_id), n), dtype=bool)
    is_own = owner.isin(chosen)
    found[owner[is_own], slots["test_slot"][is_own].astype(int) - 1] = slots["liked"][is_own]
    return found[chosen]


def test_segment_cohorts_have_the_most_frequent_terms(counted: list[SegmentCohort]) -> None:
    comedy, music = counted

    assert (comedy.segment, comedy.window_n, comedy.threshold_k) == ("comedy", 6, 3)
    assert (comedy.entered, comedy.other_terms, comedy.counts.total, comedy.unfinished) == (190, 40, 150, 0)
    assert (music.entered, music.other_terms, music.counts.total) == (80, 0, 80)


@pytest.mark.parametrize(("position", "n"), [(0, 6), (2, 4)])
def test_counts_equal_those_in_numpy(counted: list[SegmentCohort], truth: Cohorts, position: int, n: int) -> None:
    chosen = np.flatnonzero(truth.segment == position)
    found = counted[0 if position == 0 else 1].counts
    order = np.argsort(truth.proxy[chosen], kind="stable")
    place = np.empty(chosen.size, dtype=int)
    place[order] = np.arange(chosen.size) * 8 // chosen.size
    succeeded = outcomes(truth, chosen, n)
    entrants, by_slot = np.zeros((8, n + 1), dtype=int), np.zeros((8, n + 1, n))
    np.add.at(entrants, (place, succeeded.sum(axis=1)), 1)
    np.add.at(by_slot, (place, succeeded.sum(axis=1)), succeeded)

    np.testing.assert_array_equal(found.entrants, entrants)
    np.testing.assert_allclose(found.entrants[..., None] * found.slot_rate, by_slot, atol=1e-9)
    means = [truth.proxy[chosen][place == b].mean() for b in range(8)]
    np.testing.assert_allclose(found.proxy, means, rtol=1e-12)
    assert found.median == pytest.approx(np.median(truth.proxy[chosen]), rel=1e-12)


def test_exposure_equals_that_in_numpy(counted: list[SegmentCohort], truth: Cohorts) -> None:
    events = truth.events.to_pandas()
    owner = events["video_id"].str.removeprefix("video-new-").astype(int).to_numpy()
    micros = events["event_ts"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    period = (micros - truth.entered[owner]) // 86_400_000_000
    finish = truth.entered + 5 * 6 * 3_600_000_000
    is_test = events["test_slot"].notna().to_numpy()
    is_after = ~is_test & (period < HORIZON) & (micros > finish[owner])
    size = len(truth.creator_id)
    discounted = np.round(0.9 ** period.astype(float) * 1e6)
    mass = np.bincount(owner[is_test], discounted[is_test], size) / 1e6
    after = np.bincount(owner[is_after], discounted[is_after], size) / 1e6
    end = (FIRST + timedelta(days=5) - date(1970, 1, 1)).days * 86_400_000_000
    followed = truth.entered + HORIZON * 86_400_000_000 <= end
    is_comedy, comedy = truth.segment == 0, counted[0]

    assert comedy.exposure.mass.total.sum() == pytest.approx(mass[is_comedy].sum(), rel=1e-12)
    assert comedy.exposure.mass.squares.sum() == pytest.approx((mass[is_comedy] ** 2).sum(), rel=1e-12)
    for passed in (False, True):
        chosen = is_comedy & followed & (truth.passed == passed)
        side = comedy.side(passed, "exposure")
        assert side.entrants == chosen.sum() > 0
        assert side.total[0] == pytest.approx(after[chosen].sum(), rel=1e-12)
        assert side.products[0, 0] == pytest.approx((after[chosen] ** 2).sum(), rel=1e-12)
        assert comedy.side(passed, "exposure", True).entrants < side.entrants
    assert comedy.unlogged == (events["propensity"].isna().to_numpy() & is_after & (is_comedy & followed)[owner]).sum()
    assert comedy.unlogged > 0
