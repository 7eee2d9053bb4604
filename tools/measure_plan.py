"""Measures the plan of the library: how many modules a payout goes through, and how far modules and types are split.

python -m tools.measure_plan                        this checkout
python -m tools.measure_plan --single               also names each module with one importer, and the importer
python -m tools.measure_plan --library DIR/lib --entries creatorpool.pipeline.night
                                                    another checkout, whose night starts at another module
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.import_graph import ImportGraph

LIBRARY = Path(__file__).resolve().parents[1] / "lib"
ENTRIES = ("creatorpool.stages.ingestion", "creatorpool.stages.signals", "creatorpool.stages.allocation")
"""The stages from raw events to payouts."""
POLICY_FIELDS = {"alpha", "lambda_eff"}
"""The fields by which a class is a form of the policy of a split."""


def main(arguments: Sequence[str]) -> int:
    """Print the measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=LIBRARY, metavar="DIR", help="the folder of the package")
    parser.add_argument("--entries", nargs="+", default=ENTRIES, metavar="MODULE", help="modules from event to payout")
    parser.add_argument("--single", action="store_true", help="name the modules with one importer")
    chosen = parser.parse_args(arguments)
    graph = ImportGraph(chosen.library)
    if unknown := sorted(set(chosen.entries) - graph.files.keys()):
        parser.error(f"--entries: {', '.join(unknown)} not found under {chosen.library}")
    single, policies = single_importers(graph), policy_classes(graph)
    print(f"{len(written(graph, graph.files)):4} modules")
    print(f"{len(from_event_to_payout(graph, chosen.entries)):4} of them from event to payout")
    print(f"{len(single):4} modules with a single importer")
    print(f"{len(policies):4} types with the policy of a split: {', '.join(policies)}")
    if chosen.single:
        print(*(f"{module} < {importer}" for module, importer in single.items()), sep="\n")
    return 0


def written(graph: ImportGraph, modules: Iterable[str]) -> set[str]:
    """Those of `modules` that the package has and that hold more than a docstring."""
    return {
        module
        for module in modules
        if module in graph.files and any(not isinstance(node, ast.Expr) for node in graph.trees[module].body)
    }


def from_event_to_payout(graph: ImportGraph, entries: Sequence[str]) -> set[str]:
    """Modules that importing `entries` brings in."""
    return written(graph, graph.reached(*entries))


def single_importers(graph: ImportGraph) -> dict[str, str]:
    """The modules that exactly one other module imports, with that module; packages' own modules are left out."""
    importers = {module: graph.importers(module) for module, path in graph.files.items() if path.stem != "__init__"}
    return {module: next(iter(found)) for module, found in importers.items() if len(found) == 1}


def policy_classes(graph: ImportGraph) -> list[str]:
    """Names of the classes that have all of `POLICY_FIELDS` as annotated fields."""
    return sorted(
        node.name
        for tree in graph.trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and _fields(node) >= POLICY_FIELDS
    )


def _fields(node: ast.ClassDef) -> set[str]:
    return {
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
