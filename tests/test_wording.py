"""Numbers and nouns agree, also in the messages that name a single thing."""

from __future__ import annotations

import pytest

from creatorpool.cli.settlement import posted_words
from creatorpool.runs.postings import HOLDS, LATE, POSTED
from creatorpool.verification.checks import Check
from creatorpool.wording import number_of


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "hold", "0 holds"),
        (1, "hold", "1 hold"),
        (1_234, "day", "1,234 days"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (2, "returned payment", "2 returned payments"),
    ],
)
def test_numbers_and_nouns_agree(number: int, noun: str, words: str) -> None:
    assert number_of(number, noun) == words


def test_checks_say_how_much_was_compared() -> None:
    assert [Check("posted", number, unit="entry").extent for number in (1, 2)] == ["1 entry", "2 entries"]


def test_what_is_posted_is_told_in_words() -> None:
    nothing: dict[str, list[str]] = {kind: [] for kind in (*POSTED, LATE, HOLDS)}

    assert posted_words(nothing) == "nothing"
    assert posted_words({kind: ["one"] for kind in nothing}) == (
        "1 night, 1 restatement, 1 released hold, 1 returned payment, 1 late hold"
    )
    assert posted_words(nothing | {"nights": ["n"], LATE: ["h1@d", "h2@d"]}) == "1 night, 2 late holds"
