"""Places: files and folders on this machine or in an object store. Only package `storage` asks which of the two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, Protocol, Self
from urllib.parse import unquote

from creatorpool.errors import ConfigurationError
from creatorpool.storage.object_path import ObjectPath

SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "abfss": "abfss"}
"""Schemes of object stores, each with the one that names its kind"""

# deltalake fails on these characters, or decodes them and writes to another folder.
_REFUSED = re.compile(r"[\x00-\x1f\x7f\[\]^|\\]|%[0-9A-Fa-f]{2}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9/._-]")
_NOT_PLAIN_URI = re.compile(r"[^A-Za-z0-9/._=+@-]")
# Engines read names with these characters as patterns, and a pattern that matches nothing as an empty table.
_PATTERN_SIGNS = set("*?[]{}\\")

_aliases: dict[str, Path] = {}


class Place(Protocol):
    """What `pathlib.Path` and `ObjectPath` have in common; each name means what it means in pathlib."""

    @property
    def name(self) -> str: ...

    @property
    def stem(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    @property
    def suffixes(self) -> list[str]: ...

    @property
    def parent(self) -> Self: ...

    def __truediv__(self, name: str, /) -> Self: ...

    def __lt__(self, other: Any, /) -> bool: ...

    def __hash__(self) -> int: ...

    def exists(self) -> bool: ...

    def is_dir(self) -> bool: ...

    def is_file(self) -> bool: ...

    def iterdir(self) -> Iterator[Self]: ...

    def glob(self, pattern: str, /) -> Iterator[Self]: ...

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None: ...

    def open(self, mode: Literal["rb"], /) -> BufferedIOBase: ...

    def read_bytes(self) -> bytes: ...

    def read_text(self, encoding: str = "utf-8") -> str: ...

    def write_bytes(self, data: bytes, /) -> int: ...

    def write_text(self, data: str, encoding: str = "utf-8") -> int: ...


def place_of(text: str) -> Place:
    """The place that `text` names: a path as it is, or a URI (s3, s3a, gs, abfss or file).

    Raises
    ------
    ConfigurationError
        If the URI is of another kind, has no bucket, or has a user, a query or a control character.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    if scheme == "file":
        return Path(unquote(rest))
    if scheme not in SCHEMES:
        raise ConfigurationError(
            f"'{text}': storage '{scheme}' is not known; name a path, or a URI that begins with "
            f"{', '.join(f'{name}://' for name in SCHEMES)} or file://"
        )
    container, _, key = rest.partition("/")
    if not container or (scheme != "abfss" and "@" in container) or not rest.isprintable() or "?" in container:
        raise ConfigurationError(
            f"'{scheme}://…': a URI must be {scheme}://BUCKET/FOLDER, without user, password or control characters; "
            f"credentials come from the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return ObjectPath(SCHEMES[scheme], container, "/".join(part for part in key.split("/") if part))


def tables_root(text: str) -> Place:
    """The root that `text` names: an absolute path on this machine, or a place in an object store.

    Raises
    ------
    ConfigurationError
        As `place_of`; also if the path has a character that makes a library fail or use another folder.
    """
    place = place_of(text)
    if isinstance(place, ObjectPath):
        if found := _NOT_PLAIN_URI.search(f"{place.container}/{place.key}"):
            raise ConfigurationError(
                f"root '{place}' contains {found.group()!r}: the name of a root in an object store may have letters "
                f"(A to Z), digits and any of / . _ = + @ -; choose another name"
            )
        return place
    root = Path(str(place)).resolve()
    if found := _REFUSED.search(str(root)):
        raise ConfigurationError(
            f"root {str(root)!r} contains {found.group()!r}: its path must not have a control character, any of "
            r"[ ] ^ | \ or a percent sign before two hexadecimal digits; rename the folder"
        )
    return root


def engine_root(root: Place, *, is_embedded: bool) -> Place:
    """The place to give an engine for `root`: the root itself, or a link to it with a plain name.

    The embedded engine encodes a path once too often and would write to another folder. Spark reads `*`, `?` and braces
    as patterns. A link avoids both.
    """
    text = str(root)
    if isinstance(root, ObjectPath) or not (_NOT_PLAIN.search(text) if is_embedded else not is_plain_name(root)):
        return root
    if text not in _aliases:
        link = Path(mkdtemp(prefix="creatorpool-root-")) / "root"
        link.symlink_to(text, target_is_directory=True)  # the root itself may not exist yet
        _aliases[text] = link
    return _aliases[text]


def engine_path(place: Place) -> str:
    """`place` as every engine must be given it."""
    return place.engine_uri if isinstance(place, ObjectPath) else str(place)


def is_plain_name(place: Place) -> bool:
    """Whether every engine reads the name of `place` as this very name, and not as a pattern."""
    if isinstance(place, ObjectPath):
        return not _NOT_PLAIN_URI.search(place.key)
    return str(place).isprintable() and not _PATTERN_SIGNS & set(str(place))


def relative_name(place: Place, folder: Place) -> str:
    """The name of `place` below `folder`, with slashes."""
    return str(place).removeprefix(f"{folder}/")


def remove_aliases() -> None:
    """Remove the links that this process made; call it when no engine uses them any more."""
    while _aliases:
        link = _aliases.popitem()[1]
        link.unlink()
        link.parent.rmdir()
