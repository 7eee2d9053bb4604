"""The warning about coverage: which signals cost it, and what to do."""

from __future__ import annotations

import pytest

from creatorpool.quality.coverage import Coverage


def coverage(is_smoothed: bool = False, **at_zero: int) -> Coverage:
    return Coverage(compliant=200, rated=60, at_zero=at_zero, is_smoothed=is_smoothed)


def test_warning_names_each_signal_with_its_videos_and_the_remedy() -> None:
    found = coverage(rewatch=120, engagement_rate=40, safety=20, watch_completion=0)

    assert found.warning(0.1) == (
        "140 of 200 compliant videos are paid nothing from pools, because a signal is 0 for them: "
        "rewatching (120 videos, 60%), engagement rate (40 videos, 20%), safety (20 videos, 10%); some have several. "
        "To pay more of them: set quality.smoothing to empirical_bayes, as conf/recommended.yaml does"
    )


def test_signals_below_the_limit_are_counted_too_so_that_no_video_is_unexplained() -> None:
    found = Coverage(compliant=559, rated=399, at_zero={"engagement_diversity": 143, "rewatch": 17}, is_smoothed=False)

    assert "for them: engagement diversity (143 videos, 26%), rewatching (17 videos, 3%). To" in str(found.warning(0.1))


def test_signal_at_the_limit_is_no_warning() -> None:
    assert coverage(rewatch=20).warning(0.1) is None
    assert coverage(rewatch=21).warning(0.1) is not None
    assert Coverage(0, 0, {"rewatch": 0}, False).warning(0.0) is None


@pytest.mark.parametrize(
    ("signal", "is_smoothed", "advice"),
    [
        ("rewatch", False, "quality.smoothing"),
        ("finish_share", False, "quality.smoothing"),
        ("finish_share", True, "conf/signals.yaml"),
        ("rewatch", True, "feed"),
        ("watch_completion", False, "feed"),
        ("safety", False, "signals.toxicity_penalty"),
    ],
)
def test_remedy_fits_the_signal(signal: str, is_smoothed: bool, advice: str) -> None:
    assert advice in (coverage(is_smoothed, **{signal: 150}).warning(0.1) or "")


def test_several_remedies_name_their_signals() -> None:
    text = coverage(rewatch=120, safety=50).warning(0.1) or ""

    assert "rewatching: set quality.smoothing" in text
    assert "safety: look at s_pos" in text


def test_ledger_keeps_the_numbers() -> None:
    found = coverage(rewatch=120)

    assert Coverage.of_facts(found.as_facts()) == found
    assert Coverage.of_facts({"priors": {}}) is None
