"""Which modules of the library import which, read from the source: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path


class ImportGraph:
    """The modules of a package and their imports, those inside functions too, without those for type checkers alone."""

    def __init__(self, library: Path, package: str = "creatorpool") -> None:
        """`library` is the folder that holds `package`."""
        self.files = {
            ".".join(path.relative_to(library).with_suffix("").parts).removesuffix(".__init__"): path
            for path in sorted((library / package).rglob("*.py"))
        }
        """Path of each module, by its name"""

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax tree of each module."""
        return {module: ast.parse(path.read_text("utf-8")) for module, path in self.files.items()}

    @cached_property
    def imports(self) -> dict[str, frozenset[str]]:
        """For each module all that it imports: modules of the package, and other names as they are written.

        Raises
        ------
        ValueError
            If a module imports relatively.
        """
        return {module: frozenset(self._imported(module)) for module in self.files}

    def importers(self, module: str) -> set[str]:
        """The modules that import `module` itself, not by a package that imports it."""
        return {name for name, imported in self.imports.items() if module in imported}

    def reached(self, *modules: str) -> set[str]:
        """Everything that importing `modules` brings in: they themselves, and packages' own modules, included."""
        seen: set[str] = set()
        waiting = [*modules]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.files:
                parents = {".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 1)}
                waiting += [*self.imports[name], *parents]
        return seen

    def _imported(self, module: str) -> Iterator[str]:
        for node in _running(self.trees[module]):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    raise ValueError(f"{module} imports relatively, in line {node.lineno}")
                yield from self._imported_from(str(node.module), [alias.name for alias in node.names])

    def _imported_from(self, base: str, names: list[str]) -> set[str]:
        submodules = {f"{base}.{name}" for name in names if f"{base}.{name}" in self.files}
        return submodules or {base}


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _running(node)
