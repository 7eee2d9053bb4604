"""Searches every interleaving of three commands, breadth first, for a state that breaks a promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from tests.runs.protocol_commands import STEPS, next_step
from tests.runs.protocol_stages import with_due_entries
from tests.runs.protocol_state import (
    ADJUSTMENTS,
    BALANCES,
    DATA_TABLES,
    JOURNAL,
    LIVE,
    MIXED,
    NO_TOKENS,
    TABLE_NAMES,
    Run,
    State,
    initial,
    published_version,
    with_run,
)
from tests.runs.protocol_steps import Next, ending, killed

Shape = tuple[object, ...]


@dataclass(frozen=True)
class Found:
    """The number of states, and, if one of them breaks a promise, which, and the shortest way to it in words."""

    states: int
    broken: str = ""
    trace: Sequence[str] = ()

    def __str__(self) -> str:
        steps = "\n".join(f"  {number}. {words}" for number, words in enumerate(self.trace, 1))
        return f"{self.broken or 'no promise is broken'} ({self.states:,} states)\n{steps}"


def search(*commands: str, is_paid: bool = True, faults: int = 1, skews: int = 1, without: str = "") -> Found:
    """Explore every order of the commands' steps, with so many faults and leases that a clock takes to be over."""
    start = initial(commands, is_paid=is_paid, faults=faults, skews=skews)
    outcomes = frozenset(_serial_outcomes(start))
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    level = [start]
    while level:
        following = []
        for state in level:
            moves = list(successors(state, without))
            if not moves and (broken := broken_at_the_end(state, outcomes, without)):
                return Found(len(came_from), broken, _trace(came_from, state))
            for words, after in moves:
                if after in came_from:
                    continue
                came_from[after] = (state, words)
                if broken := broken_promise(after) or broken_by_step(state, after):
                    return Found(len(came_from), broken, _trace(came_from, after))
                following.append(after)
        level = following
    return Found(len(came_from))


def successors(state: State, without: str) -> Iterator[Next]:
    """The states after any step of any live run, or a fault of a run that has claimed something."""
    for number, run in enumerate(state.runs):
        if run.status != LIVE:
            continue
        name = f"run {number + 1} ({run.command})"
        for words, after in steps_of(state, number, without):
            yield f"{name} {words}", after
        if state.faults and run.tokens != NO_TOKENS:
            fewer = state._replace(faults=state.faults - 1)
            yield f"{name} is killed", killed(fewer, number)
            yield f"{name} fails: the storage does not answer", ending(fewer, number, without)


def steps_of(state: State, number: int, without: str) -> Iterator[Next]:
    """The states after the next step of one run."""
    run = state.runs[number]
    name, *arguments = next_step(state, number)
    if run.pending:
        begun = with_run(state, number, pending=run.pending[1:])
    else:
        begun = with_run(state, number, position=run.position + 1)
    step, _ = STEPS[name]
    return step(begun, number, without, *arguments)


def broken_promise(state: State) -> str:
    """The promise that a state breaks, in words; empty if it breaks none."""
    paid, books, closed = state.paid, state.published[JOURNAL], state.published[BALANCES]
    adjustments = state.published[ADJUSTMENTS]
    if any(run.status == MIXED for run in state.runs):
        return "a reader has seen two generations"
    if paid in state.deleted:
        return "a version that the ledger names was deleted"
    for table in DATA_TABLES:
        is_named = any(table in row.tables for row in state.running)
        if state.latest[table] != published_version(state, table) and not is_named:
            return f"{TABLE_NAMES[table]} has rows that are not published, and no row says so"
    if books.night is not None and (paid is None or books.night != paid.run):
        return "the journal has a night that is not the published one"
    if any(paid is None or row.base != paid.run for row in adjustments):
        return "a restatement was computed from payouts that are not the published ones"
    if closed is not None and books != closed:
        return "a closed month has changed"
    if closed is not None and with_due_entries(state)._replace(has_hold=closed.has_hold) != closed:
        return "a closed month lacks an entry that was due in it"
    return ""


def broken_by_step(before: State, after: State) -> str:
    """The promise that one step breaks: what is closed or posted stays."""
    if before.published == after.published:
        return ""
    old, new = before.published[JOURNAL], after.published[JOURNAL]
    if before.published[BALANCES] not in (None, after.published[BALANCES]):
        return "a closed month is closed again, with other balances"
    is_kept = new.night == old.night if old.night is not None else True
    if not is_kept or not set(old.restatements) <= set(new.restatements) or new.has_hold < old.has_hold:
        return "an entry has left the journal"
    return ""


def broken_at_the_end(state: State, outcomes: frozenset[Shape], without: str) -> str:
    """The promise that a state breaks in which no run lives, once every command is run again."""
    after = _run_alone(state, _again(run.command for run in state.runs), without)
    if broken := broken_promise(after):
        return f"once run again, {broken}"
    if after.running:
        return "once run again, a publication stays unfinished"
    if _shape(after) not in outcomes:
        return f"once run again, the tables are those of no undisturbed run: {_shape(after)}"
    return ""


def _run_alone(state: State, commands: Sequence[str], without: str = "") -> State:
    """`state` after `commands`, one after the other, none disturbed."""
    for command in commands:
        number = len(state.runs)
        state = state._replace(runs=(*state.runs, Run(command)), faults=0, skews=0)
        while state.runs[number].status == LIVE:
            *_, (_, state) = steps_of(state, number, without)  # the last one claims, where another is refused
    return state


def _again(commands: Iterable[str]) -> list[str]:
    """The commands that change something, then one that recovers what the ledger has as unfinished."""
    return [*(command for command in commands if command != "query"), "maintain"]


def _serial_outcomes(start: State) -> Iterator[Shape]:
    """What the tables may be in the end: some commands, one after the other in any order, then all of them again."""
    commands = [run.command for run in start.runs]
    again = _again(commands)
    for length in range(len(commands) + 1):
        for first in permutations(commands, length):
            yield _shape(_run_alone(start._replace(runs=()), [*first, *again]))


def _shape(state: State) -> Shape:
    """What the tables say, whichever runs have computed it."""
    books = state.published[JOURNAL]
    adjustments = tuple(row._replace(base=0) for row in state.published[ADJUSTMENTS])
    return (
        state.paid is not None,
        adjustments,
        books._replace(night=None if books.night is None else 0),
        state.published[BALANCES] is not None,
    )


def _trace(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    words = []
    while (step := came_from[state]) is not None:
        state, said = step
        words.append(said)
    return words[::-1]
