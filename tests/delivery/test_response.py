from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creatorpool.delivery import response_curves
from creatorpool.errors import InputError

NAN = np.nan
CURVE = {"r": [[2e-3, 1e-3]], "y_max": [[80.0, 50.0]], "x0": [[400.0, 300.0]], "y0": [[8.0, 30.0]]}


def test_curve_follows_the_published_equation_above_the_anchor_and_the_ray_below() -> None:
    curves = response_curves(**CURVE)
    x = np.array([[1300.0, 900.0]])
    y = curves.clicks(x)
    ym, y0 = np.array(CURVE["y_max"]), np.array(CURVE["y0"])
    growth = np.exp(-np.array(CURVE["r"]) * (x - np.array(CURVE["x0"])))
    assert y == pytest.approx(ym * y0 / (y0 - (y0 - ym) * growth), rel=1e-14)
    _, slope, curvature = curves.derivatives(x)
    assert slope == pytest.approx(np.array(CURVE["r"]) * (1 - y / ym) * y, rel=1e-13)  # the differential equation
    step = 1e-3
    assert curvature == pytest.approx(
        (curves.derivatives(x + step)[1] - curves.derivatives(x - step)[1]) / (2 * step), rel=1e-6
    )
    assert curves.clicks(np.array([[100.0, 0.0]])) == pytest.approx(np.array([[2.0, 0.0]]))


def test_rate_replaces_a_missing_fit_and_pairs_without_either_are_unknown() -> None:
    curves = response_curves(
        [[NAN, NAN, 1e-3]], [[NAN, NAN, 9.0]], [[NAN, NAN, 5.0]], [[NAN, NAN, 1.0]], [[0.2, NAN, NAN]]
    )
    assert curves.known.tolist() == [[True, False, True]]
    assert curves.clicks(np.full((1, 3), 1e6))[0, :2] == pytest.approx([2e5, 0.0])


def test_largest_rate_agrees_with_a_fine_search() -> None:
    curves = response_curves(**CURVE)
    most = np.array([[9000.0, 9000.0]])
    grid = np.linspace(1.0, 9000.0, 20_000)
    fine = [max(float(curves.clicks(np.full((1, 2), x))[0, j]) / x for x in grid) for j in range(2)]
    assert curves.largest_rate(most)[0] == pytest.approx(fine, rel=2e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r": [[0.0, 1e-3]]}, r"r\[0, 0\] must be finite and > 0"),
        ({"y0": [[80.0, 30.0]]}, r"y0\[0, 0\] must be below y_max, got 80"),
        ({"x0": [[NAN, 300.0]]}, r"x0\[0, 0\] must be finite and > 0, or nan where the content has no r, got nan"),
        ({"r": [[NAN, 1e-3]]}, r"y_max\[0, 0\] must be .* nan where"),
        ({"y_max": [80.0, 50.0]}, "y_max must have one row per content"),
        ({"y_max": [[80.0]]}, "one shape"),
        ({"y_max": [["many", 1]]}, "y_max must be numbers"),
    ],
)
def test_faulty_parameters_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        response_curves(**{**CURVE, **change})
