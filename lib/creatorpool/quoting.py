"""Text from data as people read it: one line, without control characters, and no longer than a limit.

Ids and categories are free text. The printers, pages, charts and log lines quote them by these functions; none of them
is markup: `report.console` prints without markup, pages escape HTML, and the chart renderer escapes SVG.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable

LIMIT = 200
"""Most characters of a quoted value"""

_CONTROLS = "\x00-\x1f\x7f-\x9f"
_LINE_SEPARATORS = "\u2028\u2029"
_DIRECTION = "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates; plain direction marks are harmless
_SURROGATES = "\ud800-\udfff"
_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_HIDDEN = re.compile(f"[{_CONTROLS}{_LINE_SEPARATORS}{_DIRECTION}{_SURROGATES}{_NO_CHARACTERS}]")


def one_line(text: str) -> str:
    r"""`text` on one line: line breaks and characters that no reader sees become escapes such as ``\n`` and ``\x1b``.

    Escaped are control characters, line and paragraph separators, direction overrides, surrogates and code points that
    are no characters. Terminals act on the first, the renderer of charts dies of some, and XML cannot hold others.
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def lines(text: str) -> str:
    r"""`text` of several lines, each as `one_line` has it: only ``\n`` begins a new one."""
    return "\n".join(map(one_line, text.split("\n")))


def shortened(text: str, limit: int = LIMIT) -> str:
    """`text` in at most `limit` characters; where it is cut, its end says how long the whole is."""
    if len(text) <= limit:
        return text
    ending = f"… ({len(text):,} characters)"
    return f"{text[: max(0, limit - len(ending))]}{ending}"


def quoted(value: object, limit: int = LIMIT) -> str:
    """A value from data as messages and tables show it: one line of at most `limit` characters."""
    text = str(value)
    if len(text) <= limit:
        return shortened(one_line(text), limit)
    ending = f"… ({len(text):,} characters)"
    return f"{one_line(text[:limit])[: max(0, limit - len(ending))]}{ending}"


def shortened_list(values: Iterable[object], limit: int = LIMIT) -> str:
    """Values from data as a list in brackets of at most `limit` characters; ``…`` stands for those left out."""
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
    """`text` as content or attribute of HTML: it makes no element there, and its hidden characters can be seen."""
    return html.escape(one_line(text))


def json_line(value: object) -> str:
    """`value` as JSON on one line, whatever reads lines; what JSON has no type for is written as text."""
    return escaped_json(json.dumps(value, ensure_ascii=False, default=str))


def escaped_json(text: str) -> str:
    """The same JSON with characters that no reader sees, or that end a line, written as JSON's escapes."""
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
