"""The console prints names as text: no name becomes a style, a link, an emoji or a line of its own."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from rich.table import Table
from tests.hostile_names import ALLOWED, NAMES, UNPRINTABLE, Structure

from creatorpool.quoting import one_line
from creatorpool.report.console import PlainConsole


def printed(name: str) -> tuple[str, str]:
    """A table and a sentence with `name` in every place for a string, as text and as a page."""
    console = PlainConsole(width=4_000, record=True, file=io.StringIO(), force_terminal=False)
    table = Table(title=name, caption=name, title_justify="left")
    table.add_column(name)
    table.add_row(name)
    console.print(table)
    console.print(f"Warning, pool {name}", style="yellow", soft_wrap=True)
    return console.file.getvalue(), console.page("A day")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*ALLOWED, *UNPRINTABLE])
def test_name_is_printed_unchanged(name: str) -> None:
    text, _ = printed(name)

    assert f"Warning, pool {one_line(name)}\n" in text
    assert text.count(one_line(name)) >= 4


@given(NAMES)
def test_any_name_stays_on_its_line_and_sends_no_control_characters(name: str) -> None:
    plain, odd = printed("name")[0], printed(name)[0]

    assert len(odd.split("\n")) == len(plain.split("\n"))
    assert one_line(odd.replace("\n", "")) == odd.replace("\n", "")


@given(NAMES)
def test_page_of_printed_output_has_no_element_from_a_name(name: str) -> None:
    page = Structure(printed(name)[1])

    assert {element for element, _ in page.elements} <= {"html", "head", "meta", "title", "body", "pre", "span"}
    assert {names for element, names in page.elements if element == "span"} <= {("style",)}
    assert ("meta", ("http-equiv", "content")) in page.elements
    assert f"Warning, pool {one_line(name)}\n" in "".join(page.text)
    assert page.comments == []
