"""The parts of a payout's change, and their rounding to whole micros."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from creatorpool.errors import InputError
from creatorpool.quality_components import COMPONENT_NAMES

PARTS = ("pool_size", "views", *COMPONENT_NAMES, "custom", "competition", "bounds", "membership", "policy", "rounding")
"""All parts, in the order of the table's columns; the part `custom` is the sum over all custom signals."""

Parts = dict[str, NDArray[np.float64]]
"""(n,) micros by part, without `rounding`; a missing part is 0. Custom signals have their own names here."""


def whole_parts(parts: Mapping[str, NDArray[np.float64]], change: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Every part of `PARTS` in whole micros, summing to `change` for each video.

    Each part is rounded to the nearest micro, halves to even, so that the negated change has the negated parts. The
    part `rounding` is the rest: the rounding of the payouts themselves and of these parts.

    Raises
    ------
    InputError
        If a part is not finite or not below 2**62 micros.
    """
    whole = {name: np.zeros(change.size, dtype=np.int64) for name in PARTS}
    custom = np.zeros(change.size)
    for name, money in parts.items():
        if not np.all(np.abs(money) < 2.0**62):
            raise InputError(
                f"part '{name}' must be finite and below 2**62 micros, got {money[~(np.abs(money) < 2.0**62)][0]}"
            )
        if name in PARTS[:-1]:
            whole[name] = np.rint(money).astype(np.int64)
        else:
            custom += money
    whole["custom"] = whole["custom"] + np.rint(custom).astype(np.int64)
    whole["rounding"] = change - sum(whole[name] for name in PARTS[:-1])
    return whole
