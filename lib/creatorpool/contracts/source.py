"""Reads YAML files with the line of each entry, so that messages can name the line."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from creatorpool.errors import ConfigurationError, ContractError
from creatorpool.quoting import shortened_list

Place = tuple[Hashable, ...]
"""Keys and list positions from the top of the file, such as ``("schema", 0, "name")``."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where PyYAML was built with it


@dataclass(frozen=True)
class FileKind:
    """What a YAML file is, for messages about files that cannot be used."""

    name: str
    example: str
    error: type[ConfigurationError]


CONTRACT = FileKind("contract", "kind: DataContract", ContractError)
CONFIGURATION = FileKind("configuration file", "allocation: {alpha: 0.5}", ConfigurationError)


@dataclass(frozen=True)
class ContractSource:
    """The data of one YAML file, and the line on which each entry begins."""

    path: Path
    data: dict[str, Any]
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Line of `place`, or of the innermost enclosing entry that the file has."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def error(self, place: Place, message: str) -> ContractError:
        """A ContractError about `place`, with the message ``file:line: message``."""
        return ContractError(f"{self.path}:{self.line(place)}: {message}")


def read_source(path: Path, kind: FileKind = CONTRACT) -> ContractSource:
    """Read one YAML mapping.

    Raises
    ------
    ContractError or ConfigurationError
        If the file cannot be read, is not valid YAML, is no mapping, or gives a key twice; `kind` decides which.
    """
    loader = _LOADER(_text(path, kind))
    try:
        root = loader.get_single_node()
        lines: dict[Place, int] = {(): 1}
        if not isinstance(root, yaml.MappingNode):
            raise kind.error(f"{path}:1: a {kind.name} must hold keys with values, such as `{kind.example}`")
        _register_lines(root, (), lines, path, kind)
        data = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise kind.error(f"{path}:{line}: not valid YAML: {error.problem}") from error
    finally:
        loader.dispose()
    return ContractSource(path=path, data=data, lines=lines)


def _text(path: Path, kind: FileKind) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        known = shortened_list(sorted(other.name for other in path.parent.glob("*.yaml")))
        raise kind.error(f"{path}: no such {kind.name}; folder {path.parent.resolve()} has {known}") from error
    except OSError as error:
        raise kind.error(f"{path}: the {kind.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise kind.error(f"{path}: the {kind.name} must be text in UTF-8") from error


def _register_lines(node: yaml.Node, place: Place, lines: dict[Place, int], path: Path, kind: FileKind) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[(*place, position)] = item.start_mark.line + 1
            _register_lines(item, (*place, position), lines, path, kind)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            entry = (*place, key.value)
            line = key.start_mark.line + 1
            if entry in lines:
                # The YAML library would silently keep the second value.
                raise kind.error(f"{path}:{line}: key '{key.value}' is given twice, first on line {lines[entry]}")
            lines[entry] = line
            _register_lines(value, entry, lines, path, kind)
