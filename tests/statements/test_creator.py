"""A creator's statement: sums to the micro, videos by their earnings, and statements without content."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.errors import InputError
from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.statements.creator import VIDEOS_NAMED, DayFacts, statement_row

DAY, AGAINST = date(2026, 11, 21), date(2026, 11, 20)
EXPONENTS = dict(zip(COMPONENT_NAMES, (0.35, 0.25, 0.15, 0.10, 0.15), strict=True))
FACTS = DayFacts(DAY, AGAINST, "USD", EXPONENTS, {"music": 10_000_000, "news": 5_000_000})


def share(video: str, category: str, payout: int, bound: str = "interior", **signals: float) -> dict[str, Any]:
    values = dict.fromkeys(COMPONENT_NAMES, 0.5) | signals
    quality = 1.0
    for name, exponent in EXPONENTS.items():
        quality *= values[name] ** exponent
    own = {"video_id": video, "category": category, "payout_micros": payout, "bound": bound, "views": 100}
    return own | values | {"effective_impressions": 100 * quality}


def paid(video: str, payout: int, pulse: int = 0) -> dict[str, Any]:
    return {"video_id": video, "payout_micros": payout, "pulse_micros": pulse}


def change(
    video: str, before: int, *, now_of: str = "ann", before_of: str | None = "ann", **parts: int
) -> dict[str, Any]:
    total = sum(parts.values())
    money = {"against_payout_micros": before, "payout_micros": before + total, "change_micros": total}
    owners = {"category": "music", "video_id": video, "creator_id": now_of, "against_creator_id": before_of}
    return owners | money | {f"{name}_micros": parts.get(name, 0) for name in REASON_NAMES}


def test_statement_has_earnings_videos_signals_and_changes() -> None:
    row = statement_row(
        "ann",
        [
            share("v1", "music", 700_000, engagement_rate=0.1),
            share("v1", "news", 50_000),
            share("v2", "music", 0, rewatch=0.0),
        ],
        [paid("v1", 750_000, 20_000), paid("v2", 0)],
        [change("v1", 600_000, views=120_000, competition=-20_000), change("v2", 0)],
        FACTS,
    )

    money = {"payout_micros": 750_000, "pulse_micros": 20_000, "total_micros": 770_000, "videos_paid": 1}
    compared = {"against_date": AGAINST, "against_payout_micros": 600_000, "change_micros": 150_000}
    assert row == row | money | compared | {"largest_reason": "views", "largest_reason_micros": 120_000}
    text = row["statement"]
    assert text.startswith("Creator ann: statement of 2026-11-21, in USD\n\nEarned\n")
    for line in (
        "                0.770000  in all, from 1 video",
        "  v1: 0.770000",
        "                0.700000  pool music, 7.000% of what it paid",
        "                0.050000  pool news, 1.000% of what it paid",
        "                0.020000  beside Pulse ads",
        "  1 of them without effective impressions: no view, or a signal at 0",
        "What changed against 2026-11-20, and why",
        "                 +0.120000  views",
    ):
        assert line in text.splitlines(), line
    assert "held back most by engagement rate 0.100" in text
    assert "  v2:" not in text
    assert re.search(r"rewatch +0\.100 +0\.250 +0\.467 +1$", text, re.MULTILINE)  # (0.5 + 0) / 2, and of 0.5^0.1 and 0


def test_statement_of_a_first_day_has_no_comparison() -> None:
    alone = DayFacts(DAY, None, "USD", EXPONENTS, {"music": 10})

    row = statement_row("ann", [share("v1", "music", 10, "cap")], [paid("v1", 10)], [], alone)

    assert row["against_date"] is row["against_payout_micros"] is row["change_micros"] is row["largest_reason"] is None
    assert row["statement"].endswith("What changed: no earlier day is published\n")
    assert "pool music, 100.000% of what it paid, held by the cap" in row["statement"]


def test_video_that_changed_its_creator_leaves_the_sellers_earnings() -> None:
    sold = change("v1", 500, now_of="bob", before_of="ann", views=100)

    seller, buyer = (
        statement_row(name, shares, videos, [sold], FACTS)
        for name, shares, videos in (("ann", [], []), ("bob", [share("v1", "music", 600)], [paid("v1", 600)]))
    )

    assert (seller["change_micros"], seller["largest_reason"], seller["largest_reason_micros"]) == (
        -500,
        "membership",
        -500,
    )
    assert (buyer["change_micros"], buyer["largest_reason"], buyer["largest_reason_micros"]) == (600, "membership", 600)


def test_statement_names_the_videos_that_earned_most_and_sums_the_rest() -> None:
    videos = [paid(f"v{number:02}", 1_000 + number) for number in range(VIDEOS_NAMED + 5)]

    text = statement_row("ann", [share(v["video_id"], "music", v["payout_micros"]) for v in videos], videos, [], FACTS)

    named = re.findall(r"^  (v\d+): ", text["statement"], re.MULTILINE)
    assert named == [f"v{number:02}" for number in reversed(range(5, VIDEOS_NAMED + 5))]
    assert "  5 more videos: 0.005010" in text["statement"]


def test_shares_that_do_not_sum_to_the_videos_are_refused() -> None:
    with pytest.raises(
        InputError, match="creator ann: payouts sum to 9 micros in pool_payouts and to 10 in video_payouts"
    ):
        statement_row("ann", [share("v1", "music", 9)], [paid("v1", 10)], [], FACTS)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=60))
def test_money_in_the_text_sums_to_the_row(amounts: list[tuple[int, int]]) -> None:
    videos = [paid(f"v{number:03}", pool, pulse) for number, (pool, pulse) in enumerate(amounts)]
    shares = [share(video["video_id"], "music", video["payout_micros"]) for video in videos]

    row = statement_row("ann", shares, videos, [], FACTS)

    lines = re.findall(r"^  (?:v\d+|[\d,]+ more videos?): ([\d,.]+)$", row["statement"], re.MULTILINE)
    assert sum(int(re.sub("[,.]", "", line)) for line in lines) == row["total_micros"] == sum(map(sum, amounts))
