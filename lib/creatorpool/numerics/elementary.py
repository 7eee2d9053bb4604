"""Natural logarithm and exponential from exactly rounded operations only.

`numpy.log` and `numpy.exp` can differ in the last bit between processors, and within one array between vector lanes and
the rest. Payouts must be the same to the micro on every machine, an auditor's included. So these two functions use only
additions, multiplications, divisions and exact scalings by powers of two, whose results IEEE 754 defines.

Both follow Sun's fdlibm (``e_log.c``, ``e_exp.c``), with an error below one unit in the last place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# ln 2 in two parts. The first has few digits, so that its products with whole numbers are exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
SQRT_HALF = 0.7071067811865476
MAX_EXPONENT = 709.0

LOG_EVEN = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
LOG_ODD = (6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01)
EXP_SERIES = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)


def log(x: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithm of finite `x` >= 0, any shape; -inf at 0."""
    values = np.asarray(x, dtype=np.float64)
    positive = values > 0
    mantissa, exponent = np.frexp(np.where(positive, values, 1.0))
    low_half = mantissa < SQRT_HALF
    f = np.where(low_half, 2 * mantissa, mantissa) - 1.0
    k = (exponent - low_half).astype(np.float64)

    s = f / (2.0 + f)
    z = s * s
    w = z * z
    series = w * _polynomial(LOG_EVEN, w) + z * _polynomial(LOG_ODD, w)
    half_square = 0.5 * f * f
    result = k * LN2_HIGH - ((half_square - (s * (half_square + series) + k * LN2_LOW)) - f)
    return np.where(positive, result, -np.inf)


def exp(x: ArrayLike) -> NDArray[np.float64]:
    """Exponential of `x` <= 709, any shape; 0 at -inf. Larger `x` count as 709."""
    values = np.asarray(x, dtype=np.float64)
    bounded = np.clip(values, -800.0, MAX_EXPONENT)  # exp(-800) is 0 in float64
    k = np.rint(bounded / (LN2_HIGH + LN2_LOW))
    high = bounded - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    square = r * r
    c = r - square * _polynomial(EXP_SERIES, square)
    return np.ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k.astype(np.int32))


def _polynomial(coefficients: tuple[float, ...], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Polynomial by Horner's rule; the coefficient of the lowest power comes first."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = coefficient + x * value
    return value
