"""The table of an evaluation says what differs between its columns."""

from __future__ import annotations

from creatorpool.report.evaluation_summary import headings
from creatorpool.setting_changes import setting_changes
from creatorpool.settings import load_settings


def test_columns_are_headed_by_the_settings_that_differ() -> None:
    other = load_settings(assignments=["quality.smoothing=empirical_bayes", "signals.max_daily_views_per_viewer=5"])
    changes = setting_changes(other, load_settings(), ("signals", "quality"))

    assert headings(changes) == (
        "max_daily_views_per_viewer 5; smoothing empirical_bayes",
        "max_daily_views_per_viewer null; smoothing none",
    )


def test_columns_of_a_signal_left_out_are_headed_by_the_signal() -> None:
    settings = load_settings()
    changes = setting_changes(settings, settings.without("rewatch"), ("signals",))

    assert headings(changes, "rewatch") == ("with rewatch", "without rewatch")
