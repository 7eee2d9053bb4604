"""Makes text from data safe to show: one line, without control characters, and no longer than a limit.

Ids and categories are free text. Printers, pages, charts and log lines quote them with these functions. Markup needs
its own escaping: `report.console` prints without markup, pages escape HTML, and the chart renderer escapes SVG.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable

LIMIT = 200
"""Most characters of a quoted value"""

_STEM, _DIGEST = 40, 20
_NOT_PLAIN = re.compile("[^A-Za-z0-9]+")
_CONTROLS = "\x00-\x1f\x7f-\x9f"
_LINE_SEPARATORS = "\u2028\u2029"
_DIRECTION = "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates; plain direction marks are harmless
_SURROGATES = "\ud800-\udfff"
_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_HIDDEN = re.compile(f"[{_CONTROLS}{_LINE_SEPARATORS}{_DIRECTION}{_SURROGATES}{_NO_CHARACTERS}]")


def one_line(text: str) -> str:
    r"""`text` on one line: line breaks and invisible characters become escapes such as ``\n`` and ``\x1b``.

    It escapes control characters, line and paragraph separators, direction overrides, surrogates and noncharacters.
    Terminals act on control characters, some of the others crash the chart renderer, and XML cannot hold some.
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def lines(text: str) -> str:
    r"""`text` with each line escaped by `one_line`; only ``\n`` separates lines."""
    return "\n".join(map(one_line, text.split("\n")))


def shortened(text: str, limit: int = LIMIT) -> str:
    """`text` in at most `limit` characters; if it is cut, its end gives the length of the whole text."""
    if len(text) <= limit:
        return text
    ending = f"… ({len(text):,} characters)"
    return f"{text[: max(0, limit - len(ending))]}{ending}"


def quoted(value: object, limit: int = LIMIT) -> str:
    """A value from data for a message or a printed table: one line of at most `limit` characters."""
    text = str(value)
    if len(text) <= limit:
        return shortened(one_line(text), limit)
    ending = f"… ({len(text):,} characters)"
    return f"{one_line(text[:limit])[: max(0, limit - len(ending))]}{ending}"


def shortened_list(values: Iterable[object], limit: int = LIMIT) -> str:
    """Values from data as a list in brackets of at most `limit` characters; ``…`` replaces the values left out."""
    kept: list[str] = []
    room = limit - len("[]")
    for value in values:
        text = repr(quoted(value))
        if room < len(text) + len(", …"):
            return f"[{', '.join([*kept, '…'])}]"
        kept.append(text)
        room -= len(text) + len(", ")
    return f"[{', '.join(kept)}]"


def in_html(text: str) -> str:
    """`text` for the content or an attribute of an HTML element: markup is escaped, hidden characters are shown."""
    return html.escape(one_line(text))


def file_stem(text: str) -> str:
    """A name for files about `text`: ASCII letters, digits and dashes, at most 61 characters.

    It begins with the letters and digits of `text`, and ends with a hash, by which any two texts differ; also on file
    systems that ignore case, and where a system reserves names.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{_NOT_PLAIN.sub('-', text)[:_STEM].strip('-')}-{digest}".lstrip("-")


def json_line(value: object) -> str:
    """`value` as JSON on one line; values of types that JSON lacks become text."""
    return escaped_json(json.dumps(value, ensure_ascii=False, default=str))


def escaped_json(text: str) -> str:
    """The same JSON with invisible characters and line separators written as JSON escapes."""
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
