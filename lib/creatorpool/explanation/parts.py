"""The parts that a change of a payout falls into, and how they become whole micros."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from creatorpool.errors import InputError
from creatorpool.quality_components import COMPONENT_NAMES

PARTS = ("pool_size", "views", *COMPONENT_NAMES, "custom", "competition", "bounds", "membership", "policy", "rounding")
"""All parts, in the order of the table's columns; custom signals make up the part `custom` together."""

Parts = dict[str, NDArray[np.float64]]
"""(n,) money by part, without `rounding`; a part that is left out is 0. Custom signals stand under their own names."""


def whole_parts(parts: Mapping[str, NDArray[np.float64]], change: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Every part of `PARTS` in whole micros, summing to `change` for each video.

    Each part is rounded to the nearest micro, halves to even, so that the negated change has the negated parts;
    `rounding` is what is left: the micros by which the payouts themselves were rounded, and these roundings.

    Raises
    ------
    InputError
        If a part is not finite or has no place among `PARTS`.
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
