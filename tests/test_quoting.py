"""Any text from data stays on one line, visible and short."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile_names import ALLOWED, NAMES, UNPRINTABLE, Structure

from creatorpool.quoting import LIMIT, in_html, json_line, lines, one_line, quoted, shortened, shortened_list


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é, 😀, \u200fعربى", "plain text, é, 😀, \u200fعربى"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m\x00\x7f\x85", r"\x1b[31m\x00\x7f\x85"),
        ("\u2028\u202e\ufffe\U0001ffff\ud800", r"\u2028\u202e\ufffe\U0001ffff\ud800"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
    ],
)
def test_one_line_shows_hidden_characters_as_escapes_and_keeps_others(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(NAMES)
def test_one_line_of_any_name_is_one_line_that_xml_and_utf8_hold(name: str) -> None:
    shown = one_line(name)

    assert len(shown.splitlines()) == 1
    assert shown.encode("utf-8")
    element = ElementTree.fromstring(f"<a>{shown.replace('&', '&amp;').replace('<', '&lt;')}</a>")
    assert element.text == shown
    assert one_line(shown) == shown


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_lines_keeps_only_line_feeds(names: list[str]) -> None:
    text = "\n".join(map(one_line, names))
    assert lines(text) == text
    assert len(lines("\n".join(names)).splitlines()) <= "\n".join(names).count("\n") + 1


@given(NAMES, st.integers(40, 300))
def test_shortened_stays_within_the_limit_and_gives_the_whole_length(name: str, limit: int) -> None:
    short = shortened(name, limit)

    assert len(short) <= limit
    if len(name) > limit:
        assert short.endswith(f"… ({len(name):,} characters)")
        assert name.startswith(short[:10])
    else:
        assert short == name


def test_quoted_shortens_after_escaping() -> None:
    assert quoted("\n" * 500) == "\\n" * 91 + "… (500 characters)"
    assert len(quoted("\n" * 500)) == LIMIT
    assert len(quoted("\n" * 150)) == LIMIT
    assert quoted(None) == "None"


@given(NAMES)
def test_in_html_of_any_name_makes_no_element_and_no_attribute(name: str) -> None:
    page = Structure(f'<p title="{in_html(name)}">{in_html(name)}</p>')

    assert page.elements == [("p", ("title",))]
    assert page.comments == []
    assert "".join(page.text) == one_line(name)


@given(st.dictionaries(NAMES, NAMES, max_size=3))
def test_json_line_is_one_line_and_reads_back_as_it_was(value: dict[str, str]) -> None:
    text = json_line(value)

    assert len(text.splitlines()) == 1
    assert text.encode("utf-8")
    assert json.loads(text) == value


def test_shortened_list_marks_omitted_values() -> None:
    assert shortened_list(["a", "b"]) == "['a', 'b']"
    assert shortened_list([]) == "[]"
    long = shortened_list(f"name-{number}" for number in range(10**5))
    assert len(long) <= LIMIT
    assert long.endswith("…]")


def test_allowed_names_need_no_escapes_and_unprintable_ones_do() -> None:
    assert all(name == one_line(name) or "\u202e" in name for name in ALLOWED)
    assert all(name != one_line(name) for name in UNPRINTABLE)
