"""The steps by which a run completes or undoes what runs that have ended left unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.runs.protocol_state import (
    CLAIM_NAMES,
    NOBODY,
    PAYOUTS,
    SCORES,
    STAGE_RUNS,
    TABLE_NAMES,
    Row,
    State,
    changed,
    published_version,
    with_run,
)
from tests.runs.protocol_steps import Next, committed, taken


def recover(state: State, number: int, without: str) -> Iterator[Next]:
    """List the unfinished publications; each is then recovered under its claim."""
    steps = tuple(("recover_one", row) for row in state.running if row.run != number)
    pending = (*steps, *state.runs[number].pending)
    yield f"finds {len(steps)} unfinished publications", with_run(state, number, pending=pending)


def recover_one(state: State, number: int, without: str, row: Row) -> Iterator[Next]:
    """Take the claim of an unfinished publication, unless the run holds it; skip it if another run does."""
    claim = claim_of(row.stage)
    undo = ("recover_claimed", row)
    run = state.runs[number]
    if run.tokens[claim] or without == "recovery claims what it undoes":
        yield f"looks at {row.stage} of run {row.run + 1}", with_run(state, number, pending=(undo, *run.pending))
        return
    if state.claims[claim] != NOBODY:
        yield f"leaves {row.stage} of run {row.run + 1} alone, because it is claimed", state
    yield from taken(state, number, without, claim, (undo, ("give_back", claim)))


def recover_claimed(state: State, number: int, without: str, row: Row) -> Iterator[Next]:
    """Complete a publication whose payouts are published; undo any other one."""
    if row not in state.running:
        yield f"finds {row.stage} of run {row.run + 1} finished", state
        return
    is_paid = row.stage in ("signals", "allocate") and state.paid is not None and state.paid.run == row.run
    steps: tuple[Any, ...] = (("complete", row),)
    if not is_paid:
        steps = (*(("restore_day", table) for table in row.tables), ("fail_run", row))
    words = f"{'completes' if is_paid else 'undoes'} {row.stage} of run {row.run + 1}"
    yield words, with_run(state, number, pending=(*steps, *state.runs[number].pending))


def restore_day(state: State, number: int, without: str, table: int) -> Iterator[Next]:
    """Give a table the rows that are published."""
    rows = published_version(state, table)
    is_compacted = state.is_compacted and table != PAYOUTS
    if state.latest[table] == rows and is_compacted == state.is_compacted:
        yield f"finds {TABLE_NAMES[table]} as it is published", state
        return
    latest = changed(state.latest, table, rows)
    words = f"restores {TABLE_NAMES[table]}"
    yield from committed(state, number, table, without, words, latest=latest, is_compacted=is_compacted)


def complete(state: State, number: int, without: str, row: Row) -> Iterator[Next]:
    """Finish a publication whose payouts are published."""
    published = state.published
    if row.stage == "signals" and state.paid is not None:
        published = changed(published, SCORES, state.paid.scores)
    words = f"records {row.stage} of run {row.run + 1}"
    yield from committed(state, number, STAGE_RUNS, without, words, running=_without(state, row), published=published)


def fail_run(state: State, number: int, without: str, row: Row) -> Iterator[Next]:
    """Record that a publication was undone."""
    words = f"records that {row.stage} of run {row.run + 1} failed"
    yield from committed(state, number, STAGE_RUNS, without, words, running=_without(state, row))


def _without(state: State, row: Row) -> tuple[Row, ...]:
    return tuple(other for other in state.running if other != row)


def claim_of(stage: str) -> int:
    """The claim of a stage: all stages that write the books share one."""
    return CLAIM_NAMES.index(stage if stage in CLAIM_NAMES else "books")
