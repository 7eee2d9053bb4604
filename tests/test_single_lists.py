"""Actions and components have one list each: no other module contains all their names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from creatorpool.actions import ACTION_FLAGS, ACTION_NAMES, ACTION_RATES
from creatorpool.quality_components import COMPONENT_NAMES

LIBRARY = Path(__file__).resolve().parents[1] / "lib" / "creatorpool"
LISTS = {
    # The meaning of each action in generated events: the habits of viewers.
    "names": (ACTION_NAMES, {"actions.py", "synthetic/behaviour.py"}),
    "flags": (ACTION_FLAGS, {"actions.py"}),
    "rates": (ACTION_RATES, set()),
    # The module with each component's expression.
    "components": (COMPONENT_NAMES, {"quality_components.py", "quality/frames/video_signals.py"}),
}


def words(tree: ast.AST) -> Iterator[str]:
    """Names, and the words of strings that are not docstrings."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)
        yield from (str(getattr(node, field)) for field in ("id", "attr", "arg", "name") if hasattr(node, field))
        yield from words(node)


@pytest.mark.parametrize("kind", LISTS)
def test_no_other_module_contains_a_whole_list(kind: str) -> None:
    members, homes = LISTS[kind]
    spelled = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if set(members) <= set(words(ast.parse(path.read_text("utf-8"))))
    }

    assert spelled == homes
