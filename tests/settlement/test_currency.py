"""Minor units by ISO 4217."""

from __future__ import annotations

import pytest

from creatorpool.errors import InputError
from creatorpool.settlement.currency import has_minor_units, micros_per_minor_unit


@pytest.mark.parametrize(("code", "micros"), [("USD", 10_000), ("EUR", 10_000), ("JPY", 1_000_000), ("BHD", 1_000)])
def test_minor_units_follow_the_exponent(code: str, micros: int) -> None:
    assert has_minor_units(code)
    assert micros_per_minor_unit(code) == micros


@pytest.mark.parametrize("code", ["QQQ", "XAU", "XXX"])
def test_currencies_without_minor_units_are_refused(code: str) -> None:
    assert not has_minor_units(code)
    with pytest.raises(InputError, match=f"'{code}' is no currency of ISO 4217"):
        micros_per_minor_unit(code)
