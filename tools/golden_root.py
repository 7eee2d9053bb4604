"""Builds the golden root and prints fingerprints of all rows that it publishes. A refactoring must not change them.

    python -m tools.golden_root                       prints the fingerprints
    python -m tools.golden_root --compare FILE        prints the differences from those in FILE; exit code 1 if any
    python -m tools.golden_root --root DIR            keeps the deliveries and the tables, for inspection

The golden root is seven small days, made only by the command line: both objectives, floors, caps and creators' caps,
shrunk scores, a custom signal, late and repeated events, refunds with a carry, a republished day, and every job that
writes a table. tests/data/README.md says when new fingerprints may be stored.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.fingerprints import as_text, differences, fingerprints
from tools.golden_commands import Command, commands, commands_with_signal
from tools.golden_deliveries import write_deliveries
from tools.processes import fresh_environment

CHECKOUT = Path(__file__).resolve().parents[1]

_SIGNAL = """\
signals:
  custom:
    finish_share:
      expression: "CASE WHEN watch_ms >= 0.9 * length_ms THEN 1.0 ELSE 0.0 END"
      weight: 0.1
      range: [0, 1]
"""
_SIGNAL_COLUMN = """\
      - name: finish_share
        logicalType: number
        physicalType: DOUBLE
        description: Trust-weighted share of viewers who watched nine tenths of the video
        required: false
        logicalTypeOptions: {minimum: 0, maximum: 1}
        customProperties: [{property: unit, value: share}]
"""
_AFTER_COLUMNS = "    quality:\n"
"""The text that follows the columns in a contract."""


def main(arguments: Sequence[str]) -> int:
    """Build the root, print the fingerprints or the differences, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="embedded", help="embedded, spark or sc://host:port")
    parser.add_argument("--root", type=Path, metavar="DIR", help="keep deliveries and tables in this empty folder")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="fingerprints to compare with")
    chosen = parser.parse_args(arguments)
    stored = None if chosen.compare is None else json.loads(chosen.compare.read_text("utf-8"))
    with _folder(chosen.root) as folder:
        found = fingerprints(build(folder, chosen.engine), like=stored)
    if stored is None:
        print(as_text(found), end="")
        return 0
    complaints = differences(stored, found)
    print("\n".join(complaints) or f"the same as {chosen.compare}")
    return int(bool(complaints))


def build(folder: Path, engine: str = "embedded") -> Path:
    """Build the golden root in `folder`, which is empty; return the folder of its tables.

    Raises
    ------
    subprocess.CalledProcessError
        If a command ends with another exit code than 0; its messages are on standard error.
    """
    tables, signal = folder / "tables", folder / "finish_share.yaml"
    write_deliveries(folder / "raw")
    _run(CHECKOUT, commands(folder, CHECKOUT / "conf"), tables, engine)
    signal.write_text(_SIGNAL, "utf-8")
    # The contract gets the signal's column between two nights. The copy includes the code that the first ones compiled.
    with _copy_with_column(folder / "checkout") as checkout:
        _run(checkout, commands_with_signal(folder, signal), tables, engine)
    return tables


def _run(checkout: Path, lines: Iterator[Command], tables: Path, engine: str) -> None:
    common = ["--root", str(tables), "--engine", engine, "--set", "contracts.data_docs=false"]
    # Days as small as these have broken rows of every kind, more than a night accepts.
    common += ["--set", "engine.shuffle_partitions=2", "--set", "ingest.max_quarantined_share=0.5"]
    subprocess.run(
        [sys.executable, str(CHECKOUT / "tools" / "one_process.py"), str(checkout)],
        input=json.dumps([[*line, *common] for line in lines]),
        env=fresh_environment(PYTHONPATH=str(checkout / "lib"), PYSPARK_PYTHON=sys.executable),
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
    )


@contextmanager
def _copy_with_column(checkout: Path) -> Iterator[Path]:
    """A copy of the checkout whose contract of `video_signals` has the signal's column (docs/contracts.md)."""
    for part in ("conf", "data_contracts", "jobs", "lib"):
        shutil.copytree(CHECKOUT / part, checkout / part)
    shutil.copy2(CHECKOUT / "pyproject.toml", checkout)
    contract = checkout / "data_contracts" / "video_signals.yaml"
    text = contract.read_text("utf-8")
    if text.count(_AFTER_COLUMNS) != 1:
        raise ValueError(f"{contract}: a column goes before the one line {_AFTER_COLUMNS!r}, which is not there")
    contract.write_text(text.replace(_AFTER_COLUMNS, _SIGNAL_COLUMN + _AFTER_COLUMNS), "utf-8")
    yield checkout
    shutil.rmtree(checkout)


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        yield chosen.resolve()
        return
    with TemporaryDirectory(prefix="golden-root-") as scratch:
        yield Path(scratch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
