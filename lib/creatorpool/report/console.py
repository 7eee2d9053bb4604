"""The console of all terminal output: it prints strings as text, never as markup."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from creatorpool.quoting import one_line


class PlainConsole(Console):
    """A rich console that takes each string, in a table or alone, as one line of plain text.

    The strings contain names from data. The console does not interpret markup (``[bold]``, ``[link=…]``) or emoji codes
    (``:heart:``) in them, and shows control characters as escapes. The argument `style` sets styles.
    """

    def __init__(self, width: int | None = None, **options: Any) -> None:
        super().__init__(width=width, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """The string as printable text; `options` are those of rich."""
        return super().render_str(one_line(text), **(options | {"markup": False, "emoji": False}))

    def on_broken_pipe(self) -> None:
        """Raise the error again: the caller decides whether a closed pipe ends the job."""
        raise
