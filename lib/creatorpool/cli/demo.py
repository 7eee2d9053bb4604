"""The verb of the demo: whole nights on generated or real logs, step by step."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from creatorpool.cli.loudness import own_words

SYNTHETIC_DAY, KUAIRAND_DAY = date(2026, 11, 30), date(2022, 4, 10)
"""The made-up day is the last one of a month, which the demo closes."""


def demo(
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="folder for the tables; an earlier demo's are removed")
    ] = Path("demo-output"),
    engine: Annotated[str, typer.Option(metavar="ENGINE", help="embedded, spark or sc://host:port")] = "embedded",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="folder with KuaiRand logs, instead of made-up ones")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="dotted.key=value", help="a setting of all steps")
    ] = None,
    events: Annotated[int, typer.Option(min=1, metavar="N", help="how many events to make up")] = 200_000,
    alone: Annotated[
        bool, typer.Option("--alone", help="one night and its report: no day before, no statements, no books")
    ] = False,
) -> None:
    """Generate two days' logs, pay the days, correct the first one, close the month, and show the results."""
    from creatorpool.cli.progress import logged
    from creatorpool.project import conf_directory
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.demo import comparison, print_books, print_next_steps
    from creatorpool.settlement.months import month_name
    from creatorpool.synthetic import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket
    from creatorpool.synthetic.day import generate_day
    from creatorpool.synthetic.findings import write_findings
    from creatorpool.tables import Warehouse

    out = PlainConsole(width=110)
    for folder in (root / "raw", root / "tables"):
        shutil.rmtree(folder, ignore_errors=True)
    tables, before = root / "tables", SYNTHETIC_DAY - timedelta(days=1)
    day, source = (KUAIRAND_DAY, data) if data else (SYNTHETIC_DAY, root / "raw" / "day")
    # A small generated day has broken rows of every kind; of the videos in the real logs, one in six has no length.
    common = ["--root", str(tables), "--engine", engine, "--set", "ingest.max_quarantined_share=0.5"]
    lean = ["--set", "contracts.data_docs=false"]  # only the night has pages of its checks
    common += [word for assignment in assignments or () for word in ("--set", assignment)]
    if data:
        out.print("Real logs, with the settings that they call for: conf/recommended.yaml")
        common += ["--conf", str(conf_directory() / "recommended.yaml")]
    else:
        market, earlier = SyntheticMarket(seed=7, n_events=events), root / "raw" / "day-before"
        with logged("synthetic day", day):
            made = generate_day(source, day, market)
        out.print(f"Made up a day: {made.summary()}")
        if not alone:
            out.print("The day before is paid first, so that this one can be compared with it.")
            generate_day(earlier, before, market)
            _run("run", "--date", str(before), *common, *lean, "--source", str(earlier), "--no-report", quiet=True)
            bots, suspect = write_findings(source, before, market)
            out.print(
                f"This delivery names {bots:,} fake viewers, and holds the money of {suspect}, who pays for them."
            )
    own = [*common, "--date", str(day)]
    kind = ("--set", "ingest.format=kuairand") if data else ()
    _run("run", *own, "--source", str(source), *kind, "--report" if alone else "--no-report")
    if data is None:
        videos = {TOXIC_VIDEO: "toxic, viral", EDUCATIONAL_VIDEO: "educational, small"}
        out.print(comparison(Warehouse(None, tables), day, videos))
    if not alone:
        _run("statements", *own, *lean)
        if data is None:
            out.print(f"{before} was paid with the views of the fake viewers. It is restated without them.")
            _run("restate", *common, *lean, "--date", str(before))
            _run("close", *common, *lean, "--month", month_name(day))
            print_books(out, Warehouse(None, tables), day)
        # After the statements, which publish the reasons of changes, and the books: the page shows them.
        _run("report", *own)
    print_next_steps(out, _own_command(), str(tables))


def _run(verb: str, *arguments: str, quiet: bool = False) -> None:
    """Run one verb as a scheduler would, but in this process, which has done the slow imports; raises as the verb."""
    from creatorpool.cli.main import main

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere) if quiet else nullcontext():
        main([verb, *arguments, *own_words()])


def _own_command() -> str:
    """The command that starts this environment's `creatorpool` from the working directory."""
    script = Path(sys.executable).with_name("creatorpool")
    if shutil.which("creatorpool") == str(script) or not script.is_file():
        return "creatorpool"
    here = Path.cwd()
    return str(script.relative_to(here) if here in script.parents[1:] else script)
