"""Logarithm and exponential: within one unit in the last place of mpmath, and the same bits in any slice."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from creatorpool.numerics.elementary import exp, log

RNG = np.random.default_rng(4)
POSITIVE = np.concatenate(
    [RNG.random(300), 1 + RNG.normal(0, 1e-6, 100), 10.0 ** RNG.uniform(-307, 307, 300), [5e-324, 1.0, 0.5, 2.0, 1e308]]
)
EXPONENTS = np.concatenate([RNG.uniform(-700, 700, 300), RNG.normal(0, 1, 300), RNG.normal(0, 1e-9, 50), [0.0, 709.0]])


@pytest.mark.parametrize(
    ("function", "exact", "arguments"), [(log, mpmath.log, POSITIVE), (exp, mpmath.exp, EXPONENTS)], ids=["log", "exp"]
)
def test_elementary_against_mpmath_is_within_one_ulp(function, exact, arguments):
    with mpmath.workdps(50):
        error = [
            abs(mpmath.mpf(float(value)) - exact(mpmath.mpf(float(x)))) / float(np.spacing(abs(value)) or 5e-324)
            for x, value in zip(arguments, function(arguments), strict=True)
        ]
    assert max(error) < 1


def test_elementary_at_its_ends_is_exact():
    assert log([0.0, 1.0]).tolist() == [-np.inf, 0.0]
    assert exp([-np.inf, -1e6, 0.0]).tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("function", [log, exp])
def test_elementary_of_any_slice_or_stride_has_the_same_bits(function):
    x = RNG.random(1001)
    whole = function(x)
    for step in (1, 2, 3, 7):
        for start in range(step):
            assert_array_equal(function(x[start::step]), whole[start::step])
    assert_array_equal([float(function(value)) for value in x], whole)
