"""Payouts filled in from a dual: row by row, the same bits in any batch."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from creatorpool.allocation import BOUNDS, allocate, payout_from_dual
from creatorpool.errors import InputError
from creatorpool.money import apply_rounding, rounding_rule


def _pool(n: int, *, alpha: float, lambda_eff: float, objective: str, creators: bool):
    rng = np.random.default_rng(n)
    m = rng.pareto(1.0, n) * (rng.random(n) > 0.1)
    floor, cap = rng.random(n), 50.0 + 100.0 * rng.random(n)
    options: dict[str, Any] = {
        "alpha": alpha,
        "lambda_eff": lambda_eff,
        "objective": objective,
        "floor": floor,
        "cap": cap,
    }
    creator = np.array([f"c{g}" for g in rng.integers(0, n // 10, n)])
    if creators:
        options |= {"creator": creator, "creator_cap": 120.0}
    return m, allocate(m, 8.0 * n, **options), floor, cap, creator


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize(
    ("objective", "lambda_eff"), [("linear", 0.3), ("linear", 1 - 1e-6), ("linear", 1.0), ("log", 0.4)]
)
@pytest.mark.parametrize("creators", [False, True])
def test_payout_from_dual_any_batch_gives_bits_of_whole(alpha, objective, lambda_eff, creators):
    m, allocation, floor, cap, creator = _pool(
        1_003, alpha=alpha, lambda_eff=lambda_eff, objective=objective, creators=creators
    )
    rng = np.random.default_rng(3)
    for first, end in [(0, 1_003), (1, 2), (5, 5), (7, 1_000), *(sorted(rng.integers(0, 1_003, 2)) for _ in range(12))]:
        rows = slice(first, end)
        payout, bound = payout_from_dual(allocation.dual, m[rows], floor[rows], cap[rows], creator[rows])
        np.testing.assert_array_equal(payout, allocation.payout[rows])
        np.testing.assert_array_equal(bound, allocation.bound_code[rows])


@pytest.mark.parametrize("alpha", [0.3, 0.77])
def test_payout_from_dual_strided_rows_give_bits_of_whole(alpha):
    m, allocation, floor, cap, _ = _pool(999, alpha=alpha, lambda_eff=0.3, objective="linear", creators=False)
    payout, _ = payout_from_dual(allocation.dual, m[::3], floor[::3], cap[::3])
    np.testing.assert_array_equal(payout, allocation.payout[::3])


def test_payout_from_dual_batches_rounded_by_one_rule_close_to_the_micro():
    m, allocation, floor, cap, _ = _pool(2_000, alpha=0.5, lambda_eff=0.3, objective="linear", creators=False)
    pool = 16_000
    lower, upper = np.zeros(2_000, dtype=np.int64), np.ceil(cap).astype(np.int64)
    rule = rounding_rule(allocation.payout, pool, lower, upper)
    total = tied = 0
    for rows in (slice(0, 700), slice(700, 701), slice(701, 2_000)):
        payout, _ = payout_from_dual(allocation.dual, m[rows], floor[rows], cap[rows])
        base, is_tied = apply_rounding(payout, rule, lower[rows], upper[rows])
        total, tied = total + int(base.sum()), tied + int(is_tied.sum())
    assert total + rule.raised_ties == pool
    assert tied == rule.tied


def test_payout_from_dual_pickled_dual_gives_same_bits():
    m, allocation, floor, cap, creator = _pool(300, alpha=0.5, lambda_eff=0.3, objective="linear", creators=True)
    dual = pickle.loads(pickle.dumps(allocation.dual))
    np.testing.assert_array_equal(payout_from_dual(dual, m, floor, cap, creator)[0], allocation.payout)


def test_payout_from_dual_names_the_bound_of_each_payout():
    m, allocation, floor, cap, _ = _pool(3_000, alpha=0.5, lambda_eff=0.3, objective="linear", creators=True)
    labels = np.array(BOUNDS)[allocation.bound_code]
    assert set(labels) == set(BOUNDS)
    # A creator's cap holds a video at its floor if the pool's price alone would pay more.
    alone, _ = payout_from_dual(replace(allocation.dual, creators=None), m, floor, cap)
    np.testing.assert_array_equal(labels == "creator_cap", allocation.payout < alone)
    np.testing.assert_array_equal(labels == "floor", (allocation.payout == floor) & (allocation.payout == alone))
    assert ((labels == "creator_cap") & (allocation.payout == floor)).any()
    np.testing.assert_array_equal(labels == "cap", allocation.payout == cap)
    assert labels.tolist() == allocation.bound.tolist()
    assert (m[labels == "interior"] > 0).all()


def test_payout_from_dual_capped_creators_without_labels_is_refused():
    m, allocation, floor, cap, _ = _pool(100, alpha=0.5, lambda_eff=0.3, objective="linear", creators=True)
    with pytest.raises(InputError, match="creator must be given"):
        payout_from_dual(allocation.dual, m, floor, cap)
