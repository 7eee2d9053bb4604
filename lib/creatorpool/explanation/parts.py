"""The parts of a payout's change, and their rounding to whole micros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.errors import InputError
from creatorpool.explanation.pool_money import POOL_CAUSES
from creatorpool.quality_components import COMPONENT_NAMES

PARTS = ("pool_size", "views", *COMPONENT_NAMES, "custom", "competition", "bounds", "membership", "policy", "rounding")
"""All parts, in the order of the table's columns; the part `custom` is the sum over all custom signals."""

BETWEEN_VIDEOS = tuple(name for name in PARTS if name != "pool_size")
"""The parts that move a pool's money between its videos, and cannot change its total."""

BALANCE = "balance"
"""The name of what `balanced` adds"""

REASON_NAMES = (*POOL_CAUSES, *PARTS)
"""The names by which changes are told: the parts, and the causes that `pool_size` is the sum of."""

Parts = dict[str, NDArray[np.float64]]
"""(n,) micros by part, without `rounding`; a missing part is 0.

The causes of `pool_size` and custom signals have their own names here.
"""


def whole_parts(parts: Mapping[str, NDArray[np.float64]], change: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Every part of `PARTS` in whole micros, summing to `change` for each video, and the causes of `pool_size`.

    Each part is rounded to the nearest micro, halves to even, so that the negated change has the negated parts. The
    causes sum to the rounded `pool_size`. The part `rounding` is the rest: the rounding of the payouts themselves and
    of these parts.

    Raises
    ------
    InputError
        If a part is not finite or not below 2**62 micros.
    """
    whole = {name: np.zeros(change.size, dtype=np.int64) for name in REASON_NAMES}
    custom = np.zeros(change.size)
    for name, money in parts.items():
        if not np.all(np.abs(money) < 2.0**62):
            raise InputError(
                f"part '{name}' must be finite and below 2**62 micros, got {money[~(np.abs(money) < 2.0**62)][0]}"
            )
        if name in whole:
            whole[name] = np.rint(money).astype(np.int64)
        else:
            custom += money
    whole["custom"] = whole["custom"] + np.rint(custom).astype(np.int64)
    whole |= _whole_causes(np.array([parts.get(name, np.zeros(change.size)) for name in POOL_CAUSES]))
    whole["rounding"] = change - sum(whole[name] for name in PARTS[:-1])
    return whole


def _whole_causes(causes: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """`pool_size`, the rounded sum of (3, n) causes, and the causes: the largest takes the rest of rounding."""
    total = np.rint(causes.sum(axis=0)).astype(np.int64)
    whole = np.rint(causes).astype(np.int64)
    largest = np.argmax(np.abs(causes), axis=0)
    whole[largest, np.arange(total.size)] += total - whole.sum(axis=0)
    return {"pool_size": total, **dict(zip(POOL_CAUSES, whole, strict=True))}


def balanced(moved: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Micros (>= 0, <= 0) by part of `BETWEEN_VIDEOS` over whole pools, and the `BALANCE` with which all sum to 0.

    A video's part of its pool's size is measured at the video's own payouts. The balance is by how much all such parts
    differ from the change of the pools' money.
    """
    rest = -sum(gained + lost for gained, lost in moved.values())
    return {**moved, BALANCE: (max(rest, 0), min(rest, 0))}


def told(row: Mapping[str, Any]) -> dict[str, int]:
    """Micros of a row of `payout_changes`, or of sums of such rows, by `REASON_NAMES`; they sum to the change.

    The causes tell `pool_size`, except in rows of versions before 0.2, which have none.
    """
    micros = {name: row.get(f"{name}_micros") or 0 for name in REASON_NAMES}
    has_causes = row.get(f"{POOL_CAUSES[0]}_micros") is not None
    return micros | {"pool_size": 0} if has_causes else micros
