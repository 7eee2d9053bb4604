"""The commands that change or read a day, as sequences of the protocol's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.runs import protocol_recovery as recovery
from tests.runs import protocol_stages as stages
from tests.runs import protocol_steps as steps
from tests.runs.protocol_state import (
    ADJUSTMENTS,
    ALLOCATE,
    BALANCES,
    BOOKS,
    JOURNAL,
    PAYOUTS,
    SCORES,
    SIGNALS,
    State,
    Step,
)
from tests.runs.protocol_steps import Next

_POST: tuple[Step, ...] = (
    ("look_post", 9),
    *(("take", ALLOCATE), ("take", BOOKS), ("recover",), ("compute_post", 4)),
    *(("require_held", BOOKS), ("begin_runs", "post"), ("commit", JOURNAL), ("publish_run", "post")),
    ("give_back", BOOKS, ALLOCATE),
)
COMMANDS: Mapping[str, tuple[Step, ...]] = {
    "pay": (
        *(("look_pay",), ("take", ALLOCATE), ("recover",), ("compute_pay",), ("require_held", ALLOCATE)),
        *(("begin_runs", "allocate"), ("commit", PAYOUTS), ("publish_pools",), ("forget_run",)),
    ),
    "republish": (
        *(("take", SIGNALS), ("take", ALLOCATE), ("recover",), ("compute_republish",)),
        *(("require_held", SIGNALS), ("require_held", ALLOCATE), ("begin_runs", "signals", "allocate")),
        *(("commit", SCORES), ("commit", PAYOUTS), ("publish_pools",), ("publish_run", "signals"), ("forget_run",)),
    ),
    "restate": (
        *(("look_restate",), ("take", ALLOCATE), ("take", BOOKS), ("recover",), ("compute_restate",)),
        *(("require_held", BOOKS), ("begin_runs", "restate"), ("commit", ADJUSTMENTS), ("publish_run", "restate")),
    ),
    "post": _POST,
    "close": (
        *(("look_close",), *_POST, ("take", BOOKS), ("recover",), ("compute_close",), ("require_held", BOOKS)),
        *(("begin_runs", "close"), ("commit", JOURNAL), ("commit", BALANCES), ("publish_run", "close")),
    ),
    "load": (("load_table",),),
    "maintain": (("recover",), ("named_versions",), ("optimize",), ("vacuum",)),
    "query": (("publications",), ("published_rows", SCORES), ("published_rows", PAYOUTS), ("publications",)),
}


def next_step(state: State, number: int) -> Step:
    """The step that a live run takes next."""
    run = state.runs[number]
    if run.pending:
        return run.pending[0]
    sequence = COMMANDS[run.command]
    return sequence[run.position] if run.position < len(sequence) else ("finish",)


STEPS: Mapping[str, tuple[Callable[..., Iterator[Next]], str]] = {
    "take": (steps.take, "creatorpool.runs.claims._take"),
    "raise_fence": (steps.raise_fence, "creatorpool.storage.fence.raise_fences"),
    "require_held": (steps.require_held, "creatorpool.runs.claims.require_held"),
    "begin_runs": (steps.begin_runs, "creatorpool.runs.ledger.begin_runs"),
    "commit": (steps.commit, "creatorpool.storage.commits.TableCommitter.commit"),
    "publish_pools": (steps.publish_pools, "creatorpool.runs.pools.publish_pools"),
    "publish_run": (steps.publish_run, "creatorpool.runs.ledger.publish_run"),
    "forget_run": (steps.forget_run, "creatorpool.runs.ledger.forget_run"),
    "give_back": (steps.give_back, "creatorpool.runs.claims._give_back"),
    "finish": (steps.finish, "creatorpool.runs.claims.claimed"),
    "recover": (recovery.recover, "creatorpool.stages.recovery.recover"),
    "recover_one": (recovery.recover_one, "creatorpool.stages.recovery._claim"),
    "recover_claimed": (recovery.recover_claimed, "creatorpool.stages.recovery._recover_one"),
    "restore_day": (recovery.restore_day, "creatorpool.storage.commits.TableCommitter.restore_day"),
    "complete": (recovery.complete, "creatorpool.stages.recovery._complete"),
    "fail_run": (recovery.fail_run, "creatorpool.runs.ledger.fail_run"),
    "look_pay": (stages.look_pay, "creatorpool.stages.signals.publish_signals"),
    "compute_pay": (stages.compute_pay, "creatorpool.stages.allocation.publish_payouts"),
    "compute_republish": (stages.compute_republish, "creatorpool.stages.allocation._republish_day"),
    "look_restate": (stages.look_restate, "creatorpool.stages.restatement.restate_day"),
    "compute_restate": (stages.compute_restate, "creatorpool.stages.restatement._restate"),
    "look_post": (stages.look_post, "creatorpool.stages.posting.post_day"),
    "compute_post": (stages.compute_post, "creatorpool.stages.due.due_entries"),
    "look_close": (stages.look_close, "creatorpool.stages.closing.close_month"),
    "compute_close": (stages.compute_close, "creatorpool.stages.closing._store"),
    "load_table": (stages.load_table, "creatorpool.stages.loading.load_table"),
    "named_versions": (stages.named_versions, "creatorpool.runs.retention.named_versions"),
    "optimize": (stages.optimize, "creatorpool.storage.upkeep.TableUpkeep.optimize"),
    "vacuum": (stages.vacuum, "creatorpool.storage.upkeep.TableUpkeep.vacuum"),
    "publications": (stages.publications, "creatorpool.report.query._publications"),
    "published_rows": (stages.published_rows, "creatorpool.runs.published_rows.published_rows"),
}
"""Each step, and the function of the library that takes it"""
