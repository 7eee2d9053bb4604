"""Powers of shares, with the same bits on every machine.

`numpy.power` may differ in its last bits between processors. This one uses additions, multiplications, divisions and
exact scalings by powers of two alone, each of which IEEE 754 fixes, with the series of `numerics.elementary`.
"""

from __future__ import annotations

import numpy as np

from creatorpool.numerics.compiled import compiled
from creatorpool.numerics.elementary import EXP_SERIES, LN2_HIGH, LN2_LOW, LOG_EVEN, LOG_ODD, SQRT_HALF
from creatorpool.numerics.types import Floats, Integers

# Plain names, because compiled code reads a tuple's elements more slowly than constants.
_E0, _E1, _E2 = LOG_EVEN
_D0, _D1, _D2, _D3 = LOG_ODD
_P0, _P1, _P2, _P3, _P4 = EXP_SERIES
_LN2 = LN2_HIGH + LN2_LOW
_LOG2_E = 1.0 / _LN2
_ONE_BITS, _MANTISSA_BITS = 0x3FF0000000000000, 0x000FFFFFFFFFFFFF
_BIAS, _MANTISSA_WIDTH = 1023, 52
_SMALLEST_NORMAL, _LIFT, _LIFTED = 2.0**-1022, 2.0**54, 54
_LOW = -960
# An exponent of at most 2**11 times a number of 41 bits is exact.
_HEAD_UNIT = 2.0**41


def portable_power(x: Floats, exponent: float) -> Floats:
    """x**exponent of (n,) finite `x` >= 0 for 0 <= exponent <= 1, within 2 units in the last place; 0 stays 0.

    With x = 2**k m and m in [√½, √2), the power is 2**(k·exponent) · exp(exponent · log m). The exponent is cut so
    that its head times k is exact: the whole part of the product then scales without rounding, however small x is.
    """
    values = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    head = float(np.floor(exponent * _HEAD_UNIT) / _HEAD_UNIT)
    result = np.empty(values.size)
    mantissas, scales = np.empty((2, values.size))
    lifted = np.where(values < _SMALLEST_NORMAL, values * _LIFT, values)
    _raise(
        values,
        lifted.view(np.int64),
        head,
        exponent - head,
        mantissas.view(np.int64),
        mantissas,
        scales.view(np.int64),
        scales,
        result,
    )
    return result.reshape(np.shape(x))


@compiled
def _raise(
    x: Floats,
    bits: Integers,
    head: float,
    tail: float,
    mantissa_bits: Integers,
    mantissas: Floats,
    scale_bits: Integers,
    scales: Floats,
    result: Floats,
) -> None:
    for i in range(x.size):
        mantissa_bits[i] = (bits[i] & _MANTISSA_BITS) | _ONE_BITS
    for i in range(x.size):
        whole = float((bits[i] >> _MANTISSA_WIDTH) - _BIAS)
        whole -= float(_LIFTED) if x[i] < _SMALLEST_NORMAL else 0.0
        is_high = mantissas[i] > 2.0 * SQRT_HALF
        f = (0.5 * mantissas[i] if is_high else mantissas[i]) - 1.0
        k = whole + 1.0 if is_high else whole

        s = f / (2.0 + f)
        z = s * s
        w = z * z
        even = w * (_E0 + w * (_E1 + w * _E2))
        odd = z * (_D0 + w * (_D1 + w * (_D2 + w * _D3)))
        half_square = 0.5 * f * f
        logarithm = f - (half_square - s * (half_square + (even + odd)))

        exact = k * head
        rest = k * tail * _LN2 + (head + tail) * logarithm
        n = np.rint(exact + rest * _LOG2_E)
        r = (exact - n) * _LN2 + rest
        square = r * r
        c = r - square * (_P0 + square * (_P1 + square * (_P2 + square * (_P3 + square * _P4))))
        result[i] = 1.0 - ((r * c) / (c - 2.0) - r)
        # Results below the normal numbers are scaled in two steps.
        is_low = n < _LOW
        result[i] *= 1.0 / _LIFT if is_low else 1.0
        scale_bits[i] = (np.int64(n) + (_LIFTED if is_low else 0) + _BIAS) << _MANTISSA_WIDTH
    for i in range(x.size):
        result[i] = result[i] * scales[i] if x[i] > 0.0 else 0.0
