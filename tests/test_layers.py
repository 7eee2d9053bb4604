"""Dependencies point one way: mathematics imports no Spark, and only the storage layer accesses tables."""

from __future__ import annotations

import re
from pathlib import Path

from tools.import_graph import ImportGraph

PROJECT = Path(__file__).resolve().parents[1]
GRAPH = ImportGraph(PROJECT / "lib")
MODULES = GRAPH.files

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
    *("quality", "recommend", "settlement", "statements", "synthetic"),
)
"""Parts whose modules are mathematics. The Spark code of a part is in its package `frames`."""

# Each part may import the parts on its own line and on the lines before.
ORDER = [
    {"errors", "expressions", "frames", "refusal", "quoting", "display", "actions", "quality_components", "project"}
    | {"html_page", "spelling", "platform_day", "wording"},
    {"numerics", "money", "contracts", "synthetic", "incentives", "delivery", "recommend"},
    {"settings", "setting_changes"},
    {"session", "storage", "tables"},
    {"quality", "allocation", "ingest", "cohorts", "settlement"},
    {"comparison", "explanation"},
    {"integrity", "statements"},
    {"runs"},
    {"stages"},
    {"verification", "doctor"},
    {"report", "logs"},
    {"cli"},
]


def is_mathematics(module: str) -> bool:
    parts = [*module.split("."), ""]
    return parts[1] in MATHEMATICS and "frames" not in parts


def test_mathematics_imports_no_spark_and_no_storage() -> None:
    found = {
        module: spark
        for module in MODULES
        if is_mathematics(module)
        and (
            spark := {name for name in GRAPH.reached(module) if name in SPARK_SIDE or name.split(".")[0] in SPARK_SIDE}
        )
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
        for name in GRAPH.imports[module]
        if name.startswith("creatorpool.") and level_of(name) > level_of(module)
    ]
    assert above == []


def test_only_the_table_module_and_its_package_touch_storage() -> None:
    storage = ("creatorpool.tables", "creatorpool.storage")
    users = {name for name in MODULES if "deltalake" in {found.split(".")[0] for found in GRAPH.imports[name]}}
    assert {name for name in users if not name.startswith(storage)} == set()
    for module, path in MODULES.items():
        if not module.startswith((*storage, "creatorpool.ingest")):
            assert ".read.format" not in path.read_text(), module
            assert ".write" + "." not in path.read_text(), module


def test_only_the_session_module_knows_the_engines() -> None:
    for module, path in MODULES.items():
        if module == "creatorpool.session":
            continue
        assert "pysail" not in {found.split(".")[0] for found in GRAPH.imports[module]}, module
        assert not re.search(r"sparkContext|\b_jvm\b|\b_jdf\b|\._sc\b", path.read_text()), module


def test_only_the_console_module_prints_with_rich() -> None:
    # Rich's own console reads markup in whatever it prints.
    assert [name for name in MODULES if "rich.console" in GRAPH.imports[name]] == ["creatorpool.report.console"]
    for path in sorted((PROJECT / "jobs").glob("*.py")):
        assert "rich.console" not in path.read_text(), path.name


def test_nightly_modules_do_not_import_the_solvers_check() -> None:
    assert not [module for module in MODULES if "cvxpy" in {found.split(".")[0] for found in GRAPH.imports[module]}]


def test_jobs_are_thin_and_nothing_imports_them() -> None:
    for path in sorted((PROJECT / "jobs").glob("*.py")):
        assert len(path.read_text().splitlines()) <= 80, f"{path.name} holds more than a job's arguments"
    assert not [module for module in MODULES if "jobs" in {found.split(".")[0] for found in GRAPH.imports[module]}]
