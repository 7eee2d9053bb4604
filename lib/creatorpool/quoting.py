"""Examples in messages: one line of a bounded number of characters, whatever the data hold."""

from __future__ import annotations

from collections.abc import Iterable

EXAMPLE_CHARACTERS = 200
"""A message quotes at most so many characters of one example."""


def shortened(example: object, characters: int = EXAMPLE_CHARACTERS) -> str:
    """`example` as text of at most `characters`, on one line: control characters are written as escapes."""
    text = str(example)
    cut = text[:characters]
    shown = cut if cut.isprintable() else "".join(map(_printable, cut))
    return shown if len(shown) <= characters and len(text) <= characters else f"{shown[: characters - 1]}…"


def shortened_list(examples: Iterable[object]) -> str:
    """`examples` as a list in brackets, of at most the characters of one example."""
    kept: list[str] = []
    room = EXAMPLE_CHARACTERS - len("[]")
    for example in examples:
        text = repr(shortened(example))
        if room < len(text) + len(", …"):
            return f"[{', '.join([*kept, '…'])}]"
        kept.append(text)
        room -= len(text) + len(", ")
    return f"[{', '.join(kept)}]"


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
