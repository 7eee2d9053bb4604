"""The steps that belong to one command: what it looks for, what it computes, and when it refuses to go on.

A run reads at `look_…`, before it holds its claims, and again at `compute_…`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.runs.protocol_state import (
    ADJUSTMENTS,
    BALANCES,
    ENDED,
    JOURNAL,
    MIXED,
    PAYOUTS,
    SCORES,
    Adjustment,
    Books,
    Payouts,
    State,
    changed,
    published_version,
    with_run,
)
from tests.runs.protocol_steps import Next, ending, replaced_by


def _ends(state: State, number: int, without: str, words: str) -> Iterator[Next]:
    yield f"{words} and ends", ending(state, number, without)


def _stages(state: State, number: int, words: str, *staged: tuple[int, object]) -> Iterator[Next]:
    yield words, with_run(state, number, staged=staged)


def _skips(state: State, number: int, steps: int, words: str) -> Iterator[Next]:
    """Go on after the next `steps` steps of the command."""
    yield words, with_run(state, number, position=state.runs[number].position + steps)


def look_pay(state: State, number: int, without: str) -> Iterator[Next]:
    if state.paid is not None:
        yield from _ends(state, number, without, "finds the day paid")
    else:
        yield "reads the published scores", with_run(state, number, seen=published_version(state, SCORES))


def compute_pay(state: State, number: int, without: str) -> Iterator[Next]:
    if state.paid is not None and without != "a run looks again once it holds the claim":
        yield from _ends(state, number, without, "finds the day paid by another run")
    else:
        payouts = Payouts(number, state.runs[number].seen)
        yield from _stages(state, number, "computes payouts", (PAYOUTS, payouts))


def compute_republish(state: State, number: int, without: str) -> Iterator[Next]:
    is_settled = _books(state).night is not None or bool(state.published[ADJUSTMENTS])
    if is_settled and without != "a settled day is not republished":
        yield from _ends(state, number, without, "finds the day posted or restated")
    else:
        staged = ((SCORES, number), (PAYOUTS, Payouts(number, number)))
        yield from _stages(state, number, "computes scores and payouts", *staged)


def look_restate(state: State, number: int, without: str) -> Iterator[Next]:
    if state.paid is None:
        yield from _ends(state, number, without, "finds no payouts")
        return
    seen = Adjustment(state.paid.run, state.inputs, 1 if _is_closed(state) else 0)
    if _is_restated(state, seen):
        yield from _ends(state, number, without, "finds the day restated from these inputs")
    else:
        yield f"reads the payouts of run {seen.base + 1}", with_run(state, number, seen=seen)


def compute_restate(state: State, number: int, without: str) -> Iterator[Next]:
    seen, booked = state.runs[number].seen, state.published[ADJUSTMENTS]
    is_same = state.paid is not None and state.paid.run == seen.base
    if _is_restated(state, seen):
        yield from _ends(state, number, without, "finds the day restated by another run")
    elif _is_closed(state) and seen.month == 0:
        yield from _ends(state, number, without, "finds its booking day in a closed month")
    elif state.inputs != seen.inputs and without != "a restatement looks again at its inputs":
        yield from _ends(state, number, without, "finds that other inputs were loaded meanwhile")
    elif not is_same and without != "a restatement looks again at the payouts":
        yield from _ends(state, number, without, "finds the day republished meanwhile")
    else:
        yield from _stages(state, number, "computes the changes", (ADJUSTMENTS, (*booked, seen)))


def _is_restated(state: State, wanted: Adjustment) -> bool:
    booked = state.published[ADJUSTMENTS]
    return bool(booked) and booked[-1][:2] == wanted[:2]


def _books(state: State) -> Books:
    return state.published[JOURNAL]


def _is_closed(state: State) -> bool:
    return state.published[BALANCES] is not None


def with_due_entries(state: State) -> Books:
    """The published journal and what is due on the day."""
    books = _books(state)
    of_month = tuple(index for index, row in enumerate(state.published[ADJUSTMENTS]) if row.month == 0)
    night = state.paid.run if books.night is None and state.paid is not None else books.night
    return books._replace(
        night=night,
        restatements=tuple(sorted({*books.restatements, *of_month})),
        has_hold=books.has_hold or state.inputs > 0,
    )


def look_post(state: State, number: int, without: str, rest: int) -> Iterator[Next]:
    if _is_closed(state):
        yield from _ends(state, number, without, "finds the month closed")
    elif with_due_entries(state) == _books(state):
        yield from _skips(state, number, rest, "finds nothing due")
    else:
        yield "finds entries due", state


def compute_post(state: State, number: int, without: str, rest: int) -> Iterator[Next]:
    books = with_due_entries(state)
    if books == _books(state):
        yield from _skips(state, number, rest, "finds that another run has posted all")
    elif _is_closed(state) and without != "a posting looks again whether the month is closed":
        yield from _ends(state, number, without, "finds the month closed meanwhile")
    else:
        yield from _stages(state, number, "computes the entries that are due", (JOURNAL, books))


def look_close(state: State, number: int, without: str) -> Iterator[Next]:
    if _is_closed(state):
        yield from _ends(state, number, without, "finds the month closed")
    elif state.paid is None:
        yield from _ends(state, number, without, "finds a day that is not published")
    else:
        yield "finds the month open", state


def compute_close(state: State, number: int, without: str) -> Iterator[Next]:
    if _is_closed(state):
        yield from _ends(state, number, without, "finds the month closed by another run")
    elif with_due_entries(state) != _books(state) and without != "a close looks again at what is due":
        yield from _ends(state, number, without, "finds entries that became due meanwhile")
    else:
        books = _books(state)._replace(has_payments=True)
        yield from _stages(state, number, "computes balances and payments", (JOURNAL, books), (BALANCES, books))


def load_table(state: State, number: int, without: str) -> Iterator[Next]:
    yield "loads late events and a hold", state._replace(inputs=1)


def named_versions(state: State, number: int, without: str) -> Iterator[Next]:
    named = state.paid if without != "maintenance keeps what the ledger names" else None
    yield "reads the versions that the ledger names", with_run(state, number, seen=named)


def optimize(state: State, number: int, without: str) -> Iterator[Next]:
    replaced = replaced_by(state, None, without)
    yield "compacts pool_payouts", state._replace(is_compacted=state.latest[PAYOUTS] is not None, replaced=replaced)


def vacuum(state: State, number: int, without: str) -> Iterator[Next]:
    latest = () if state.is_compacted else (state.latest[PAYOUTS],)
    gone = state.replaced - {state.runs[number].seen, *latest}
    words = f"deletes {len(gone)} old versions of pool_payouts"
    yield words, state._replace(deleted=state.deleted | gone, replaced=state.replaced - gone)


def publications(state: State, number: int, without: str) -> Iterator[Next]:
    """Note what the ledgers publish: before a query reads what is published, and again after it."""
    ledgers = (state.paid, state.published)
    seen = state.runs[number].seen
    if seen is None:
        yield "begins", with_run(state, number, seen=(ledgers, None, None))
    elif seen[0] != ledgers and without != "a query looks again at the ledgers":
        yield "finds that the ledgers have changed", with_run(state, number, seen=(ledgers, None, None), position=1)
    else:
        payouts, scores = seen[2], seen[1]
        is_mixed = payouts is not None and payouts.scores != scores
        yield "has what it needs", ending(state, number, without, MIXED if is_mixed else ENDED)


def published_rows(state: State, number: int, without: str, table: int) -> Iterator[Next]:
    """Resolve the version in which a table is published."""
    seen = changed(state.runs[number].seen, 1 if table == SCORES else 2, published_version(state, table))
    yield f"reads what is published of {('scores', 'payouts')[table]}", with_run(state, number, seen=seen)
