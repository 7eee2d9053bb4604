"""Reads reports of what became of payments: CSV with columns payment_id, status, amount_minor and settled_on."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.quoting import quoted
from creatorpool.settlement.outcomes import PAID, RETURNED, Outcome

COLUMNS = ("payment_id", "status", "amount_minor", "settled_on")
_WHOLE = re.compile(r"[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class OutcomeFile:
    """The lines of a report, and its id: the same for the same content."""

    outcomes: tuple[Outcome, ...]
    import_id: str


def read_outcomes(path: Path) -> OutcomeFile:
    """Read a report.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, has no line, or has lines that cannot be read; the message names
        all of them.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: {error.reason} at byte {error.start}") from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise InputError(f"{path}: missing columns {missing}; expected {list(COLUMNS)}")
    outcomes, faults = [], []
    for row in rows:
        wrong = list(_faults(row))
        faults += [f"line {rows.line_num}: {fault}" for fault in wrong]
        if not wrong:
            day = date.fromisoformat(row["settled_on"])
            outcomes.append(Outcome(row["payment_id"], row["status"], int(row["amount_minor"]), day))
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}. Nothing of the report is booked")
    if not outcomes:
        raise InputError(f"{path} has no line")
    return OutcomeFile(tuple(outcomes), hashlib.sha256(content).hexdigest()[:32])


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
