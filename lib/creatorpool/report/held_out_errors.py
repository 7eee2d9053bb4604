"""Errors of response curves and of the smoothed rate on held-out days, where there are two to compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.numerics.types import Floats


@dataclass(frozen=True)
class HeldOutErrors:
    """Median errors over the contents whose held-out days a curve predicts; NaN if there is none."""

    contents: int
    rmse: float
    rate_rmse: float
    ape: float
    rate_ape: float


def held_out_errors(curves: pa.Table) -> HeldOutErrors:
    """The errors from rows of `p2c_parameters`.

    Without a curve the smoothed rate itself predicts a content's held-out days, so that both errors are equal by
    construction. Such rows show nothing about curves and are left out.
    """
    predicted = curves.filter(pc.fill_null(pc.not_equal(curves["rmse"], curves["baseline_rmse"]), False))
    medians = (_median(predicted[name]) for name in ("rmse", "baseline_rmse", "ape", "baseline_ape"))
    return HeldOutErrors(predicted.num_rows, *medians)


def _median(column: pa.ChunkedArray) -> float:
    known: Floats = column.drop_null().to_numpy()
    return float(np.median(known)) if known.size else float("nan")
