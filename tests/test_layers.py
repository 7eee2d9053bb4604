"""Dependencies point one way: mathematics imports no Spark, and only the storage layer accesses tables."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LIBRARY = PROJECT / "lib"
MODULES = {
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((LIBRARY / "creatorpool").rglob("*.py"))
}

SPARK_SIDE = {
    "pyspark",
    "pysail",
    "delta",
    "deltalake",
    "great_expectations",
    "creatorpool.tables",
    "creatorpool.session",
}
MATHEMATICS = (
    *("allocation", "cohorts", "comparison", "delivery", "explanation", "incentives", "integrity", "money", "numerics"),
    *("quality", "recommend", "statements", "synthetic"),
)
"""Parts whose modules are mathematics. The Spark code of a part is in its package `frames`."""

# Each part may import the parts on its own line and on the lines before.
ORDER = [
    {
        "errors",
        "expressions",
        "frames",
        "refusal",
        "quoting",
        "display",
        "actions",
        "quality_components",
        "project",
        "spelling",
    },
    {"numerics", "money", "contracts", "synthetic", "incentives", "delivery", "recommend"},
    {"settings"},
    {"session", "storage", "tables"},
    {"quality", "allocation", "ingest", "cohorts"},
    {"comparison", "explanation"},
    {"integrity", "statements"},
    {"runs"},
    {"stages"},
    {"verification"},
    {"report", "logs"},
    {"cli"},
]


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that `module` imports anywhere, except imports for type checkers only."""
    found: set[str] = set()
    for node in _running(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            base = str(node.module)
            submodules = {f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in MODULES}
            found |= submodules or {base}
    return frozenset(found)


def _running(tree: ast.AST):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _running(node)


def reached(module: str) -> set[str]:
    """All modules that an import of `module` loads, with the __init__ modules of packages."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            parents = {".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 1)}
            waiting += [*imports(name), *parents]
    return seen


def is_mathematics(module: str) -> bool:
    parts = [*module.split("."), ""]
    return parts[1] in MATHEMATICS and "frames" not in parts


def test_mathematics_imports_no_spark_and_no_storage() -> None:
    found = {
        module: spark
        for module in MODULES
        if is_mathematics(module)
        and (spark := {name for name in reached(module) if name in SPARK_SIDE or name.split(".")[0] in SPARK_SIDE})
    }
    assert found == {}


def test_modules_import_only_lower_layers() -> None:
    level = {name: depth for depth, names in enumerate(ORDER) for name in names}

    def level_of(module: str) -> int:
        part, *inner = module.split(".")[1:]
        # Frames call mathematics of a low layer, but read settings and other parts' frames.
        return max(level[part], level["cohorts"]) if inner[:1] == ["frames"] else level[part]

    above = [
        f"{module} imports {name}"
        for module in MODULES
        if "." in module
        for name in imports(module)
        if name.startswith("creatorpool.") and level_of(name) > level_of(module)
    ]
    assert above == []


def test_only_the_table_module_and_its_package_touch_storage() -> None:
    storage = ("creatorpool.tables", "creatorpool.storage")
    users = {name for name in MODULES if "deltalake" in {found.split(".")[0] for found in imports(name)}}
    assert {name for name in users if not name.startswith(storage)} == set()
    for module, path in MODULES.items():
        if not module.startswith((*storage, "creatorpool.ingest")):
            assert ".read.format" not in path.read_text(), module
            assert ".write" + "." not in path.read_text(), module


def test_only_the_session_module_knows_the_engines() -> None:
    for module, path in MODULES.items():
        if module == "creatorpool.session":
            continue
        assert "pysail" not in {found.split(".")[0] for found in imports(module)}, module
        assert not re.search(r"sparkContext|\b_jvm\b|\b_jdf\b|\._sc\b", path.read_text()), module


def test_only_the_console_module_prints_with_rich() -> None:
    # Rich's own console interprets markup in all output.
    assert [name for name in MODULES if "rich.console" in imports(name)] == ["creatorpool.report.console"]
    for path in sorted((PROJECT / "jobs").glob("*.py")):
        assert "rich.console" not in path.read_text(), path.name


def test_nightly_modules_do_not_import_the_solvers_check() -> None:
    assert not [module for module in MODULES if "cvxpy" in {found.split(".")[0] for found in imports(module)}]


def test_jobs_are_thin_and_nothing_imports_them() -> None:
    for path in sorted((PROJECT / "jobs").glob("*.py")):
        assert len(path.read_text().splitlines()) <= 80, f"{path.name} holds more than a job's arguments"
    assert not [module for module in MODULES if "jobs" in {found.split(".")[0] for found in imports(module)}]
