"""Sums of floats that do not depend on their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from creatorpool.allocation.summation import order_free_group_sums, order_free_sum


@pytest.mark.parametrize("n", [0, 1, 7, 8, 1_000, 300_000])
def test_order_free_sum_wide_range_is_exact_sum_in_any_order(n):
    rng = np.random.default_rng(n)
    values = 10.0 ** rng.uniform(-30, 3, n)
    total = order_free_sum(values, 1e3)
    assert total == pytest.approx(math.fsum(values), rel=2e-16, abs=0)
    assert order_free_sum(values[::-1].copy(), 1e3) == total
    assert order_free_sum(rng.permutation(values), 1e3) == total


def test_order_free_sum_plain_summation_would_depend_on_order():
    values = 10.0 ** np.random.default_rng(1).uniform(-8, 3, 10_000)
    assert float(np.cumsum(values)[-1]) != float(np.cumsum(values[::-1])[-1])
    assert order_free_sum(values, 1e3) == order_free_sum(values[::-1].copy(), 1e3)


def test_order_free_group_sums_random_groups_equal_exact_sums():
    rng = np.random.default_rng(2)
    values, group = rng.pareto(0.7, 5_000), rng.integers(0, 40, 5_000)
    order = rng.permutation(5_000)
    bound = float(values.max())
    sums = order_free_group_sums(values, group, 41, bound)
    np.testing.assert_allclose(sums, [math.fsum(values[group == g]) for g in range(41)], rtol=2e-16)
    np.testing.assert_array_equal(sums, order_free_group_sums(values[order], group[order], 41, bound))
