"""Groups sample files whose names differ only by dates and numbers: they are one input of a mapping."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from creatorpool.ingest.sources.sample import SampleFile
from creatorpool.storage.places import Place, relative_name

_NUMBERS = re.compile(r"\d+(?:[-_.T]?\d+)*Z?")
"""A date, a time or a number"""


@dataclass(frozen=True)
class FileGroup:
    """Files of one layout, with the values of all of them by column.

    `patterns` match these files and no other sample, relative to the folder. `partial` are columns that some files
    lack.
    """

    patterns: tuple[str, ...]
    separator: str | None
    columns: dict[str, list[str]]
    partial: tuple[str, ...]

    @property
    def label(self) -> str:
        """The files, for messages and comments."""
        return self.patterns[0] if len(self.patterns) == 1 else f"{self.patterns[0]} and {len(self.patterns) - 1} more"


def grouped(folder: Place, files: Sequence[SampleFile]) -> list[FileGroup]:
    """The sample `files` of `folder` in groups, in the order of their first files."""
    groups: list[list[SampleFile]] = []
    for file in files:
        same = next((group for group in groups if _is_alike(folder, group[0], file)), None)
        if same is None:
            groups.append([file])
        else:
            same.append(file)
    return [_group(folder, group, files) for group in groups]


def _is_alike(folder: Place, one: SampleFile, other: SampleFile) -> bool:
    """The names differ by numbers only, the formats are the same, and so are most columns."""
    shared, all_names = set(one.columns) & set(other.columns), set(one.columns) | set(other.columns)
    same_layout = (one.format, one.separator) == (other.format, other.separator)
    return same_layout and _pattern(folder, one) == _pattern(folder, other) and 2 * len(shared) > len(all_names)


def _group(folder: Place, group: Sequence[SampleFile], files: Sequence[SampleFile]) -> FileGroup:
    columns: dict[str, list[str]] = {}
    for file in group:
        for name, values in file.columns.items():
            columns.setdefault(name, []).extend(values)
    partial = tuple(name for name in columns if any(name not in file.columns for file in group))
    return FileGroup(_patterns(folder, group, files), group[0].separator, columns, partial)


def _patterns(folder: Place, group: Sequence[SampleFile], files: Sequence[SampleFile]) -> tuple[str, ...]:
    """One pattern for the group, or its files' names if it is one file or the pattern matches files of other groups."""
    names = tuple(_relative(folder, file) for file in group)
    pattern = _pattern(folder, group[0])
    matched = {file.path for file in files} & set(folder.glob(pattern))
    return (pattern,) if len(names) > 1 and len(matched) == len(names) else names


def _pattern(folder: Place, file: SampleFile) -> str:
    return _NUMBERS.sub("*", _relative(folder, file))


def _relative(folder: Place, file: SampleFile) -> str:
    return relative_name(file.path, folder)
