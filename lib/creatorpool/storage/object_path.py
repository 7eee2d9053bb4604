"""Files and folders of an object store, with the part of pathlib's interface that `places.Place` names.

A folder of an object store is a prefix of keys: it exists as long as it has an object, and it need not be made.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BufferedIOBase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, Self, cast

from creatorpool.storage.clients import filesystem

if TYPE_CHECKING:  # imported by the command line, which must start quickly
    from pyarrow import fs

_READ_BYTES = 4 << 20
"""Each read of this many bytes is one request"""


@dataclass(frozen=True, order=True)
class ObjectPath:
    """An object, or the prefix of objects, at ``scheme://container/key``; the key has no slash at its ends."""

    scheme: str
    container: str
    key: str

    def __str__(self) -> str:
        """The URI, with the scheme that names this kind of store (``s3``, not ``s3a``)."""
        return f"{self.scheme}://{self.container}/{self.key}".rstrip("/")

    def __truediv__(self, name: str) -> Self:
        return type(self)(self.scheme, self.container, f"{self.key}/{name}".strip("/"))

    @property
    def engine_uri(self) -> str:
        """The URI as engines must be given it: Hadoop's client of S3 is known as ``s3a``, which Sail takes, too."""
        return f"s3a{str(self)[2:]}" if self.scheme == "s3" else str(self)

    @property
    def stored(self) -> tuple[fs.FileSystem, str]:
        """The store as a file system of Arrow, and the path in it."""
        container = self.container.partition("@")[0]
        return filesystem(self.scheme, self.container), f"{container}/{self.key}".rstrip("/")

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.key)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """The end of the name from its last dot."""
        return self._pure.suffix

    @property
    def suffixes(self) -> list[str]:
        """All suffixes of the name."""
        return self._pure.suffixes

    @property
    def parent(self) -> Self:
        """The folder that this lies in."""
        return type(self)(self.scheme, self.container, self.key.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether there is an object, or a folder with one."""
        return self._kind() != "NotFound"

    def is_dir(self) -> bool:
        """Whether this is a folder with objects."""
        return self._kind() == "Directory"

    def is_file(self) -> bool:
        """Whether this is an object."""
        return self._kind() == "File"

    def iterdir(self) -> Iterator[Self]:
        """What lies directly in this folder; FileNotFoundError if the folder does not exist."""
        return iter([place for place, _ in self._listed(recursive=False)])

    def glob(self, pattern: str) -> Iterator[Self]:
        """What lies below this folder and matches `pattern`, as pathlib reads patterns."""
        patterns = pattern.split("/")
        found = self._listed(recursive=len(patterns) > 1 or "**" in patterns) if self.is_dir() else []
        own = len(f"{self.key}/".lstrip("/"))
        return iter([place for place, _ in found if _matches(place.key[own:].split("/"), patterns)])

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder comes with its first object."""

    def open(self, mode: Literal["rb"]) -> BufferedIOBase:
        """The object's bytes, read in large pieces; FileNotFoundError if there is no such object."""
        storage, path = self.stored
        return cast(BufferedIOBase, storage.open_input_stream(path, compression=None, buffer_size=_READ_BYTES))

    def read_bytes(self) -> bytes:
        """The whole object."""
        storage, path = self.stored
        with storage.open_input_stream(path, compression=None) as stream:
            return bytes(stream.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole object as text."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> int:
        """Store an object: readers see the earlier one until all of the new one is there."""
        kind = mimetypes.guess_type(self.name)[0]
        storage, path = self.stored
        metadata = {"Content-Type": kind} if kind else None
        with storage.open_output_stream(path, compression=None, metadata=metadata) as stream:
            stream.write(data)
        return len(data)

    def write_text(self, data: str, encoding: str = "utf-8") -> int:
        """Store text as an object."""
        return self.write_bytes(data.encode(encoding))

    def files(self) -> list[tuple[Self, fs.FileInfo]]:
        """All objects below this folder with their sizes and times; none if it does not exist."""
        return [(place, info) for place, info in self._listed(recursive=True) if info.is_file]

    def _kind(self) -> str:
        storage, path = self.stored
        return str(storage.get_file_info(path).type.name)

    def _listed(self, *, recursive: bool) -> list[tuple[Self, fs.FileInfo]]:
        from pyarrow import fs

        storage, path = self.stored
        found = storage.get_file_info(fs.FileSelector(path, recursive=recursive, allow_not_found=recursive))
        inside = [(self / info.path[len(path) + 1 :], info) for info in found if len(info.path) > len(path) + 1]
        return sorted(inside, key=lambda entry: entry[0])


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a pattern, in which ``**`` stands for any number of folders."""
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_matches(names[skipped:], patterns[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], patterns[0]) and _matches(names[1:], patterns[1:])
