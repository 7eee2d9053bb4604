"""Warnings of the ledger are compared by their words, so that days of earlier versions still verify."""

from __future__ import annotations

import pytest

from creatorpool.verification.pools import warning_words


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        ("caps leave 1680 micros unallocated", "caps leave 0.00168 USD unallocated"),
        (
            "floors scaled from 300 to 250 micros to fit the pool; lambda_eff 0.3 moved 7 micros, 2e-05 of the pool",
            "floors scaled from 1,200.0003 USD to 0.00025 USD to fit the pool; lambda_eff 0.3 moved 7 micros, 2e-05 of "
            "the pool",
        ),
    ],
)
def test_amounts_of_a_warning_may_be_written_in_another_unit(earlier: str, now: str) -> None:
    assert warning_words(earlier, 1) == warning_words(now, 1)


def test_other_words_are_another_warning_and_a_pool_without_money_has_none() -> None:
    whole = "no eligible video: the whole pool is unallocated"

    assert warning_words(whole, 1) != warning_words("no video with quality above 0: the whole pool is unallocated", 1)
    assert warning_words(whole, 0) is warning_words(None, 0) is None
