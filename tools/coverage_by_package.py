"""Combines the measurements of `make coverage` from all processes, and prints the share that ran, by package.

Kernels that numba compiles are counted separately, because their Python lines never run. On the embedded engine with
Python 3.11, functions that the engine calls from its own threads are not traced and count as not run;
COVERAGE_ENGINES="embedded spark" measures them in Spark's workers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path, PurePath

from coverage import Coverage

COUNTS = ("num_statements", "covered_lines", "num_branches", "covered_branches", "excluded_lines")


def main() -> int:
    """Print the table and return 0; return 1 if nothing was measured."""
    measured = Coverage()
    measured.combine()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(report))
        files = json.loads(report.read_text("utf-8"))["files"]
    packages: dict[str, list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    for name, file in files.items():
        for package in (_package_of(name), "all"):
            packages[package] = [
                sum_ + file["summary"][count] for sum_, count in zip(packages[package], COUNTS, strict=True)
            ]
    if not packages:
        print("nothing was measured: run `make coverage`", file=sys.stderr)
        return 1
    print(f"{'package':<16}{'statements':>12}{'ran':>8}{'branches':>10}{'ran':>8}{'left out':>10}")
    total = packages.pop("all")
    for package, counts in [*sorted(packages.items()), ("all", total)]:
        statements, ran, branches, taken, left_out = counts
        shares = _share(ran, statements), _share(taken, branches)
        print(f"{package:<16}{statements:>12,}{shares[0]}{branches:>10,}{shares[1]}{left_out:>10,}")
    return 0


def _package_of(name: str) -> str:
    parts = PurePath(name).parts
    inside = parts[parts.index("creatorpool") + 1 :]
    return inside[0] if len(inside) > 1 else "(modules)"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:>8.1%}" if whole else f"{'':>8}"


if __name__ == "__main__":
    sys.exit(main())
