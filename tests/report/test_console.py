"""The console prints names as text: no name becomes a style, a link, an emoji or a line of its own."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from rich.table import Table
from tests.hostile_names import ALLOWED, NAMES, UNPRINTABLE

from creatorpool.quoting import one_line
from creatorpool.report.console import PlainConsole


def printed(name: str) -> str:
    """A table and a sentence with `name` in every place that a string may stand."""
    out = io.StringIO()
    console = PlainConsole(width=4_000, file=out, force_terminal=False)
    table = Table(title=name, caption=name, title_justify="left")
    table.add_column(name)
    table.add_row(name)
    console.print(table)
    console.print(f"Warning, pool {name}", style="yellow", soft_wrap=True)
    return out.getvalue()


@pytest.mark.parametrize("name", [*ALLOWED, *UNPRINTABLE])
def test_name_is_printed_unchanged(name: str) -> None:
    text = printed(name)

    assert f"Warning, pool {one_line(name)}\n" in text
    assert text.count(one_line(name)) >= 4


@given(NAMES)
def test_any_name_stays_on_its_line_and_sends_no_control_characters(name: str) -> None:
    plain, odd = printed("name"), printed(name)

    assert len(odd.split("\n")) == len(plain.split("\n"))
    assert one_line(odd.replace("\n", "")) == odd.replace("\n", "")
