"""The frame of an HTML page that loads nothing and runs no script, with its content security policy."""

from __future__ import annotations

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content security policy of a page that loads nothing and runs no script"""

_FRAME = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
</head>
{body}
</html>
"""


def html_page(title: str, body: str, policy: str = POLICY) -> str:
    """A page with a <body> element, which must be safe HTML already; `title` must not come from data."""
    return _FRAME.format(policy=policy, title=title, body=body)
