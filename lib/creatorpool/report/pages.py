"""The page of an interactive chart, and the folder of pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from creatorpool.html_page import POLICY, html_page
from creatorpool.quoting import json_line

REPORTS = "_reports"
"""Folder beside the tables that holds pages and charts"""


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
    return html_page("Chart", body, f"{POLICY}; script-src {hashes}")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
