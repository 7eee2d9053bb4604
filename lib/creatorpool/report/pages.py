"""Frames of pages whose text comes from data, each with a content security policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from creatorpool.quoting import json_line

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content security policy of a page that carries all it needs and runs no script"""

_FRAME = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
</head>
{body}
</html>
"""
_PRINTED = """\
<body style="color: {foreground}; background-color: {background}">
<pre style="font-family: Menlo, 'DejaVu Sans Mono', Consolas, 'Courier New', monospace">{code}</pre>
</body>"""


def printed_form(title: str) -> str:
    """The page around what a rich console printed, as a format of rich's with `code` and the two colours."""
    return _FRAME.format(policy=POLICY, title=title, body="{body}").replace("{body}", _PRINTED)


def chart_page(specification: Mapping[str, Any], library: str) -> str:
    """An interactive Vega-Lite chart as a page that needs nothing beside it.

    The policy names the page's own two scripts by their hashes and no other; expressions are interpreted, not compiled
    (`ast`), since the policy allows no evaluation of text.
    """
    # In a script only "<" can end it or begin a comment; in JSON it stands in strings alone.
    data = json_line(specification).replace("<", "\\u003c")
    start = f"vegaEmbed('#chart', {data}, {{renderer: 'svg', ast: true}}).catch(console.error);"
    hashes = " ".join(map(_hash, (library, start)))
    body = f'<body>\n<div id="chart"></div>\n<script>{library}</script>\n<script>{start}</script>\n</body>'
    return _FRAME.format(policy=f"{POLICY}; script-src {hashes}", title="Chart", body=body)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
