"""HTML frames for pages whose text comes from data, with a content security policy; and the folder of pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from creatorpool.quoting import json_line

REPORTS = "_reports"
"""Folder beside the tables that holds pages and charts"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content security policy of a page that loads nothing and runs no script"""

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


def chart_page(specification: Mapping[str, Any], library: str) -> str:
    """An interactive Vega-Lite chart as one HTML page that loads nothing; `library` is the JavaScript that draws it.

    The policy allows only the page's two scripts, by their hashes. It forbids evaluation of text, so that the library
    interprets expressions (`ast`) and does not compile them.
    """
    # In a script only "<" can end the script or begin a comment, and in JSON it occurs only in strings.
    data = json_line(specification).replace("<", "\\u003c")
    start = f"vegaEmbed('#chart', {data}, {{renderer: 'svg', ast: true}}).catch(console.error);"
    hashes = " ".join(map(_hash, (library, start)))
    body = f'<body>\n<div id="chart"></div>\n<script>{library}</script>\n<script>{start}</script>\n</body>'
    return _FRAME.format(policy=f"{POLICY}; script-src {hashes}", title="Chart", body=body)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
