"""The abstract state of one service day under the publication protocol: claims, fences, tables, ledgers and runs.

Rows are opaque: a table's content says which run computed it, and from what. Each step of a run is one atomic commit,
or one reading of what other runs have committed, so that the order of the steps is all that can differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

CLAIMS = SIGNALS, ALLOCATE, BOOKS = range(3)
CLAIM_NAMES = ("signals", "allocate", "books")
TABLES = SCORES, PAYOUTS, ADJUSTMENTS, JOURNAL, BALANCES, POOL_LEDGER, STAGE_RUNS = range(7)
TABLE_NAMES = (
    *("video_signals", "pool_payouts", "payout_adjustments", "journal", "payee_balances"),
    *("allocation_runs", "stage_runs"),
)
STAGE_TABLES = {
    "signals": (SCORES,),
    "allocate": (PAYOUTS,),
    "restate": (ADJUSTMENTS,),
    "post": (JOURNAL,),
    "close": (JOURNAL, BALANCES),
}
DATA_TABLES = TABLES[:5]
NOBODY, ABANDONED = -1, -2
"""Holders of a claim: none, and a run that has ended before it had raised the fences"""
NO_TOKENS = (0,) * len(CLAIMS)
LIVE, ENDED, KILLED, MIXED = "live", "ended", "killed", "has read two generations"

Step = tuple[Any, ...]
"""Name of a step, then its arguments"""


class Books(NamedTuple):
    """The journal of the day: the generation of its night, how many restatements and holds it has, and payments."""

    night: int | None = None
    restatements: tuple[int, ...] = ()
    has_hold: bool = False
    has_payments: bool = False


class Adjustment(NamedTuple):
    """A booked restatement: the generation and the inputs that it was computed from, and its month, 0 or the next."""

    base: int
    inputs: int
    month: int


class Payouts(NamedTuple):
    """Payouts of the day: the run that computed them, and the scores that it used."""

    run: int
    scores: int


class Row(NamedTuple):
    """A row of `stage_runs` with status `running`."""

    stage: str
    run: int
    tables: tuple[int, ...]


class Run(NamedTuple):
    """One command: where it is, and what it holds, has read and has staged."""

    command: str
    position: int = 0
    pending: tuple[Step, ...] = ()
    """Steps to take before those of the command, such as fences to raise"""
    tokens: tuple[int, ...] = NO_TOKENS
    """Its token of each claim; 0 if it does not hold the claim"""
    seen: Any = None
    staged: tuple[tuple[int, Any], ...] = ()
    status: str = LIVE


class State(NamedTuple):
    """Everything that runs share, and the runs."""

    claims: tuple[int, ...]
    """The run that holds each claim"""
    fences: tuple[tuple[int, ...], ...]
    """The lowest token that a commit must carry, by claim and table"""
    latest: tuple[Any, ...]
    """What the latest version of each table of data has"""
    published: tuple[Any, ...]
    """What `stage_runs` says is published, by table"""
    paid: Payouts | None
    """The generation that `allocation_runs` publishes"""
    running: tuple[Row, ...]
    inputs: int
    """Number of loads that are published: late events and holds"""
    is_compacted: bool
    """Whether the latest version of the payouts has other files than the version that was committed"""
    replaced: frozenset[Payouts]
    """Payouts whose files the latest version no longer has, and that maintenance may delete"""
    deleted: frozenset[Payouts]
    faults: int
    """How many runs may still be killed, or end with an error"""
    skews: int
    """How often a clock may still say that the lease of a live run is over"""
    runs: tuple[Run, ...]


def initial(commands: tuple[str, ...], *, is_paid: bool, faults: int, skews: int) -> State:
    """A day whose scores are published, and, with `is_paid`, its payouts, whose files were compacted long ago."""
    paid = Payouts(-1, -1) if is_paid else None
    return State(
        claims=(NOBODY,) * len(CLAIMS),
        fences=((0,) * len(TABLES),) * len(CLAIMS),
        latest=(-1, paid, (), Books(), None),
        published=(-1, None, (), Books(), None),
        paid=paid,
        running=(),
        inputs=0,
        is_compacted=is_paid,
        replaced=frozenset({paid} if paid else ()),
        deleted=frozenset(),
        faults=faults,
        skews=skews,
        runs=tuple(map(Run, commands)),
    )


def published_version(state: State, table: int) -> Any:
    """What readers take for `table`: the scores that payouts were computed from are published with them."""
    if table == PAYOUTS:
        return state.paid
    if table == SCORES and state.paid is not None:
        return state.paid.scores
    return state.published[table]


def changed(values: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    """`values` with another value at `index`."""
    return (*values[:index], value, *values[index + 1 :])


def with_run(state: State, number: int, **fields: Any) -> State:
    """`state` with changed fields of one run."""
    return state._replace(runs=changed(state.runs, number, state.runs[number]._replace(**fields)))


def canonical(state: State) -> State:
    """The same state with the least tokens: only their order, and which runs a fence bars, can matter."""
    fences, runs = list(state.fences), state.runs
    for claim in CLAIMS:
        held = sorted({run.tokens[claim] for run in runs if run.tokens[claim]})
        barred = {fence: sum(token < fence for token in held) for fence in set(fences[claim])}
        fences[claim] = tuple(barred[fence] + 1 if barred[fence] else 0 for fence in fences[claim])
        if held and held[-1] != len(held):
            rank = {token: number for number, token in enumerate(held, 1)} | {0: 0}
            runs = tuple(run._replace(tokens=changed(run.tokens, claim, rank[run.tokens[claim]])) for run in runs)
    return state._replace(fences=tuple(fences), runs=runs)
