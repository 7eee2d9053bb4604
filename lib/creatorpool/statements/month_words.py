"""The reason codes of the books in words, for statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from creatorpool.settlement.months import without_words
from creatorpool.settlement.outcomes import DUE, PAID, RETURNED

RESTATEMENTS = {
    "late_events": "events that arrived late",
    "invalid_viewers": "viewers who were found to be invalid",
    "revenue_corrected": "corrected revenue",
    "compliance": "compliance",
    "error": "an error that was corrected",
}
"""Why a day was restated"""
HOLDS = {
    "bank_details": "bank details are missing or wrong",
    "dispute": "a dispute about the money or its video",
    "identity": "the payee's identity is not confirmed",
    "invalid_views": "views that may be invalid",
    "legal": "an order of a court or an authority",
    "tax": "tax details are missing",
}
"""Why money is held; platforms may use other codes, too"""
CLOSINGS = {
    "paid": "paid; less than the smallest unit is carried",
    "below_threshold": "below the smallest payment, so it is carried to the next month",
    "negative": "negative, so it is carried to the next month",
    "on_hold": "a hold keeps the payee from being paid",
    "nothing_payable": "nothing is payable",
}
"""Why a payee is paid or not"""
NOT_COMPLIANT, NO_IMPRESSIONS, INVALID_VIEWERS = "not_compliant", "no_impressions", "invalid_viewers"
LEFT_OUT = {
    NOT_COMPLIANT: "not paid from pools, not compliant",
    NO_IMPRESSIONS: "not paid from pools, no effective impressions: no view, or a signal at 0",
    INVALID_VIEWERS: "views of viewers who were known to be invalid did not count",
}
"""Why pools paid a video nothing, or not for all its views"""

Row = Mapping[str, Any]


def restatement_words(row: Row) -> str:
    """Why a day was restated, with its note and, from a row of `pool_adjustments`, the appeal that it follows.

    Rows of `payout_adjustments` do not have the appeal.
    """
    appeal = row.get("appeal_id")
    notes = [row["note"], f"after appeal {appeal}" if appeal else None]
    return _with_note(RESTATEMENTS[row["reason_code"]], "; ".join(note for note in notes if note))


def hold_words(hold_id: str, holds: Mapping[str, Row]) -> str:
    """A hold with its reason, its code in brackets, and its note; `holds` are the rows of the table by id.

    A code that is not in `HOLDS` stands as it is.
    """
    hold = holds.get(hold_id)
    if hold is None:
        return f"hold {hold_id}"
    code = hold["reason_code"]
    if code not in HOLDS:
        return _with_note(f"hold {hold_id}, {code}", hold["note"])
    return f"hold {hold_id}, {HOLDS[code]} ({code}{'; ' + hold['note'] if hold['note'] else ''})"


def stop_words(hold: str) -> str:
    """That nothing is paid because of a hold on the payee, named as by `hold_words`."""
    return f"On the payee when the month ended, so that nothing is paid: {hold}"


def outage_words(days: Sequence[date]) -> str:
    """That a month was closed without `days`, one at least, and what this means for payees."""
    return f"The month is closed{without_words(days)}: no views were recorded then, and none are paid"


def share_words(share_ppm: int) -> str:
    """A payee's part of a video by rights, as an exact percentage."""
    whole, rest = divmod(share_ppm, 10_000)
    return f"{whole}{f'.{rest:04}'.rstrip('0') if rest else ''} % of the video by rights"


def appeal_words(appeal: Row) -> str:
    """What an appeal is about, when it arrived, and what was decided, from a row of `appeals`."""
    about = f"video {appeal['subject_id']}" if appeal["subject_kind"] == "video" else f"the {appeal['subject_kind']}"
    text = (
        f"Appeal {appeal['appeal_id']} about {about} on {appeal['service_date']}, received on {appeal['received_on']}"
    )
    if appeal["decision"] is None:
        return f"{text}: not decided yet"
    return f"{text}, decided on {appeal['decided_on']}: {appeal['decision']}"


def payment_words(payment: Row) -> str:
    """What became of a row of `payments`, and when."""
    words = {DUE: "to be sent", PAID: "sent on {settled_on}", RETURNED: "came back on {settled_on}"}
    return words[payment["status"]].format_map(payment)


def _with_note(text: str, note: str | None) -> str:
    return f"{text} ({note})" if note else text
