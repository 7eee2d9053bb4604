"""Division among payees: exact, fair to a micro, and independent of order, against fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.settlement.rights import WHOLE_PPM, divided

AMOUNTS = st.integers(0, 10**15)


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    cuts = draw(st.lists(st.integers(0, WHOLE_PPM), max_size=5))
    marks = [0, *sorted(cuts), WHOLE_PPM]
    return {f"payee-{n}": end - start for n, (start, end) in enumerate(pairwise(marks))}


@given(AMOUNTS, shares())
@settings(max_examples=100)
def test_parts_sum_to_the_amount_and_differ_from_exact_shares_by_less_than_a_micro(
    micros: int, given_shares: dict[str, int]
) -> None:
    parts = divided(micros, given_shares)

    assert sum(parts.values()) == micros
    exact = {payee: Fraction(micros * share, WHOLE_PPM) for payee, share in given_shares.items()}
    assert all(abs(parts[payee] - exact[payee]) < 1 for payee in exact)
    raised = {payee for payee in exact if parts[payee] > exact[payee]}
    rest = {payee: exact[payee] - int(exact[payee]) for payee in exact}
    # Nobody with a smaller remainder is raised before somebody with a larger one.
    assert all(rest[one] >= rest[other] for one in raised for other in exact if other not in raised)
    assert divided(micros, dict(reversed(given_shares.items()))) == parts


def test_ties_go_to_the_first_payees_by_id() -> None:
    thirds = {"c": 333_334, "a": 333_333, "b": 333_333}
    assert divided(2, thirds) == {"a": 1, "b": 0, "c": 1}
    assert divided(10, {"b": 500_000, "a": 500_000}) == {"a": 5, "b": 5}
    assert divided(11, {"b": 500_000, "a": 500_000}) == {"a": 6, "b": 5}


@pytest.mark.parametrize(
    ("micros", "given_shares"), [(-1, {"a": WHOLE_PPM}), (1, {"a": 1}), (1, {"a": -1, "b": 1_000_001})]
)
def test_amounts_below_0_and_shares_that_are_no_whole_are_refused(micros: int, given_shares: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="shares of a whole"):
        divided(micros, given_shares)
