"""Commands that only look: what is published, why a payout changed, and whether contracts and configuration read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from creatorpool.cli.options import Assignments, Conf, Day, Engine, Root, day_of, job_arguments
from creatorpool.contracts.lint import lint_contracts
from creatorpool.errors import ContractError, InputError, MissingTableError
from creatorpool.job import job_night, job_settings
from creatorpool.pipeline.explanation import explain_day
from creatorpool.project import conf_directory, contracts_directory
from creatorpool.report.console import PlainConsole
from creatorpool.report.statement import statement_of, statement_text
from creatorpool.report.summary import money
from creatorpool.runs.ledger import ALLOCATE, StageRun, every_published_pool, published_runs, unfinished_runs
from creatorpool.session import open_session, resolve_engine
from creatorpool.storage.places import tables_root
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")


def status(root: Root, day: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD")] = None) -> None:
    """Which days and stages are published, by which run, with what totals. Starts no engine."""
    warehouse = Warehouse(None, tables_root(root))
    only = None if day is None else day_of(day)
    pools = [row for row in every_published_pool(warehouse) if only in (None, row["date"])]
    runs = [run for run in published_runs(warehouse) if only in (None, run.day)]
    unfinished = [run for run in unfinished_runs(warehouse) if only in (None, run.day)]
    if not pools and not runs and not unfinished:
        raise MissingTableError(f"nothing {'' if only is None else f'of {only} '}is published under {root}")
    console = PlainConsole(width=120)
    console.print(_stages_table(runs, pools))
    console.print(_totals_table(pools))
    for run in unfinished:
        console.print(
            f"Not finished: {run.stage} of {run.day}, run {run.run_id}, which began to change {_changes_of(run)}. "
            f"If it does not run any more, the next command that writes completes it or takes it back."
        )


def _changes_of(run: StageRun) -> str:
    return ", ".join(run.rows.get("changes", [])) or "tables"


def _stages_table(runs: Sequence[StageRun], pools: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Published stages", title_justify="left")
    for name in ("day", "stage", "run", "finished (UTC)", "tables"):
        table.add_column(name)
    lines = [(run.day, run.finished_at, run.stage, run.run_id, sorted(run.outputs)) for run in runs]
    paid: dict[tuple[date, str], list[Mapping[str, Any]]] = {}
    for row in pools:
        paid.setdefault((row["date"], row["run_id"]), []).append(row)
    for (day, run_id), rows in paid.items():
        names = [f"{len(rows)} pools"]
        lines.append((day, max(row["finished_at"] for row in rows), ALLOCATE, run_id, names))
    for day, finished, stage, run_id, tables in sorted(lines):
        table.add_row(day.isoformat(), stage, run_id, f"{finished:%Y-%m-%d %H:%M:%S}", ", ".join(tables))
    return table


def _totals_table(pools: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Payouts", title_justify="left")
    for name in ("day", "pools", "pool", "paid", "unallocated", "paid videos", "currency"):
        table.add_column(name, justify="left" if name in ("day", "currency") else "right")
    for day in sorted({row["date"] for row in pools}):
        own = [row for row in pools if row["date"] == day]
        sums = [money(sum(row[f"{name}_micros"] for row in own)) for name in ("pool", "paid", "unallocated")]
        videos = f"{sum(row['videos_paid'] for row in own):,}"
        table.add_row(day.isoformat(), str(len(own)), *sums, videos, own[0]["currency"])
    return table


def explain(
    name: Annotated[str, typer.Argument(metavar="VIDEO|CREATOR", help="the id of a video or a creator")],
    day: Day,
    root: Root,
    against: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="the other day; default: the published one before")
    ] = None,
    engine: Engine = None,
    conf: Conf = None,
    assignments: Assignments = None,
) -> None:
    """Why a video's or a creator's payout changed, in plain text."""
    arguments = job_arguments(root, engine, conf, assignments, day_of(day))
    settings = job_settings(arguments)
    with job_night(arguments, settings) as night:
        other = _day_before(night.warehouse, night.day) if against is None else day_of(against, "--against")
        explanation = explain_day(night, other, settings)
        video, creator = _kind_of(name, explanation)
        print(statement_text(statement_of(explanation, creator, video)), end="")


def _day_before(warehouse: Warehouse, day: date) -> date:
    days: set[date] = {row["date"] for row in every_published_pool(warehouse) if row["date"] < day}
    if not days:
        raise MissingTableError(f"no day before {day} is published under {warehouse.root}: name one with --against")
    return max(days)


def _kind_of(name: str, explanation: Any) -> tuple[str | None, str | None]:
    """(video, None) or (None, creator): what of the two `name` is on the two days."""
    totals = explanation.before.video_payouts, explanation.after.video_payouts
    if any(frame.where(frame.video_id == name).limit(1).collect() for frame in totals):
        return name, None
    if any(frame.where(frame.creator_id == name).limit(1).collect() for frame in totals):
        return None, name
    days = f"{explanation.before.day} and {explanation.after.day}"
    raise InputError(f"'{name}' is neither a video nor a creator that was paid on {days}")


def lint(
    folder: Annotated[Path | None, typer.Argument(help="folder of contracts; default: the project's")] = None,
    engine: Annotated[str | None, typer.Option(help="also read every expression on this engine")] = None,
) -> None:
    """Check contracts without any data: they read, build their checks, and with --engine their rules are sound."""
    if engine is None:
        complaints = lint_contracts(folder)
    else:
        settings = job_settings(job_arguments("", None, None, None)).engine
        with open_session(resolve_engine(engine, settings), settings) as session:
            complaints = lint_contracts(folder, session)
    if complaints:
        *others, last = complaints
        for complaint in others:
            logger.error("%s", complaint)
        raise ContractError(last)
    print("every contract reads and builds" + (", and its expressions are sound" if engine else ""))


def show(conf: Conf = None, assignments: Assignments = None) -> None:
    """The configuration that overlays and --set come to, as YAML, with its fingerprint."""
    settings = job_settings(job_arguments("", None, conf, assignments))
    print(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True), end="")
    print(f"# sha256 without engine: {settings.sha256()}")
    print(f"# from {conf_directory()}; contracts are those of {contracts_directory()}")
