"""Examples in messages stay short and on one line."""

from __future__ import annotations

import pytest

from creatorpool.quoting import EXAMPLE_CHARACTERS, shortened, shortened_list


@pytest.mark.parametrize("text", ["short", "", "é日", "x" * EXAMPLE_CHARACTERS])
def test_shortened_leaves_short_text(text: str) -> None:
    assert shortened(text) == text


@pytest.mark.parametrize("text", ["x" * 201, "\x1b" * 200, "a\n" * 10**6])
def test_shortened_cuts_long_text_and_says_so(text: str) -> None:
    assert len(shortened(text)) == EXAMPLE_CHARACTERS
    assert shortened(text).endswith("…")


def test_shortened_writes_control_characters_as_escapes() -> None:
    assert shortened("a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e"


def test_shortened_list_says_what_it_leaves_out() -> None:
    assert shortened_list(["a", "b"]) == "['a', 'b']"
    assert shortened_list([]) == "[]"
    long = shortened_list(f"name-{number}" for number in range(10**5))
    assert len(long) <= EXAMPLE_CHARACTERS
    assert long.endswith("…]")
