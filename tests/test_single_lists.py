"""The actions and the components stand in one list each: no other module spells them all."""

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
    # What each action means where events come from: the habits of made-up viewers, the columns of a foreign log.
    "names": (ACTION_NAMES, {"actions.py", "synthetic/behaviour.py", "ingest/kuairand.py"}),
    "flags": (ACTION_FLAGS, {"actions.py"}),
    "rates": (ACTION_RATES, set()),
    # Where each component has its expression.
    "components": (COMPONENT_NAMES, {"quality_components.py", "quality/frames/video_signals.py"}),
}


def words(tree: ast.AST) -> Iterator[str]:
    """Names, and the words of texts that are no documentation."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)
        yield from (str(getattr(node, field)) for field in ("id", "attr", "arg", "name") if hasattr(node, field))
        yield from words(node)


@pytest.mark.parametrize("kind", LISTS)
def test_no_module_beside_its_home_spells_a_whole_list(kind: str) -> None:
    members, homes = LISTS[kind]
    spelled = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if set(members) <= set(words(ast.parse(path.read_text("utf-8"))))
    }

    assert spelled == homes
