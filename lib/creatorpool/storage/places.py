"""Paths of table roots: refuses names that a library misreads, and gives an engine a link for names it misreads."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import mkdtemp

from creatorpool.errors import ConfigurationError

# deltalake fails on these characters, or decodes them and writes to another folder.
_REFUSED = re.compile(r"[\x00-\x1f\x7f\[\]^|\\]|%[0-9A-Fa-f]{2}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9/._-]")
_PATTERN = re.compile(r"[*?{}]")

_aliases: dict[str, Path] = {}


def tables_root(text: str) -> Path | str:
    """The root that `text` names: an absolute path on this machine, or an unchanged URI.

    Raises
    ------
    ConfigurationError
        If the path has a character that makes a library fail or use another folder.
    """
    if "://" in text:
        return text
    root = Path(text).resolve()
    if found := _REFUSED.search(str(root)):
        raise ConfigurationError(
            f"root {str(root)!r} contains {found.group()!r}: its path must not have a control character, any of "
            r"[ ] ^ | \ or a percent sign before two hexadecimal digits; rename the folder"
        )
    return root


def engine_path(root: Path | str, *, is_embedded: bool) -> str:
    """The path or URI to give an engine for `root`: the root itself, or a link to it with a plain name.

    The embedded engine encodes a path once too often and would write to another folder. Spark reads `*`, `?` and braces
    as patterns. A link avoids both.
    """
    text = str(root)
    misread = _NOT_PLAIN if is_embedded else _PATTERN
    if "://" in text or not misread.search(text):
        return text
    if text not in _aliases:
        link = Path(mkdtemp(prefix="creatorpool-root-")) / "root"
        link.symlink_to(text, target_is_directory=True)  # the root itself may not exist yet
        _aliases[text] = link
    return str(_aliases[text])


def remove_aliases() -> None:
    """Remove the links that this process made; call it when no engine uses them any more."""
    while _aliases:
        link = _aliases.popitem()[1]
        link.unlink()
        link.parent.rmdir()
