"""Suggestions for misspelt words in messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message on a misspelt `word`: ``: did you mean 'alpha'?``; empty if no word of `known` is close."""
    return suggestion(get_close_matches(word, list(known), n=1))


def suggestion(words: Iterable[str]) -> str:
    """``: did you mean 'a' or 'b'?`` for `words`; empty if there are none."""
    named = " or ".join(f"'{word}'" for word in words)
    return f": did you mean {named}?" if named else ""
