"""Array types of the incentive models, and the protocol of a smooth function of quality."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


class Curve(Protocol):
    """A smooth function of quality q in [0, 1]: a link or a cost. Arrays in, arrays of the same shape out."""

    def value(self, q: Floats) -> Floats:
        """The function itself."""
        ...

    def slope(self, q: Floats) -> Floats:
        """Its first derivative."""
        ...

    def curvature(self, q: Floats) -> Floats:
        """Its second derivative."""
        ...
