"""A statement in plain text: sums to the micro, the largest parts first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from tests.hostile_names import NAMES

from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.quoting import one_line
from creatorpool.statements.text import REASONS, Statement, exact_money, statement_text


def row(category: str, video: str, before: int, **parts: int) -> dict:
    change = sum(parts.values())
    every = {f"{name}_micros": parts.get(name, 0) for name in REASON_NAMES}
    money = {"against_payout_micros": before, "payout_micros": before + change, "change_micros": change}
    return {"category": category, "video_id": video, **every, **money}


def statement(*rows: dict, notes: tuple[str, ...] = ()) -> Statement:
    return Statement("Creator ann", date(2026, 11, 21), date(2026, 11, 20), "USD", rows, notes)


def test_every_reason_has_words() -> None:
    assert tuple(REASONS) == REASON_NAMES


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.000000"), (-1, "-0.000001"), (1_234_567_890_123, "+1,234,567.890123")]
)
def test_exact_money_shows_every_micro(micros: int, text: str) -> None:
    assert exact_money(micros, signed=True) == text


def test_statement_text_has_a_section_a_pool_with_the_largest_parts_first() -> None:
    text = statement_text(
        statement(
            row("music", "v1", 1_000_000, views=200_000, competition=-500_000, rounding=1),
            row("music", "v2", 0, membership=300_000),
            row("news", "v1", 10, views=0),
            notes=("rules changed",),
        )
    )
    assert text == (
        "Creator ann: 2026-11-21 against 2026-11-20, in USD\n"
        "\n"
        "Pool music\n"
        "                1.000000  earned before\n"
        "               -0.500000  competition: the effect of other videos on the price\n"
        "               +0.300000  videos that entered or left the pool, or changed their creator\n"
        "               +0.200000  views\n"
        "               +0.000001  rounding\n"
        "               +0.000001  change, the sum of these\n"
        "                1.000001  earned now\n"
        "  Changed most: v2 +0.300000 (newly paid), v1 -0.299999\n"
        "\n"
        "Pool news\n"
        "                0.000010  earned before\n"
        "                0.000000  change\n"
        "                0.000010  earned now\n"
        "\n"
        "All 2 pools\n"
        "                1.000010  earned before\n"
        "               -0.500000  competition: the effect of other videos on the price\n"
        "               +0.300000  videos that entered or left the pool, or changed their creator\n"
        "               +0.200000  views\n"
        "               +0.000001  rounding\n"
        "               +0.000001  change, the sum of these\n"
        "                1.000011  earned now\n"
        "\n"
        "Note: rules changed\n"
    )


def test_whole_pools_tell_what_moved_between_videos_apart_from_the_change() -> None:
    whole = replace(
        statement(row("music", "", 5_000_000, revenue=1_000_000), row("news", "", 10, revenue=0)),
        videos=0,
        moved={"music": {"views": (300_000, -250_000), "safety": (0, 0)}, "news": {"views": (7, -7)}},
    )

    text = statement_text(whole)

    assert (
        "Pool music\n"
        "                5.000000  earned before\n"
        "               +1.000000  what advertisers paid, after refunds\n"
        "               +1.000000  change, the sum of these\n"
        "                6.000000  earned now\n"
        "  Moved between videos, which does not change the total: given to some, taken from others\n"
        "               +0.300000        -0.250000  views\n"
        "\n"
    ) in text
    assert "               +0.300007        -0.250007  views\n" in text
    assert "safety" not in text


def test_first_paid_day_is_told_with_its_amounts() -> None:
    new = (row("music", "v1", 0, membership=200_000), row("music", "v2", 0, membership=5), row("news", "v1", 0))

    lines = statement_text(statement(*new)).splitlines()

    assert lines[2] == (
        "First paid day: no payout on 2026-11-20, 0.200005 on 2026-11-21 (pools: music 0.200005), so all of it is new"
    )
    assert "First paid day" not in statement_text(statement(*new, row("news", "v3", 1, views=4)))
    assert "First paid day" not in statement_text(statement(row("news", "v3", 0)))


@given(NAMES)
def test_no_name_begins_a_line_of_a_statement(name: str) -> None:
    def told(of: str) -> str:
        rows = (row(of, of, 5, views=1), row(of, f"{of}2", 5, views=2))
        return statement_text(replace(statement(*rows, notes=(of,)), title=f"Creator {of}"))

    text = told(name)

    assert len(text.splitlines()) == len(told("x").splitlines())
    assert one_line(text.replace("\n", "")) == text.replace("\n", "")
