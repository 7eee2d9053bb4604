"""Daily impressions and clicks of contents with known true curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from creatorpool.delivery import DailySeries, daily_series
from creatorpool.delivery.p2c import Floats


@dataclass(frozen=True)
class KnownCurves:
    """(n,) true parameters and the days drawn from them."""

    r: Floats
    y_max: Floats
    x0: Floats
    y0: Floats
    series: DailySeries

    def clicks(self, x: Floats) -> Floats:
        """The logistic in its textbook form, y_m σ(r(x − x_mid)), for x (n, k)."""
        middle = self.x0 + np.log(self.y_max / self.y0 - 1.0) / self.r
        return self.y_max[:, None] * expit(self.r[:, None] * (x - middle[:, None]))


def known_curves(n: int, days: int, seed: int, noisy: bool = True) -> KnownCurves:
    """n contents of very different sizes, each with `days` days from its anchor on."""
    rng = np.random.default_rng([seed, 4])
    x0 = np.exp(rng.normal(np.log(3000.0), 1.0, n)).round() + 100.0
    y0 = rng.beta(6.0, 80.0, n) * x0
    y_max = y0 * (1.5 + np.exp(rng.normal(np.log(5.0), 0.5, n)))
    span = x0 * rng.uniform(4.0, 15.0, n)
    r = rng.uniform(1.5, 5.0, n) / span
    pv = np.round(x0[:, None] + span[:, None] * rng.beta(1.2, 1.5, (n, days)))
    pv[:, 0] = x0
    truth = KnownCurves(r, y_max, x0, y0, daily_series([0], [], []))
    click = np.minimum(truth.clicks(pv), pv)
    if noisy:
        click = rng.binomial(pv.astype(np.int64), click / pv).astype(np.float64)
    series = daily_series(np.arange(n + 1) * days, pv.ravel(), click.ravel())
    return KnownCurves(r, y_max, x0, y0, series)
