"""Numbers and their nouns agree in messages, pages and printed text."""

from __future__ import annotations

import re

_CONSONANT_Y = re.compile("(?<=[^aeiou])y$")


def number_of(number: int, noun: str) -> str:
    """A number with its noun, which is given in the singular: ``1 entry``, ``2 entries``, ``1,234 days``."""
    return f"{number:,} {noun if number == 1 else _CONSONANT_Y.sub('ie', noun) + 's'}"
