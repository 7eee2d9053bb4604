"""The rights that divided what is posted: the version of `video_rights` of each entry, from the ledger.

Rights that are loaded later may be about earlier days. They do not change what is posted, so whoever divides posted
money again (statements, late holds, `verify`) reads the rights of its entry.
"""

from __future__ import annotations

from datetime import date

from creatorpool.runs.ledger import POST, StageRun, published_runs
from creatorpool.settlement.journal import ADJUSTMENT, NIGHT, Entry
from creatorpool.tables import Warehouse

RIGHTS, HOLDS = "video_rights", "holds"
DIVIDED_BY = "divided_by"
"""Key of these versions in the ledger row of a posting"""


def divided_by(warehouse: Warehouse) -> dict[str, int | None]:
    """The version of `video_rights` that divided each posted night and adjustment, by entry; None without the table."""
    return {name: version for run in published_runs(warehouse, POST) for name, version in divided_in(run).items()}


def divided_in(run: StageRun) -> dict[str, int | None]:
    """The same for the entries of one posting. Postings of earlier versions kept one for all of their entries."""
    if DIVIDED_BY in run.rows:
        return dict(run.rows[DIVIDED_BY])
    named = [Entry(NIGHT, date.fromisoformat(day)) for day in run.rows["nights"]]
    pairs = (reference.split("/") for reference in run.rows["restatements"])
    named += [Entry(ADJUSTMENT, date.fromisoformat(day), number) for day, number in pairs]
    return {entry.entry_id: run.inputs.get(RIGHTS) for entry in named}
