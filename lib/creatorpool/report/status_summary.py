"""The state of the days under a root, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from rich.table import Table

from creatorpool.money import in_units
from creatorpool.report.console import PlainConsole
from creatorpool.runs.claims import claim_name
from creatorpool.runs.identity import process_of
from creatorpool.runs.ledger import ALLOCATE, StageRun
from creatorpool.runs.pools import PoolRun
from creatorpool.runs.state import DaysState, MonthState
from creatorpool.settlement.months import without_words

_LISTED_MONTHS = 6


def print_status(out: PlainConsole, state: DaysState) -> None:
    """Print the published stages, each day's totals, and one line for each thing that runs, stopped or is missing."""
    if state.days:
        out.print(_stages_table(state.runs, state.pools))
        out.print(_days_table(state))
    if state.earlier:
        span = f"{state.earlier[0]} to {state.earlier[-1]}"
        out.print(f"Earlier days: {len(state.earlier)}, {span}; --days N shows the latest N days.", soft_wrap=True)
    if state.months:
        out.print(_months_table(state.months[-_LISTED_MONTHS:]))
    if earlier := state.months[:-_LISTED_MONTHS]:
        out.print(f"Earlier months: {_in_short(earlier)}.", soft_wrap=True)
    for line in _lines(state):
        out.print(line, soft_wrap=True)


def _lines(state: DaysState) -> Iterator[str]:
    for claim in state.running:
        yield f"Running: {_claimed(claim)}."
    for claim in state.stopped:
        yield f"Stopped: {_claimed(claim)}. Its process has ended: run it again, and it continues."
    for run in state.unfinished:
        yield (
            f"Not finished: {run.stage} of {run.day}, run {run.run_id}. It began to change {_changes_of(run)}. "
            f"If the run has stopped, the next command that writes completes or reverts it."
        )
    for run in state.failed:
        yield (
            f"Failed: {run.stage} of {run.day}, run {run.run_id}, at {run.finished_at:%Y-%m-%d %H:%M:%S} UTC. Its "
            f"changes were undone; mend what its log says and run it again."
        )
    for first, last in _spans(state.missing):
        yield (
            f"Missing: {first if first == last else f'{first} to {last}'} without payouts, between days with payouts: "
            f"`creatorpool backfill --from {first} --to {last}`."
        )


def _claimed(claim: Mapping[str, Any]) -> str:
    since = f"{claim['claimed_at']:%Y-%m-%d %H:%M:%S} UTC"
    name = claim_name(claim["stage"], claim["date"])
    return f"{name}, run {claim['run_id']} ({process_of(claim['owner'])}, since {since})"


def _changes_of(run: StageRun) -> str:
    return ", ".join(run.rows.get("changes", [])) or "tables"


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """First and last day of each run of consecutive `days`, which ascend."""
    spans: list[tuple[date, date]] = []
    for day in days:
        is_next = bool(spans) and spans[-1][1] + timedelta(days=1) == day
        spans[-1:] = [(spans[-1][0], day)] if is_next else [*spans[-1:], (day, day)]
    return spans


def _stages_table(runs: Sequence[StageRun], pools: Sequence[PoolRun]) -> Table:
    table = Table(title="Published stages", title_justify="left")
    for name in ("day", "stage", "run", "finished (UTC)", "tables"):
        table.add_column(name)
    lines = [(run.day, run.finished_at, run.stage, run.run_id, sorted(run.outputs)) for run in runs]
    paid: dict[tuple[date, str], list[PoolRun]] = {}
    for row in pools:
        paid.setdefault((row.day, row.run_id), []).append(row)
    for (day, run_id), rows in paid.items():
        names = [f"{len(rows)} pools"]
        lines.append(
            (day, max(row.finished_at for row in rows if row.finished_at is not None), ALLOCATE, run_id, names)
        )
    for day, finished, stage, run_id, tables in sorted(lines):
        table.add_row(day.isoformat(), stage, run_id, f"{finished:%Y-%m-%d %H:%M:%S}", ", ".join(tables))
    return table


def _days_table(state: DaysState) -> Table:
    table = Table(title="Days", title_justify="left")
    for name in ("day", "pools", "pool", "paid", "unallocated", "paid videos", "currency", "refused rows"):
        table.add_column(name, justify="left" if name in ("day", "currency", "refused rows") else "right")
    for day in state.days:
        own = [row for row in state.pools if row.day == day]
        table.add_row(
            day.isoformat(), *(_totals(own) if own else ("not paid", "", "", "", "", "")), _refused(state, day)
        )
    return table


def _months_table(months: Sequence[MonthState]) -> Table:
    table = Table(title="Months", title_justify="left")
    for name in ("month", "published days", "posted days", "state"):
        table.add_column(name, justify="left" if name in ("month", "state") else "right")
    for month in months:
        run = month.closed
        words = "open"
        if run is not None:
            words = f"closed{without_words(run.without)} by run {run.run_id}, {run.finished_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(month.month, str(month.published), str(month.posted), words)
    return table


def _in_short(months: Sequence[MonthState]) -> str:
    left = [month.month for month in months if month.closed is None]
    state = f"open: {', '.join(left)}" if left else "all closed"
    return f"{len(months)}, {months[0].month} to {months[-1].month}; {state}"


def _totals(pools: Sequence[PoolRun]) -> tuple[str, ...]:
    sums = (in_units(sum(getattr(row, f"{name}_micros") for row in pools)) for name in ("pool", "paid", "unallocated"))
    return str(len(pools)), *sums, f"{sum(row.videos_paid for row in pools):,}", pools[0].currency


def _refused(state: DaysState, day: date) -> str:
    found = state.refused(day)
    if found is None:
        return "–"
    table, share = found
    return f"{share:.1%} of {table}" if share else "none"
