"""Errors on held-out days: only what a curve predicts is compared with the smoothed rate."""

from __future__ import annotations

import math

import pyarrow as pa

from creatorpool.report.held_out_errors import held_out_errors


def curves(*pairs: tuple[float | None, float | None]) -> pa.Table:
    """Rows with (error of the prediction, error of the smoothed rate)."""
    own, rate = zip(*pairs, strict=True)
    numbers = [pa.array(values, pa.float64()) for values in (own, rate)]
    return pa.table(dict(zip(("rmse", "baseline_rmse", "ape", "baseline_ape"), numbers * 2, strict=True)))


def test_rows_that_the_rate_itself_predicts_are_left_out() -> None:
    found = held_out_errors(curves((4.0, 4.0), (2.0, 6.0), (3.0, 9.0), (7.0, 7.0), (None, None)))

    assert (found.contents, found.rmse, found.rate_rmse) == (2, 2.5, 7.5)
    assert (found.ape, found.rate_ape) == (2.5, 7.5)


def test_equal_errors_alone_are_no_comparison() -> None:
    found = held_out_errors(curves((4.0, 4.0), (None, 1.0)))

    assert found.contents == 0
    assert math.isnan(found.rmse)
