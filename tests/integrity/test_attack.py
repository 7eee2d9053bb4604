"""Signals and quality of an attacked video: by hand, by properties, and against the transforms of the night."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.actions import every_flag
from tests.integrity.markets import market_pools_of, quality_formula, random_market
from tests.quality.random_logs import MIDNIGHT, Logs, random_logs

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.errors import InputError
from creatorpool.integrity.attack import BEHAVIOURS, FakeViewer, fake_viewer, with_fake_viewers
from creatorpool.integrity.market import Attack, Market
from creatorpool.quality.frames.columns import SIGNAL_COLUMNS
from creatorpool.quality.frames.score import fit_day_priors, video_quality
from creatorpool.quality.frames.video_signals import video_signals

FAKES = [fake_viewer(tier, behaviour, 3) for tier in ("verified", "unverified") for behaviour in BEHAVIOURS]


def test_with_fake_viewers_by_hand() -> None:
    """One verified viewer watched half and liked; five unverified viewers join, watch the whole video and act."""
    columns = {name: np.array([0.0]) for name in SIGNAL_COLUMNS}
    columns |= {"views": np.array([1]), "viewers": np.array([1]), "trust_weight": np.array([1.0])}
    columns |= {"watch_completion": np.array([0.5]), "like_rate": np.array([1.0]), "engagement_rate": np.array([0.1])}
    found = with_fake_viewers(columns, np.array([0]), 5, fake_viewer("unverified", "act", 9), quality_formula())

    assert (found["views"][0], found["viewers"][0], found["trust_weight"][0]) == (6, 6, 5.0)
    assert found["watch_completion"][0] == pytest.approx((0.5 + 4) / 5)
    assert found["like_rate"][0] == 1.0
    assert found["share_rate"][0] == pytest.approx(4 / 5)
    assert found["engagement_rate"][0] == pytest.approx(0.1 + 0.9 * 4 / 5)
    assert found["rewatch"][0] == 0.0


@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: f"{fake.tier}-{fake.behaviour}")
def test_signals_with_many_fakes_approach_those_of_the_fakes(fake: FakeViewer) -> None:
    market = random_market(1)
    every = np.arange(market.creator.size)
    found = with_fake_viewers(market.columns, every, 10**9, fake, market.formula)

    assert found["watch_completion"] == pytest.approx(1)
    assert found["rewatch"] == pytest.approx(float(fake.behaviour == "replay"), abs=1e-6)
    assert found["engagement_rate"] == pytest.approx(float(fake.acts), abs=1e-6)


@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from(FAKES), st.integers(0, 10))
def test_fakes_in_two_waves_have_the_effect_of_one_wave(first: int, second: int, fake: FakeViewer, seed: int) -> None:
    market = random_market(seed, videos=6)
    every = np.arange(6)
    at_once = with_fake_viewers(market.columns, every, first + second, fake, market.formula)
    wave = with_fake_viewers(market.columns, every, first, fake, market.formula)
    in_two = with_fake_viewers(wave, every, second, fake, market.formula)

    for name in SIGNAL_COLUMNS:
        np.testing.assert_allclose(in_two[name], at_once[name], rtol=0, atol=1e-12 * max(1, at_once[name].max()))
    # Without fakes, only the last bit of a mean may change.
    nobody = with_fake_viewers(market.columns, every, 0, fake, market.formula)
    before, after = (market.formula.scores(columns, None).quality for columns in (market.columns, nobody))
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=0)


def test_fake_viewer_of_unknown_behaviour_is_refused() -> None:
    with pytest.raises(InputError, match="behaviour must be one of"):
        fake_viewer("verified", "sleep", 2)


def attacked_log(logs: Logs, video_id: str, fakes: int, fake: FakeViewer) -> Logs:
    """The log with the events of the fake viewers."""
    (length,) = (video["length_ms"] for video in logs.videos if video["video_id"] == video_id)
    names = [f"fake{i:03}" for i in range(fakes)]
    events = [
        {
            "event_id": f"{name}-{again}",
            "viewer_id": name,
            "video_id": video_id,
            "event_ts": MIDNIGHT + dt.timedelta(seconds=again),
            "watch_ms": length,
            "loop_count": None,
            **every_flag(fake.acts and again == 0),
        }
        for name in names
        for again in range(fake.views_each)
    ]
    viewers = [{"viewer_id": name, "trust_tier": fake.tier} for name in names]
    return Logs(logs.events + events, logs.viewers + viewers, logs.videos)


def scored(spark, logs: Logs, settings, is_smoothed: bool):
    """Signals and quality by the transforms of the night, in the order of the videos' ids."""
    events, viewers, videos = logs.frames(spark)
    signals = video_signals(events, viewers, videos, settings)
    priors = fit_day_priors(signals, videos, settings) if is_smoothed else None
    quality = video_quality(signals, videos, settings, priors)
    both = signals.toPandas().merge(quality.toPandas()[["video_id", "quality_score", "is_compliant"]], on="video_id")
    return both.sort_values("video_id", ignore_index=True)


@pytest.mark.once
@pytest.mark.parametrize("is_smoothed", [False, True])
def test_attack_has_the_effect_that_the_nights_transforms_compute(spark, configuration, is_smoothed: bool) -> None:
    settings = configuration.signals
    logs = random_logs(60, seed=5)
    before = scored(spark, logs, settings, is_smoothed)
    first = {video["video_id"]: video["categories"][0] for video in logs.videos}
    columns = {name: before[name].to_numpy() for name in (*SIGNAL_COLUMNS, "is_compliant")}
    columns["category"] = before.video_id.map(first).to_numpy(dtype=object)
    creator = np.array([f"g{v % 5}" for v in range(len(before))], dtype=object)
    formula = quality_formula(is_smoothed=is_smoothed)
    pool = {"other": np.flatnonzero(before.is_compliant)}
    impressions = (before.views * before.quality_score).to_numpy()
    pools = market_pools_of(impressions, creator, pool, SplitPolicy("linear", 0.5, 0.3))
    market = Market(columns, creator, formula, pools)
    np.testing.assert_allclose(market.effective_impressions, impressions, rtol=0, atol=1e-12)

    target = int(pool["other"][3])
    for fake, fakes in ((FAKES[1], 4), (FAKES[5], 7)):
        after = scored(spark, attacked_log(logs, before.video_id[target], fakes, fake), settings, is_smoothed)
        assert after.video_id.tolist() == before.video_id.tolist()
        rerun = (after.views * after.quality_score).to_numpy()
        attack = Attack(target, fakes, fake)
        np.testing.assert_allclose(market.impressions_under(attack), rerun, rtol=1e-9, atol=1e-9)

        own = creator[pool["other"]] == creator[target]
        paid = [
            pools["other"].pool.split(SplitPolicy("linear", 0.5, 0.3), m[pool["other"]]).payout[own].sum()
            for m in (impressions, rerun)
        ]
        assert market.gain(attack) == pytest.approx(paid[1] - paid[0], rel=1e-6)
        assert market.gain(attack) != 0


def test_smoothed_scores_of_other_categories_do_not_change_under_attack() -> None:
    market = random_market(3, is_smoothed=True)
    video = 4
    changed = market.impressions_under(Attack(video, 5, FAKES[1])) != market.effective_impressions
    same_category = market.columns["category"] == market.columns["category"][video]

    assert changed[video]
    assert not changed[~same_category].any()
    plain = replace(market, formula=replace(market.formula, is_smoothed=False))
    moved = plain.impressions_under(Attack(video, 5, FAKES[1])) != plain.effective_impressions
    assert np.flatnonzero(moved).tolist() == [video]
