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

SYNTHETIC_DAY, KUAIRAND_DAY = date(2026, 11, 20), date(2022, 4, 10)


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
        bool, typer.Option("--alone", help="one night and its report: no day before, no statements")
    ] = False,
) -> None:
    """Generate a day's logs, pay the day, and show the results."""
    from creatorpool.cli.progress import logged
    from creatorpool.project import conf_directory
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.demo import comparison, print_next_steps
    from creatorpool.synthetic import EDUCATIONAL_VIDEO, TOXIC_VIDEO, SyntheticMarket
    from creatorpool.synthetic.day import generate_day
    from creatorpool.tables import Warehouse

    out = PlainConsole(width=110)
    for folder in (root / "raw", root / "tables"):
        shutil.rmtree(folder, ignore_errors=True)
    tables, before = root / "tables", SYNTHETIC_DAY - timedelta(days=1)
    day, source = (KUAIRAND_DAY, data) if data else (SYNTHETIC_DAY, root / "raw" / "day")
    # A small generated day has broken rows of every kind; of the videos in the real logs, one in six has no length.
    common = ["--root", str(tables), "--engine", engine, "--set", "ingest.max_quarantined_share=0.5"]
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
            lean = ("--source", str(earlier), "--set", "contracts.data_docs=false")
            _run("run", "--date", str(before), *common, *lean, quiet=True)
    common += ["--date", str(day)]
    _run("ingest", *common, "--source", str(source), "--format", "kuairand" if data else "native")
    _run("signals", *common)
    _run("run", *common)
    if data is None:
        videos = {TOXIC_VIDEO: "toxic, viral", EDUCATIONAL_VIDEO: "educational, small"}
        out.print(comparison(Warehouse(None, tables), day, videos))
    if not alone:
        # The page of the night is written again, with the reasons of changes that statements publish.
        _run("statements", *common)
        _run("report", *common)
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
