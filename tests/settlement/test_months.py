"""Months as accounting periods."""

from __future__ import annotations

from datetime import date

import pytest

from creatorpool.errors import InputError
from creatorpool.settlement.months import first_day, month_name, next_month, parsed_month, previous_month


def test_a_month_is_its_last_day() -> None:
    assert parsed_month("2026-11") == date(2026, 11, 30)
    assert parsed_month("2028-02") == date(2028, 2, 29)
    assert month_name(date(2026, 11, 3)) == "2026-11"
    assert first_day(date(2026, 11, 30)) == date(2026, 11, 1)
    assert next_month(date(2026, 12, 5)) == date(2027, 1, 31)
    assert previous_month(date(2027, 1, 31)) == date(2026, 12, 31)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "0000-01", "202611", "2026-11-01", "november"])
def test_other_text_is_no_month(text: str) -> None:
    with pytest.raises(InputError, match="is no month; write YYYY-MM"):
        parsed_month(text)
