"""Prints how long the parts of the last `make test` took, by engine: seconds in each folder of tests/.

python -m tools.suite_times
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.checkout import project_root

from creatorpool.errors import InputError

ENGINES = ("embedded", "spark")


def seconds_by_part(report: Path) -> dict[str, float]:
    """Seconds by folder of tests/ in a JUnit report; InputError if `make test` has not written it."""
    if not report.is_file():
        raise InputError(f"{report} does not exist: run `make test` first")
    seconds: defaultdict[str, float] = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        _, part, *rest = case.attrib["classname"].split(".")
        seconds[part if rest else "(modules)"] += float(case.attrib["time"])
    return seconds


def main() -> None:
    found = {engine: seconds_by_part(project_root() / ".pytest_cache" / f"{engine}.xml") for engine in ENGINES}
    table = Table("part", *(f"{engine}, seconds" for engine in ENGINES), title="Tests by folder")
    parts = {part for seconds in found.values() for part in seconds}
    for part in sorted(parts, key=lambda part: -sum(seconds.get(part, 0.0) for seconds in found.values())):
        table.add_row(part, *(f"{seconds.get(part, 0.0):.0f}" for seconds in found.values()))
    table.add_section()
    table.add_row("all", *(f"{sum(seconds.values()):.0f}" for seconds in found.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
