"""Clicks as a function of impressions, for every content in every drawer (formulas §4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

# Rows of a curve's parameters in `ResponseCurves.parameters`.
RATE, CEILING, ANCHOR, ODDS, RAY = range(5)


@dataclass(frozen=True)
class ResponseCurves:
    """Curves of n contents in m drawers.

    Above the anchor (x0, y0), the least fitted impressions, a curve is the published logistic. Below, it is the ray
    from the origin to the anchor: the logistic has clicks without impressions, which a planner would exploit. The curve
    of a content without a fit is an infinite ray with its click rate as slope.
    """

    parameters: Floats
    """(5, n, m): growth r; ceiling y_m; anchor x0, infinite without a fit; odds (y_m - y_0) / y_0; slope of the ray"""
    known: Booleans
    """(n, m) whether the pair has a curve or a rate; other pairs cannot be planned"""

    @property
    def shape(self) -> tuple[int, int]:
        """(contents, drawers)."""
        return self.known.shape[0], self.known.shape[1]

    @property
    def first_corner(self) -> Floats:
        """(n, m) anchors: impressions up to which the curve is a ray."""
        anchors: Floats = self.parameters[ANCHOR]
        return anchors

    def clicks(self, impressions: Floats) -> Floats:
        """(n, m) expected clicks for (n, m) `impressions` >= 0."""
        value, _, _ = _evaluated(self.parameters, impressions)
        return value

    def derivatives(self, impressions: Floats) -> tuple[Floats, Floats, Floats]:
        """Clicks and their first and second derivative in impressions, (n, m) each."""
        return _evaluated(self.parameters, impressions)

    def largest_rate(self, most: Floats) -> Floats:
        """(n, m) largest clicks / impressions on a grid of (0, most] and at the anchor; 0 for unknown pairs."""
        end = np.where(np.isfinite(most), most, 0.0)
        grid = np.linspace(0.0, 1.0, 65)[1:, None, None] * end
        points = np.concatenate([grid, np.minimum(self.parameters[ANCHOR], end)[None]])
        at = np.maximum(points, np.finfo(float).tiny)
        rates = clicks_at(self.parameters[:, None], at) / at
        return np.where(self.known & (end > 0), rates.max(axis=0), 0.0)


def response_curves(
    r: ArrayLike, y_max: ArrayLike, x0: ArrayLike, y0: ArrayLike, ctr: ArrayLike | None = None
) -> ResponseCurves:
    """Curves of n contents (rows) in m drawers (columns) from their parameters.

    Parameters
    ----------
    r, y_max, x0, y0 : (n, m) array_like
        Growth rate per impression > 0, ceiling in clicks, anchor in impressions > 0 and in clicks, 0 < y0 < y_max. All
        four are nan where a content has no fit.
    ctr : (n, m) array_like, optional
        Smoothed clicks per impression, in [0, 1], used without a fit. If it is nan too, the content cannot be planned
        in that drawer.

    Raises
    ------
    InputError
        If shapes differ or a parameter breaks its rule.
    """
    given = {"r": r, "y_max": y_max, "x0": x0, "y0": y0, "ctr": np.nan if ctr is None else ctr}
    arrays = {name: _matrix(name, values) for name, values in given.items() if name != "ctr"}
    shape = arrays["r"].shape
    arrays["ctr"] = np.broadcast_to(np.asarray(given["ctr"], dtype=np.float64), shape)
    if any(array.shape != shape for array in arrays.values()):
        raise InputError(f"curves must have one shape, got {[array.shape for array in arrays.values()]}")
    fitted = ~np.isnan(arrays["r"])
    _check_fits(arrays, fitted)
    rated = ~fitted & ~np.isnan(arrays["ctr"])
    _check("ctr", arrays["ctr"], ~rated | ((arrays["ctr"] >= 0) & (arrays["ctr"] <= 1)), "within [0, 1]")
    parameters = np.zeros((5, *shape))
    parameters[RATE] = np.where(fitted, arrays["r"], 1.0)
    parameters[CEILING] = np.where(fitted, arrays["y_max"], 1.0)
    parameters[ANCHOR] = np.where(fitted, arrays["x0"], np.inf)
    with np.errstate(invalid="ignore"):
        parameters[ODDS] = np.where(fitted, (arrays["y_max"] - arrays["y0"]) / arrays["y0"], 1.0)
        parameters[RAY] = np.where(fitted, arrays["y0"] / arrays["x0"], np.where(rated, arrays["ctr"], 0.0))
    return ResponseCurves(parameters, fitted | rated)


def clicks_at(parameters: Floats, x: Floats) -> Floats:
    """Clicks of curves with `parameters` (5, …) at impressions x, of shape (…)."""
    value, _, _ = _evaluated(parameters, x)
    return value


def _check_fits(arrays: dict[str, Floats], fitted: Booleans) -> None:
    for name in ("r", "y_max", "x0", "y0"):
        values = arrays[name]
        with np.errstate(invalid="ignore"):
            fits = np.where(fitted, np.isfinite(values) & (values > 0), np.isnan(values))
        _check(name, values, fits, "finite and > 0, or nan where the content has no r")
    with np.errstate(invalid="ignore"):
        _check("y0", arrays["y0"], ~fitted | (arrays["y0"] < arrays["y_max"]), "below y_max")


def _check(name: str, values: Floats, fits: Booleans, rule: str) -> None:
    if not fits.all():
        at = np.argwhere(~fits)[0]
        raise InputError(f"{name}{at.tolist()} must be {rule}, got {values[tuple(at)]}")


def _matrix(name: str, values: ArrayLike) -> Floats:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers: {error}") from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"{name} must have one row per content and one column per drawer, got shape {matrix.shape}")
    return matrix


def _evaluated(parameters: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    rate, ceiling, anchor, odds, ray = parameters
    on_ray = x <= anchor
    decay = odds * np.exp(-rate * np.where(on_ray, 0.0, x - np.where(on_ray, 0.0, anchor)))
    clicks = ceiling / (1.0 + decay)
    saturation = 1.0 / (1.0 + decay)
    slope = rate * clicks * (decay * saturation)  # 1 - y / y_m without cancellation
    curvature = rate * slope * (decay - 1.0) * saturation
    return (
        np.where(on_ray, ray * x, clicks),
        np.where(on_ray, ray, slope),
        np.where(on_ray, 0.0, curvature),
    )
