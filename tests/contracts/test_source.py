"""YAML with the line number of each entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from creatorpool.contracts.source import read_source
from creatorpool.errors import ContractError


def _write(folder: Path, text: str) -> Path:
    path = folder / "table.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_read_source_of_nested_yaml_knows_the_line_of_each_entry(tmp_path: Path) -> None:
    path = _write(tmp_path, "a: 1\nb:\n  - x: 1\n  - x: 2\n    y: {z: 3}\n")
    source = read_source(path)
    assert source.data == {"a": 1, "b": [{"x": 1}, {"x": 2, "y": {"z": 3}}]}
    assert [source.line(place) for place in [("a",), ("b",), ("b", 1), ("b", 1, "y", "z")]] == [1, 2, 4, 5]


def test_line_of_absent_place_is_that_of_the_entry_around_it(tmp_path: Path) -> None:
    source = read_source(_write(tmp_path, "a: 1\nb:\n  - x: 1\n"))
    assert source.line(("b", 0, "missing", "deeper")) == 3
    assert str(source.error(("b", 7), "oops")) == f"{source.path}:2: oops"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "3: key 'a' is given twice, first on line 1"),
        ("a:\n  b: 1\n  b: 2\n", "3: key 'b' is given twice, first on line 2"),
        ("a: 1\nb: [1, 2\n", "3: not valid YAML"),
        ("- a\n- b\n", "1: a contract must hold keys with values"),
        ("", "1: a contract must hold keys with values"),
    ],
)
def test_read_source_of_unusable_yaml_raises_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ContractError, match=re.escape(f"{path}:{message}")):
        read_source(path)


def test_read_source_of_missing_file_raises_naming_what_is_there(tmp_path: Path) -> None:
    _write(tmp_path, "a: 1\n")
    with pytest.raises(ContractError, match=r"events\.yaml: no such contract; .* has \['table.yaml'\]"):
        read_source(tmp_path / "events.yaml")
