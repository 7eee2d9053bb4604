"""Categories with videos and without revenue: which are told, and in which words."""

from __future__ import annotations

from datetime import date

from creatorpool.allocation.unfunded import MOST, EarlierPools, unfunded_warnings
from creatorpool.quality.coverage import Coverage

COVERAGE = Coverage(559, 399, {}, False, {"pets": 140, "tech": 164}, {"pets": 106, "tech": 118})


def test_category_without_revenue_is_told_with_its_videos_and_its_earlier_pool() -> None:
    before = EarlierPools(date(2026, 11, 19), {"pets": 141_235_000}, "USD")

    (warning,) = unfunded_warnings(COVERAGE, {"tech"}, before)

    assert warning == (
        "category pets: 140 eligible videos and no revenue (its pool was 141.24 USD on 2026-11-19): no pool pays them "
        "for it, although 106 have a quality above 0; deliver its revenue and run the day again with --reingest, or "
        "deliver a row of 0 if nothing was sold"
    )


def test_revenue_of_a_misspelt_category_is_suggested() -> None:
    (warning,) = unfunded_warnings(COVERAGE, {"tech", "pet"}, EarlierPools())

    assert warning.startswith("category pets: 140 eligible videos and no revenue: no pool")
    assert warning.endswith("There is revenue of a category without videos: did you mean 'pet'?")


def test_funded_categories_and_old_ledgers_are_no_warning() -> None:
    assert unfunded_warnings(COVERAGE, {"pets", "tech"}, EarlierPools()) == []
    assert unfunded_warnings(Coverage(10, 9, {}, False), set(), EarlierPools()) == []


def test_many_categories_share_a_sentence() -> None:
    many = {f"c{n:02}": 100 - n for n in range(20)}

    warnings = unfunded_warnings(Coverage(2_000, 2_000, {}, False, many, many), (), EarlierPools())

    assert [warning.split(":")[0] for warning in warnings[:-1]] == [f"category c{n:02}" for n in range(MOST)]
    left = sum(videos for name, videos in many.items() if name >= "c05")
    assert warnings[-1] == f"15 more categories have {left:,} eligible videos and no revenue, such as c05"
