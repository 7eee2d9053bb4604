"""Powers that do not depend on the processor: within two ulps of mpmath, the same bits for any slice."""

from __future__ import annotations

import hashlib

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from creatorpool.numerics.powers import portable_power

RNG = np.random.default_rng(2)
SHARES = np.concatenate(
    [RNG.random(200), 10.0 ** RNG.uniform(-322, 8, 200), [5e-324, 2.0**-1022, 1e-308, 0.5, 1.0, 2.0, np.sqrt(0.5)]]
)


@pytest.mark.parametrize("exponent", [1e-9, 0.123456789123456, 0.3, 1 / 3, 0.7, 0.999999])
def test_portable_power_against_mpmath_is_within_two_ulps(exponent):
    with mpmath.workdps(50):
        error = [
            abs(mpmath.mpf(float(power)) - mpmath.mpf(float(x)) ** mpmath.mpf(exponent)) / float(np.spacing(power))
            for x, power in zip(SHARES, portable_power(SHARES, exponent), strict=True)
        ]
    assert max(error) < 2


def test_portable_power_at_its_ends_is_exact():
    assert_array_equal(portable_power(np.array([0.0, 1.0]), 0.3), [0.0, 1.0])
    assert_array_equal(portable_power(np.array([3.0, 0.25]), 0.0), [1.0, 1.0])


def test_portable_power_of_any_slice_or_stride_has_the_same_bits():
    whole = portable_power(SHARES, 0.3)
    for step in (2, 3, 7):
        assert_array_equal(portable_power(SHARES[1::step], 0.3), whole[1::step])
    assert_array_equal([portable_power(SHARES[i : i + 1], 0.3)[0] for i in range(SHARES.size)], whole)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.floats(0.01, 0.99))
def test_portable_power_of_shares_rises_with_them_to_an_ulp(shares, exponent):
    powers = portable_power(np.sort(np.array(shares)), exponent)
    assert np.all(np.diff(powers) >= -2 * np.spacing(powers[1:]))


def test_portable_power_has_the_bits_of_every_processor():
    x = np.arange(1, 100_001) / 100_001.0
    digest = hashlib.sha256(portable_power(x, 0.3).tobytes() + portable_power(x, 0.7).tobytes()).hexdigest()
    assert digest == "d4d2116217188d7b392c8e3a94b4d8eeebd65881775b20b610a33c3f8c25c160"
