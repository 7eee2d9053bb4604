"""The console of every printer: what it is given is text, never markup."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from creatorpool.quoting import one_line
from creatorpool.report.pages import printed_form


class PlainConsole(Console):
    """A rich console that takes each string, in a table or alone, as one line of plain text.

    Names from data stand in these strings. Neither markup (``[bold]``, ``[link=…]``) nor emoji codes (``:heart:``) are
    read in them, and control characters are shown as escapes. Styles are given by `style`.
    """

    def __init__(self, width: int | None = None, **options: Any) -> None:
        super().__init__(width=width, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """The string as text to print; the options are rich's."""
        return super().render_str(one_line(text), **(options | {"markup": False, "emoji": False}))

    def on_broken_pipe(self) -> None:
        """Raise the error of a reader that has gone: whether it ends the job is not the console's to decide."""
        raise

    def page(self, title: str) -> str:
        """All that was printed, as a page of HTML; the console must record. `title` is not from data."""
        return self.export_html(clear=False, inline_styles=True, code_format=printed_form(title))
