"""Verbs about claims: list the runs that hold a stage of a day, and release a claim whose run has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import typer

from creatorpool.cli.options import ConfigurationOptions, TablesOptions, day_option
from creatorpool.errors import InputError


def list_claims(options: TablesOptions) -> None:
    """List the claimed stages, the runs that hold them, and whether they still exclude other runs. Starts no engine."""
    from rich.table import Table

    from creatorpool.report.console import PlainConsole
    from creatorpool.runs.claims import claim_name, standing_claims
    from creatorpool.runs.identity import process_of
    from creatorpool.tables import Warehouse

    table = Table(title="Claims", title_justify="left")
    for name in ("stage", "run", "process", "since (UTC)", "lease until (UTC)", "state"):
        table.add_column(name)
    claims = standing_claims(Warehouse(None, options.existing_root()))
    for claim in claims:
        times = (f"{claim[name]:%Y-%m-%d %H:%M:%S}" for name in ("claimed_at", "expires_at"))
        name = claim_name(claim["stage"], claim["date"])
        table.add_row(name, claim["run_id"], process_of(claim["owner"]), *times, _state(claim))
    PlainConsole(width=150).print(table if claims else "No stage is claimed.")


def _state(claim: Mapping[str, object]) -> str:
    from creatorpool.runs.claims import is_held
    from creatorpool.runs.identity import is_alive, is_dead

    process = str(claim["owner"])
    if is_dead(process):
        return "its process has ended: the next run takes over"
    if not is_held(claim):
        return "its lease is over: the next run takes over"
    return "its process lives on this machine" if is_alive(process) else "held; nobody here knows of its process"


def release(
    options: TablesOptions,
    configuration: ConfigurationOptions,
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", help="the stage, as `creatorpool claims list` names it, such as ingest")
    ],
    reason: Annotated[str, typer.Option(metavar="WORDS", help="why it is released: kept in the ledger")],
    day: Annotated[date | None, day_option("--date", help="the day; not for ingest and books")] = None,
) -> None:
    """Release a claim whose run has ended for good, so that the next run gets it at once."""
    from creatorpool.runs.claims import EVERY_DAY, claim_name, release_claim
    from creatorpool.runs.identity import code_version, now, owner
    from creatorpool.runs.ledger import INGEST, StageRun, note_release
    from creatorpool.stages.recovery import BOOKS
    from creatorpool.tables import Warehouse

    _require_stage(stage)
    if not reason.strip():
        raise InputError("--reason must say why the claim is released: the ledger keeps it")
    if (day is None) != (stage in (INGEST, BOOKS)):
        raise InputError("ingest and books are released without --date, other stages with the --date that they hold")
    settings = configuration.settings()
    warehouse, claimed_day = Warehouse(None, options.existing_root()), day or EVERY_DAY
    run_id = release_claim(warehouse, stage, claimed_day, reason)
    facts, moment = {"reason": reason, "released_by": owner()}, now()
    note_release(
        warehouse,
        StageRun(claimed_day, stage, run_id, settings.sha256(), code_version(), {}, {}, facts, moment, moment),
    )
    print(f"{claim_name(stage, claimed_day)} is released; run {run_id}, should it go on, publishes nothing")


def _require_stage(name: str) -> None:
    """Raise InputError if no stage has this name."""
    from creatorpool.spelling import did_you_mean
    from creatorpool.stages.maintenance import MAINTAIN
    from creatorpool.stages.order import STAGES
    from creatorpool.stages.recovery import BOOKS

    known = [*(stage.name for stage in STAGES), MAINTAIN, BOOKS]
    if name not in known:
        raise InputError(f"there is no stage '{name}'{did_you_mean(name, known) or '.'} Stages are {', '.join(known)}")
