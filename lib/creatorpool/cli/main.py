"""All commands, and how they end: with the jobs' exit codes and messages."""

from __future__ import annotations

from typing import cast

import typer

from creatorpool.cli import claims, init, inspection, nights, upkeep
from creatorpool.errors import InputError
from creatorpool.job import run_job

app = typer.Typer(
    name="creatorpool",
    help="Creator payouts, every night: run days, see what is published, ask why, and check it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
contracts = typer.Typer(help="Data contracts.", no_args_is_help=True)
config = typer.Typer(help="The configuration.", no_args_is_help=True)
claim_commands = typer.Typer(help="Claims: who holds which stage of which day.", no_args_is_help=True)
app.add_typer(contracts, name="contracts")
app.add_typer(config, name="config")
app.add_typer(claim_commands, name="claims")

app.command("init")(init.init)
app.command("run")(nights.run)
app.command("backfill")(nights.backfill)
app.command("status")(inspection.status)
app.command("explain")(inspection.explain)
app.command("verify")(nights.verify)
app.command("reproduce")(nights.reproduce)
app.command("maintain")(upkeep.maintain)
contracts.command("lint")(inspection.lint)
claim_commands.command("list")(claims.list_claims)
claim_commands.command("release")(claims.release)
config.command("show")(inspection.show)

# Every mistake on the command line is one of these: typer's own class, whether it brings click or has it inside.
_UsageError = cast(type[Exception], typer.BadParameter.__bases__[0])


def main(argv: list[str]) -> None:
    """Run one command; a wrong option ends like a job's: InputError."""
    try:
        app(args=argv, prog_name="creatorpool", standalone_mode=False)
    except _UsageError as error:
        message = getattr(error, "format_message", error.__str__)()
        if type(error).__name__ == "NoArgsIsHelpError":
            raise InputError("a command is missing; `creatorpool --help` lists them") from error
        raise InputError(f"creatorpool: {message}") from error


def run() -> None:
    """The entry point of the installed command."""
    run_job(main)
