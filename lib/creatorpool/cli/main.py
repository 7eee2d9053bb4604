"""All verbs, the command line that has them, and the `main` of each job script."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup

from creatorpool.cli import claims, demo, doctor, init, inspection, money, nights, settlement, sources, studies, upkeep
from creatorpool.cli.loudness import with_loudness
from creatorpool.cli.options import flattened
from creatorpool.cli.process import run_and_exit
from creatorpool.cli.progress import shows_progress
from creatorpool.errors import InputError

NAME = "creatorpool"
COMPLETION_VARIABLE = "_CREATORPOOL_COMPLETE"
"""The environment variable by which the shell asks for completions, as Typer names it"""
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
START, NIGHTS, MONEY = "Start", "Nights", "Money"
SETTLEMENT, STUDIES, UPKEEP = "Settlement", "Studies", "Upkeep"

app = typer.Typer(
    help="Creator payouts, every night: run days, see what is published, ask why, and check it.",
    context_settings=HELP_OPTIONS,
    pretty_exceptions_enable=False,
)
"""The command line"""


Verbs = dict[str, Callable[..., None]]


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from creatorpool.cli.version import version_text

        print(version_text())
        raise typer.Exit


@app.callback(help=str(app.info.help))
def _before_verbs(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="the versions of creatorpool and its engines"
        ),
    ] = False,
) -> None:
    """Take the options that stand before the verb; `--version` has ended the program already."""


def _add(group: typer.Typer, panel: str | None, verbs: Verbs, cls: type[TyperCommand] = TyperCommand) -> None:
    for name, verb in verbs.items():
        # The demo's steps show their own.
        shown = flattened(verb) if verb is demo.demo else shows_progress(name, flattened(verb))
        command = with_loudness(shown)
        paragraphs = inspect.cleandoc(str(verb.__doc__)).split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)  # as wide as the terminal is
        group.command(name, cls=cls, help=text, rich_help_panel=panel, context_settings=HELP_OPTIONS)(command)


def _group(name: str, help: str, verbs: Verbs, panel: str = UPKEEP) -> None:
    group = typer.Typer(help=help, context_settings=HELP_OPTIONS)
    _add(group, None, verbs)
    app.add_typer(group, name=name, rich_help_panel=panel)


_add(
    app,
    START,
    {
        "demo": demo.demo,
        "init": init.init,
        "init-source": sources.init_source,
        "check-source": sources.check_source,
    },
)
_add(
    app,
    NIGHTS,
    {
        "run": nights.run,
        "backfill": nights.backfill,
        "ingest": nights.ingest,
        "signals": nights.signals,
        "status": inspection.status,
    },
)
_add(
    app,
    MONEY,
    {
        "report": money.report,
        "statements": money.statements,
        "explain": money.explain,
        "verify": money.verify,
        "reproduce": money.reproduce,
    },
)
_add(app, MONEY, {"query": inspection.query}, cls=inspection.SqlCommand)
_add(app, SETTLEMENT, {"load": settlement.load, "restate": settlement.restate, "close": settlement.close})
_add(
    app,
    STUDIES,
    {
        "compare-rules": studies.compare_rules,
        "whatif": studies.whatif,
        "sweep-frontier": studies.sweep_frontier,
        "audit-integrity": studies.audit_integrity,
        "sensitivity": studies.sensitivity,
        "evaluate-quality": studies.evaluate_quality,
        "incentives": studies.incentives,
        "plan-delivery": studies.plan_delivery,
        "candidates": studies.candidates,
    },
)
_add(app, UPKEEP, {"maintain": upkeep.maintain, "doctor": doctor.doctor})
_group(
    "journal",
    "The journal: what is owed to whom, and why.",
    {
        "post": settlement.post,
        "export": settlement.export,
        "statement": settlement.statement,
        "statements": settlement.statements,
    },
    SETTLEMENT,
)
_group(
    "payments",
    "Payments of closed months.",
    {"export": settlement.export_payments, "import": settlement.import_payments},
    SETTLEMENT,
)
_group(
    "claims",
    "Claims: who holds which stage of which day.",
    {"list": claims.list_claims, "release": claims.release},
)
_group("contracts", "Data contracts.", {"lint": inspection.lint})
_group("config", "The configuration.", {"show": inspection.show})


def main(argv: list[str]) -> None:
    """Run one verb. A mistake on the command line is an InputError."""
    verbs = _all_verbs()
    if COMPLETION_VARIABLE in os.environ:
        verbs.main(argv, NAME)  # answers the shell, and exits
    _run(verbs, NAME, argv)


def main_of(verb: str) -> Callable[[list[str]], None]:
    """The `main` of a job script: one verb, called by the script's own name."""
    command = cast(TyperCommand, _all_verbs().commands[verb])
    return lambda argv: _run(command, Path(sys.argv[0]).name, argv)


def run() -> None:
    """The entry point of the installed command."""
    run_and_exit(main)


def _all_verbs() -> TyperGroup:
    return cast(TyperGroup, typer.main.get_command(app))


def _run(command: TyperCommand | TyperGroup, name: str, argv: list[str]) -> None:
    # Not by `command.main`: it takes Ctrl-C for success, and a broken connection to an engine for a reader that left.
    try:
        with command.make_context(name, list(argv)) as context:
            command.invoke(context)
    except typer.Exit as ending:
        if ending.exit_code:
            raise SystemExit(ending.exit_code) from ending
    except typer.TyperException as error:
        at = getattr(error, "ctx", None)
        path = at.command_path if at else name
        raise InputError(f"{path}: {error.format_message().rstrip('.')}. See `{path} --help`") from error
