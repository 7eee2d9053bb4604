"""All verbs, the command line that has them, and the `main` of each job script."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

import typer
from typer.core import TyperCommand, TyperGroup

from creatorpool.cli import claims, demo, init, inspection, money, nights, studies, upkeep
from creatorpool.cli.options import flattened
from creatorpool.cli.process import INTERRUPTED, run_and_exit
from creatorpool.cli.progress import shows_progress
from creatorpool.errors import InputError

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
START, NIGHTS, MONEY, STUDIES, UPKEEP = "Start", "Nights", "Money", "Studies", "Upkeep"

app = typer.Typer(
    help="Creator payouts, every night: run days, see what is published, ask why, and check it.",
    context_settings=HELP_OPTIONS,
    pretty_exceptions_enable=False,
)
"""The command line"""


Verbs = dict[str, Callable[..., None]]


def _add(group: typer.Typer, panel: str | None, verbs: Verbs, cls: type[TyperCommand] = TyperCommand) -> None:
    for name, verb in verbs.items():
        # The demo's steps show their own.
        command = flattened(verb) if verb is demo.demo else shows_progress(name, flattened(verb))
        paragraphs = inspect.cleandoc(str(verb.__doc__)).split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)  # as wide as the terminal is
        group.command(name, cls=cls, help=text, rich_help_panel=panel, context_settings=HELP_OPTIONS)(command)


def _group(name: str, help: str, verbs: Verbs) -> None:
    group = typer.Typer(help=help, context_settings=HELP_OPTIONS)
    _add(group, None, verbs)
    app.add_typer(group, name=name, rich_help_panel=UPKEEP)


_add(app, START, {"demo": demo.demo, "init": init.init})
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
_add(
    app,
    STUDIES,
    {
        "compare-rules": studies.compare_rules,
        "sweep-frontier": studies.sweep_frontier,
        "audit-integrity": studies.audit_integrity,
        "evaluate-quality": studies.evaluate_quality,
        "incentives": studies.incentives,
        "plan-delivery": studies.plan_delivery,
        "candidates": studies.candidates,
    },
)
_add(app, UPKEEP, {"maintain": upkeep.maintain})
_group(
    "claims",
    "Claims: who holds which stage of which day.",
    {"list": claims.list_claims, "release": claims.release},
)
_group("contracts", "Data contracts.", {"lint": inspection.lint})
_group("config", "The configuration.", {"show": inspection.show})


def main(argv: list[str]) -> None:
    """Run one verb. A mistake on the command line is an InputError."""
    _run(_all_verbs(), argv, "creatorpool")


def main_of(verb: str) -> Callable[[list[str]], None]:
    """The `main` of a job script: one verb, called by the script's own name."""
    command = cast(TyperCommand, _all_verbs().commands[verb])
    return lambda argv: _run(command, argv, None)


def run() -> None:
    """The entry point of the installed command."""
    run_and_exit(main)


def _all_verbs() -> TyperGroup:
    return cast(TyperGroup, typer.main.get_command(app))


def _run(command: TyperCommand | TyperGroup, argv: list[str], name: str | None) -> None:
    try:
        code = command.main(args=argv, prog_name=name, standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "creatorpool"
        raise InputError(f"{path}: {error.format_message().rstrip('.')}. See `{path} --help`") from error
    # Typer returns what a verb leaves with, and swallows Ctrl-C.
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise SystemExit(code)
