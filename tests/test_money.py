"""Largest remainders by a rule that executors apply: exact sums, bounds, and agreement with brute force."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from creatorpool.allocation.carry import open_carries
from creatorpool.allocation.revenue import form_pools, net_micros
from creatorpool.errors import InputError
from creatorpool.money import (
    CENT,
    LIMIT,
    apply_rounding,
    exact_sum,
    in_exact_units,
    in_units,
    in_whole_cents,
    round_to_total,
    rounding_rule,
)
from creatorpool.settings import load_settings

pools = st.integers(0, 2**32 - 1).map(lambda seed: _random_pool(np.random.default_rng(seed)))


def _random_pool(rng: np.random.Generator) -> tuple[NDArray[np.float64], int, NDArray[np.int64], NDArray[np.int64]]:
    """Real amounts within integer bounds that sum to an integer total up to float error; many remainders tie."""
    n = int(rng.integers(1, 12))
    amount = np.round(rng.exponential(10.0 ** rng.integers(0, 6), n), int(rng.integers(0, 3)))
    lower = np.floor(amount * rng.choice([0.0, 0.5, 1.0], n)).astype(np.int64)
    upper = np.ceil(amount * rng.choice([1.0, 1.5, 9.0], n)).astype(np.int64)
    total = int(np.clip(np.ceil(amount.sum()), lower.sum(), upper.sum()))
    room = upper - amount
    if room.sum() > 0:
        amount = np.minimum(amount + room * (total - amount.sum()) / room.sum(), upper)
    return amount, total, lower, upper


def _brute_force(amount, total, lower, upper, order) -> NDArray[np.int64]:
    """One micro at a time: up by the largest remainder, or down by the smallest, that bounds allow."""
    result = np.clip(np.floor(amount).astype(np.int64), lower, upper)
    remainder = amount - np.floor(amount)
    while result.sum() > total:
        result -= result > lower
    raised = np.zeros(amount.size, dtype=bool)
    while result.sum() < total:
        raised = np.zeros(amount.size, dtype=bool) if not (~raised & (result < upper)).any() else raised
        open_rows = [v for v in range(amount.size) if result[v] < upper[v] and not raised[v]]
        best = min(open_rows, key=lambda v: (-remainder[v], order[v]))
        result[best] += 1
        raised[best] = True
    return result


@given(st.lists(st.integers(-(10**13), 10**13) | st.just(0) | st.integers(-9_999, 9_999)))
def test_column_in_whole_cents_sums_to_its_rounded_sum(micros: list[int]) -> None:
    shown = in_whole_cents(micros)

    assert in_units(sum(shown)) == in_units(sum(micros)) or sum(shown) == 0  # zero has no sign
    assert all(own % CENT == 0 for own in shown)
    assert all(abs(own - of) < CENT for own, of in zip(shown, micros, strict=True))
    assert all(own == 0 for own, of in zip(shown, micros, strict=True) if of == 0)


def test_pools_of_half_cents_sum_to_the_printed_total() -> None:
    shown = in_whole_cents([69_460_000, 184_315_000, 141_235_000, 173_775_000])

    assert [in_units(own) for own in shown] == ["69.46", "184.32", "141.24", "173.77"]
    assert in_units(sum(shown)) == in_units(568_785_000) == "568.79"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00 USD"),
        (10, "0.00001 USD"),
        (-1_500_000, "-1.50 USD"),
        (22_999_953, "22.999953 USD"),
        (10**12, "1,000,000.00 USD"),
    ],
)
def test_exact_units_lose_no_micro(micros: int, text: str) -> None:
    assert in_exact_units(micros, "USD") == text


def test_round_to_total_hand_worked_pool_gives_largest_remainders():
    # Floors 1 + 2 + 3 = 6 of 8: the remainders 0.7 and 0.6 rise, 0.2 does not.
    assert round_to_total([1.7, 2.2, 3.6], 7 + 1).tolist() == [2, 2, 4]


def test_round_to_total_equal_remainders_go_to_smallest_ids():
    assert round_to_total([0.5] * 4, 2, order=["d", "b", "c", "a"]).tolist() == [0, 1, 0, 1]


def test_round_to_total_row_at_its_cap_is_not_raised():
    assert round_to_total([1.9, 1.1], 3, upper=[1, 5]).tolist() == [1, 2]


def test_round_to_total_integer_amounts_beyond_total_lose_one_each():
    # The sum of exact integers misses the total by more than floor() can explain (d < 0).
    assert round_to_total([3.0, 3.0, 3.0], 8).tolist() == [3, 3, 2]


def test_round_to_total_more_micros_missing_than_rows_shifts_all():
    assert round_to_total([1.25, 1.5, 1.75], 10).tolist() == [3, 3, 4]


@pytest.mark.parametrize("total", [0, 1, 9_000_000_000_000_000])
def test_round_to_total_single_row_gets_total(total):
    assert round_to_total([total * (1 - 1e-15)], total).tolist() == [total]


def test_round_to_total_empty_pool_of_nothing_is_empty():
    assert round_to_total([], 0).size == 0


def test_round_to_total_signed_amounts_need_lower_bound():
    assert round_to_total([-1.5, 1.5, 0.0], 0, lower=-LIMIT).sum() == 0
    with pytest.raises(InputError, match=r"amount\[0\] must be finite and >= 0"):
        round_to_total([-1.5, 1.5], 0)


@pytest.mark.parametrize("n", [1, 2, 10, 1_000, 100_000, 1_000_000])
def test_round_to_total_any_size_closes_to_micro(n):
    rng = np.random.default_rng(n)
    total = 9_000_000_000_000_000 - n
    amount = rng.pareto(1.1, n) + 1e-9
    amount *= total / amount.sum()
    rounded = round_to_total(amount, total, order=rng.permutation(n))
    assert exact_sum(rounded) == total
    assert np.abs(rounded - amount).max() < 2 + abs(exact_sum(np.floor(amount).astype(np.int64)) - total) / n


@settings(max_examples=100)
@given(pools)
def test_round_to_total_random_pool_closes_inside_bounds_within_one(pool):
    amount, total, lower, upper = pool
    rounded = round_to_total(amount, total, lower=lower, upper=upper)
    assert rounded.sum() == total
    assert (lower <= rounded).all()
    assert (rounded <= upper).all()
    if abs(amount.sum() - total) < 1:
        assert (np.abs(rounded - amount) < 1).all()


@settings(max_examples=100)
@given(pools, st.randoms(use_true_random=False))
def test_round_to_total_random_pool_matches_brute_force_and_ignores_row_order(pool, random):
    amount, total, lower, upper = pool
    order = np.array(random.sample(range(amount.size), amount.size))
    rounded = round_to_total(amount, total, lower=lower, upper=upper, order=order)
    np.testing.assert_array_equal(rounded, _brute_force(amount, total, lower, upper, order))

    shuffled = np.array(random.sample(range(amount.size), amount.size))
    again = round_to_total(amount[shuffled], total, lower=lower[shuffled], upper=upper[shuffled], order=order[shuffled])
    np.testing.assert_array_equal(again, rounded[shuffled])


@settings(max_examples=100)
@given(pools, st.integers(0, 12), st.integers(-40, 40))
def test_apply_rounding_gives_the_same_in_batches_as_in_one_call(pool, cut, miss):
    amount, total, lower, upper = pool
    total = int(np.clip(total + miss, lower.sum(), upper.sum()))  # the amounts miss the total by some micros
    rule = rounding_rule(amount, total, lower, upper)
    whole_base, whole_tied = apply_rounding(amount, rule, lower, upper)
    parts = [apply_rounding(amount[rows], rule, lower[rows], upper[rows]) for rows in (slice(cut), slice(cut, None))]
    np.testing.assert_array_equal(np.concatenate([base for base, _ in parts]), whole_base)
    np.testing.assert_array_equal(np.concatenate([tied for _, tied in parts]), whole_tied)
    assert whole_base.sum() + rule.raised_ties == total
    assert whole_tied.sum() == rule.tied


def test_exact_sum_beyond_int64_does_not_wrap():
    assert exact_sum(np.full(9, 2**62)) == 9 * 2**62
    assert exact_sum(np.array([-(2**63), -1, 5])) == -(2**63) + 4


invalid_input_of_round_to_total = [
    (([1.0, np.nan], 1), {}, r"amount\[1\] must be finite"),
    (([np.inf], 1), {}, r"amount\[0\] must be finite"),
    (([[1.0]], 1), {}, "one dimension"),
    (([1.0], 1.5), {}, "total must be an integer"),
    (([1.0], LIMIT * 2), {}, "total must be an integer within"),
    (([1.0, 1.0], 2), {"lower": [2, 2]}, "lower bounds sum to 4 micros over 2 rows, more than the total 2"),
    (([1.0, 1.0], 2), {"upper": [0, 1]}, "upper bounds sum to 1 micros over 2 rows, less than the total 2"),
    (([1.0, 1.0], 2), {"lower": 3, "upper": 2}, r"lower\[0\] must not exceed upper\[0\]"),
    (([1.0, 1.0], 2), {"lower": [0.2, 0.2], "upper": [0.8, 3.0]}, r"no integer from 1 to 0"),
    (([1.0, 1.0], 2), {"upper": [1, np.nan]}, r"upper\[1\] must be a number"),
    (([1.0, 1.0], 2), {"upper": [1, 2, 3]}, "upper must be a scalar or have the shape"),
    (([1.0, 1.0], 2), {"order": [1]}, "order must have one id per amount"),
    (([], 1), {}, "upper bounds sum to 0 micros over 0 rows"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), invalid_input_of_round_to_total)
def test_round_to_total_bad_input_is_refused_by_name(arguments, options, message):
    with pytest.raises(InputError, match=message):
        round_to_total(*arguments, **options)


@settings(max_examples=100)
@given(
    days=st.lists(st.tuples(st.integers(0, 10**14), st.integers(-(10**14), 0)), min_size=1, max_size=8),
    platform_share=st.sampled_from([0.0, 0.3, 0.45, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_money_of_days_with_refunds_is_paid_kept_or_carried_to_the_micro(days, platform_share, seed):
    chosen = load_settings(assignments=[f"pools.platform_share={platform_share}"]).pools
    rng = np.random.default_rng(seed)
    published: list[dict[str, Any]] = []
    paid = kept = 0
    for number, (gross, refunds) in enumerate(days):
        day = date(2026, 11, 20) + timedelta(days=number)
        booked = {"category": "music", "gross_micros": gross, "refunds_micros": refunds, "currency": "USD"}
        pool = vars(form_pools([booked], chosen, open_carries(published, day, "USD"))[0])
        published.append({"date": day, **pool})
        wanted = rng.pareto(1.1, 5) + 1e-9
        payouts = round_to_total(wanted * (pool["pool_micros"] / wanted.sum()), pool["pool_micros"])
        paid, kept = paid + exact_sum(payouts), kept + net_micros(pool) - pool["pool_micros"]
    assert sum(map(sum, days)) == paid + kept + published[-1]["carried_micros"]
    assert kept >= 0 >= published[-1]["carried_micros"]
