"""Reads YAML files with the line of each entry, so that messages can name the line."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from creatorpool.errors import ContractError

Place = tuple[Hashable, ...]
"""Keys and list positions from the top of the file, such as ``("schema", 0, "name")``."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where PyYAML was built with it


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


def read_source(path: Path) -> ContractSource:
    """Read one YAML mapping; ContractError if the file is missing, is not valid YAML or gives a key twice."""
    loader = _LOADER(_text(path))
    try:
        root = loader.get_single_node()
        lines: dict[Place, int] = {(): 1}
        if not isinstance(root, yaml.MappingNode):
            raise ContractError(f"{path}:1: a contract is a mapping of keys")
        _register_lines(root, (), lines, path)
        data = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    finally:
        loader.dispose()
    return ContractSource(path=path, data=data, lines=lines)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        known = sorted(other.stem for other in path.parent.glob("*.yaml"))
        raise ContractError(f"{path}: no such contract; {path.parent} has {known}") from error


def _register_lines(node: yaml.Node, place: Place, lines: dict[Place, int], path: Path) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[(*place, position)] = item.start_mark.line + 1
            _register_lines(item, (*place, position), lines, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            entry = (*place, key.value)
            line = key.start_mark.line + 1
            if entry in lines:
                # The YAML library would silently keep the second value.
                raise ContractError(f"{path}:{line}: key '{key.value}' is given twice, first on line {lines[entry]}")
            lines[entry] = line
            _register_lines(value, entry, lines, path)
