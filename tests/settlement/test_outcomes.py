"""Reports of what became of payments: what can be booked, and every line that cannot."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from creatorpool.errors import InputError
from creatorpool.settlement.outcome_files import read_outcomes
from creatorpool.settlement.outcomes import Outcome, Payment, faults

MONTH = date(2026, 11, 30)
DAY = date(2026, 12, 2)
HEADER = "payment_id,status,amount_minor,settled_on\n"


def test_unknown_ids_other_amounts_and_repetitions_are_all_named() -> None:
    payments = {
        name: Payment(name, status, 5, MONTH)
        for name, status in {"due": "due", "paid": "paid", "back": "returned", "twice": "due"}.items()
    }
    report = [Outcome(name, "paid", 5, DAY) for name in ("due", "paid", "back", "nobody", "twice", "twice")]

    assert faults([Outcome("due", "returned", 5, DAY), Outcome("paid", "returned", 5, DAY)], payments, DAY) == []
    report.append(Outcome("nobody", "returned", 7, DAY))
    assert faults([*report, Outcome("due", "paid", 6, DAY)], payments, DAY) == [
        "due is reported 2 times",
        "paid is paid already and cannot become paid",
        "back is returned already and cannot become paid",
        "nobody is no payment",
        "twice is reported 2 times",
        "due has amount 6, must be 5",
    ]


@pytest.mark.parametrize("day", [MONTH, DAY])
def test_a_payment_is_settled_from_the_end_of_its_month_to_the_last_day_of_the_books(day: date) -> None:
    def found(settled_on: date) -> list[str]:
        return faults([Outcome("p", "paid", 5, settled_on)], {"p": Payment("p", "due", 5, MONTH)}, DAY)

    assert found(day) == []
    for wrong in (MONTH - timedelta(days=1), DAY + timedelta(days=1)):
        assert found(wrong) == [f"p has settled_on {wrong}, must be from 2026-11-30 to 2026-12-02"]


def test_a_report_is_read_with_its_own_id(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text(f"{HEADER}p1,paid,120,2026-12-02\np2,returned,3,2026-12-03\n", encoding="utf-8-sig")

    found = read_outcomes(path)

    assert found.outcomes == (Outcome("p1", "paid", 120, DAY), Outcome("p2", "returned", 3, date(2026, 12, 3)))
    path.write_text(path.read_text("utf-8-sig"), encoding="utf-8")
    assert len({found.import_id, read_outcomes(path).import_id}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("payment_id,status\n", "missing columns \\['amount_minor', 'settled_on'\\]"),
        (HEADER, "has no line"),
        (
            f"{HEADER},lost,1.5,2026-02-30\np,paid,-1,20261202\n",
            "line 2: payment_id is empty; line 2: status 'lost' is neither paid nor returned; line 2: amount_minor "
            "'1.5' .*settled_on '2026-02-30' is no day.*; line 3: amount_minor '-1' .*line 3: settled_on '20261202'",
        ),
    ],
)
def test_lines_that_cannot_be_read_are_all_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "report.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_outcomes(path)
