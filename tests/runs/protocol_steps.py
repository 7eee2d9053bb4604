"""The steps by which a run claims, commits, publishes and ends, under the safeguards of the protocol.

A step gives the states that may follow, each with what has happened in words. `without` names a safeguard that is
left out, so that a test can show that the search finds what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.runs.protocol_state import (
    ABANDONED,
    ALLOCATE,
    CLAIM_NAMES,
    ENDED,
    KILLED,
    LIVE,
    NO_TOKENS,
    NOBODY,
    PAYOUTS,
    POOL_LEDGER,
    STAGE_RUNS,
    STAGE_TABLES,
    TABLE_NAMES,
    TABLES,
    Payouts,
    Row,
    State,
    canonical,
    changed,
    with_run,
)

Next = tuple[str, State]
"""What has happened, and the state after it"""


def ending(state: State, number: int, without: str, status: str = ENDED) -> State:
    """End a command. It gives its claims back; one whose fences it was raising stays, for the next run to take over."""
    raising = {step[1] for step in state.runs[number].pending if step[0] == "raise_fence"}
    if without == "a claim stays until its fences are raised":
        raising = set()
    claims = tuple(
        (ABANDONED if claim in raising else NOBODY) if holder == number else holder
        for claim, holder in enumerate(state.claims)
    )
    return _stopped(state, number, status)._replace(claims=claims)


def killed(state: State, number: int) -> State:
    """End a command by force: its claims stay."""
    return _stopped(state, number, KILLED)


def _stopped(state: State, number: int, status: str) -> State:
    ended = {"position": 0, "pending": (), "tokens": NO_TOKENS, "seen": None, "staged": ()}
    return canonical(with_run(state, number, **ended, status=status))


def fenced(state: State, number: int, table: int, without: str) -> State | None:
    """`state` after a commit of the run to `table` has raised the table's fences to its tokens; None if one bars it."""
    fences = state.fences
    for claim, token in enumerate(state.runs[number].tokens):
        if not token:
            continue
        if fences[claim][table] > token:
            if without != "a commit checks the fences":
                return None
        elif fences[claim][table] < token > 1:  # a fence of 1 would bar nobody
            fences = changed(fences, claim, changed(fences[claim], table, token))
    return state._replace(fences=fences)


def committed(state: State, number: int, table: int, without: str, words: str, **fields: Any) -> Iterator[Next]:
    """One commit to `table` that sets `fields` of the state; if a fence bars it, the run ends."""
    after = fenced(state, number, table, without)
    if after is None:
        yield from _refused(state, number, table, without)
    else:
        yield words, after._replace(**fields)


def _refused(state: State, number: int, table: int, without: str) -> Iterator[Next]:
    """A fence has barred a commit: the run ends, unless it was recovering under a claim for that purpose."""
    pending, words = state.runs[number].pending, f"is refused by the fence of {TABLE_NAMES[table]} and"
    own = [index for index, step in enumerate(pending) if step[0] == "give_back"]
    if not own:
        yield f"{words} ends", ending(state, number, without)
        return
    is_raising = any(step[0] == "raise_fence" for step in pending[: own[0]])
    _, claim = pending[own[0]]
    held = changed(state.claims, claim, ABANDONED) if is_raising and state.claims[claim] == number else state.claims
    after = with_run(state._replace(claims=held), number, pending=pending[own[0] :])
    yield f"{words} stops this recovery", after


def take(state: State, number: int, without: str, claim: int) -> Iterator[Next]:
    """Claim a stage, or end."""
    is_beside = claim == ALLOCATE and state.runs[number].command not in ("pay", "republish")
    if is_beside and without == "who settles a day claims its allocation":
        yield "does not claim the allocation", state
        return
    if state.claims[claim] != NOBODY:
        yield f"finds {CLAIM_NAMES[claim]} held by another run and ends", ending(state, number, without)
    yield from taken(state, number, without, claim, ())


def taken(state: State, number: int, without: str, claim: int, then: tuple[Any, ...]) -> Iterator[Next]:
    """Take a claim if nobody holds it, its run has ended, or a clock says that its lease is over."""
    holder, name = state.claims[claim], CLAIM_NAMES[claim]
    run = state.runs[number]
    token = 1 + max(other.tokens[claim] for other in state.runs)
    raises = tuple(("raise_fence", claim, table) for table in TABLES) if holder != NOBODY else ()
    if without == "a takeover raises the fences":
        raises = ()
    after = with_run(state, number, tokens=changed(run.tokens, claim, token), pending=(*raises, *then, *run.pending))
    after = after._replace(claims=changed(state.claims, claim, number))
    if holder == NOBODY:
        yield f"claims {name}", after
    elif holder == ABANDONED or state.runs[holder].status != LIVE:
        yield f"takes {name} over from a run that has ended", after
    elif state.skews:
        words = f"takes {name} over from run {holder + 1}, which lives: a clock says that its lease is over"
        yield words, after._replace(skews=state.skews - 1)


def raise_fence(state: State, number: int, without: str, claim: int, table: int) -> Iterator[Next]:
    """Bar earlier holders of the run's claims from a table."""
    if fenced(state, number, table, without) is None:
        unraised = (("raise_fence", claim, table), *state.runs[number].pending)
        yield from _refused(with_run(state, number, pending=unraised), number, table, without)
    else:
        yield from committed(state, number, table, without, f"raises the fence of {TABLE_NAMES[table]}")


def require_held(state: State, number: int, without: str, claim: int) -> Iterator[Next]:
    """Go on only if the run still holds its claim."""
    if state.claims[claim] == number:
        yield f"still holds {CLAIM_NAMES[claim]}", state
    else:
        yield f"has lost {CLAIM_NAMES[claim]} and ends", ending(state, number, without)


def begin_runs(state: State, number: int, without: str, *stages: str) -> Iterator[Next]:
    """Write the rows that say which tables will change."""
    tables = tuple(table for table, _ in state.runs[number].staged)
    rows = tuple(
        Row(stage, number, tuple(table for table in tables if table in STAGE_TABLES[stage])) for stage in stages
    )
    if without == "a row names the tables of its own stage":
        rows = tuple(Row(stage, number, tables) for stage in stages)
    if without == "rows 'running' come before the tables change":
        rows = ()
    words = f"writes rows 'running' of {' and '.join(stages)}"
    yield from committed(state, number, STAGE_RUNS, without, words, running=(*state.running, *rows))


def commit(state: State, number: int, without: str, table: int) -> Iterator[Next]:
    """Commit the staged rows of a table."""
    rows = dict(state.runs[number].staged)[table]
    fields: dict[str, Any] = {"latest": changed(state.latest, table, rows)}
    if table == PAYOUTS:
        fields |= {"is_compacted": False, "replaced": replaced_by(state, rows, without)}
    yield from committed(state, number, table, without, f"commits {TABLE_NAMES[table]}", **fields)


def replaced_by(state: State, rows: Payouts | None, without: str) -> frozenset[Payouts]:
    """Payouts that maintenance may delete once the latest version has `rows`: younger ones are kept in any case."""
    latest = state.latest[PAYOUTS]
    if without != "maintenance keeps young versions" or latest is None or latest == rows:
        return state.replaced
    return state.replaced | {latest}


def publish_pools(state: State, number: int, without: str) -> Iterator[Next]:
    """Publish the payouts, and with them the scores."""
    paid = dict(state.runs[number].staged)[PAYOUTS]
    yield from committed(state, number, POOL_LEDGER, without, "publishes the payouts", paid=paid)


def publish_run(state: State, number: int, without: str, stage: str) -> Iterator[Next]:
    """Publish a stage by its row."""
    published, staged = state.published, dict(state.runs[number].staged)
    for table in STAGE_TABLES[stage]:
        published = changed(published, table, staged[table])
    running = tuple(row for row in state.running if (row.stage, row.run) != (stage, number))
    yield from committed(state, number, STAGE_RUNS, without, f"publishes {stage}", published=published, running=running)


def forget_run(state: State, number: int, without: str) -> Iterator[Next]:
    """Delete the row 'running' of the allocation."""
    running = tuple(row for row in state.running if (row.stage, row.run) != ("allocate", number))
    yield from committed(state, number, STAGE_RUNS, without, "deletes its row 'running'", running=running)


def give_back(state: State, number: int, without: str, *claims: int) -> Iterator[Next]:
    """Give claims back that the run still holds."""
    held = tuple(
        NOBODY if holder == number and claim in claims else holder for claim, holder in enumerate(state.claims)
    )
    tokens = tuple(0 if claim in claims else token for claim, token in enumerate(state.runs[number].tokens))
    names = " and ".join(CLAIM_NAMES[claim] for claim in claims)
    yield f"gives {names} back", canonical(with_run(state._replace(claims=held), number, tokens=tokens))


def finish(state: State, number: int, without: str) -> Iterator[Next]:
    """Give all claims back."""
    yield "ends", ending(state, number, without)
