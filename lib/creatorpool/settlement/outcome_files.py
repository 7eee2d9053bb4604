"""Reads reports of what became of payments: CSV with columns payment_id, status, amount_minor and settled_on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from creatorpool.errors import InputError
from creatorpool.quoting import quoted
from creatorpool.settlement.csv_lines import read_lines
from creatorpool.settlement.outcomes import PAID, RETURNED, Outcome
from creatorpool.storage.places import Place

COLUMNS = ("payment_id", "status", "amount_minor", "settled_on")
_WHOLE = re.compile(r"[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class OutcomeFile:
    """The lines of a report, and its id: the same for the same content."""

    outcomes: tuple[Outcome, ...]
    import_id: str


def read_outcomes(path: Place) -> OutcomeFile:
    """Read a report.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, has no line, or has lines that cannot be read; the message names
        all of them.
    """
    lines = read_lines(path, COLUMNS)
    outcomes, faults = [], []
    for number, row in lines.rows:
        wrong = list(_faults(row))
        faults += [f"line {number}: {fault}" for fault in wrong]
        if not wrong:
            name, status, amount, day = (str(row[column]) for column in COLUMNS)
            outcomes.append(Outcome(name, status, int(amount), date.fromisoformat(day)))
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}. Nothing of the report is booked")
    if not outcomes:
        raise InputError(f"{path} has no line")
    return OutcomeFile(tuple(outcomes), hashlib.sha256(lines.content).hexdigest()[:32])


def _faults(row: Mapping[str, str | None]) -> Iterator[str]:
    if not row["payment_id"]:
        yield "payment_id is empty"
    if row["status"] not in (PAID, RETURNED):
        yield f"status '{quoted(row['status'])}' is neither {PAID} nor {RETURNED}"
    if not _WHOLE.fullmatch(row["amount_minor"] or ""):
        yield f"amount_minor '{quoted(row['amount_minor'])}' is no whole number of minor units"
    if not _is_day(row["settled_on"] or ""):
        yield f"settled_on '{quoted(row['settled_on'])}' is no day, YYYY-MM-DD"


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False
