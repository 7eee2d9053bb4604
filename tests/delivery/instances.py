"""Generated planning problems of any size, for tests and the benchmark, with distributions like those of logs."""

from __future__ import annotations

from typing import Any

import numpy as np

from creatorpool.delivery.problem import DeliveryProblem


def made_up(
    contents: int,
    drawers: int,
    seed: int,
    *,
    promised: float = 0.5,
    places: int | None = None,
    tightness: float = 0.35,
    **changes: Any,
) -> DeliveryProblem:
    """Heavy-tailed audiences, S-shaped curves of all slopes, a tenth without a fit, guarantees for seven in ten.

    `promised` is the part of the total that the guarantees take; `tightness` the part of all audiences that the drawers
    can serve.
    """
    rng = np.random.default_rng([contents, drawers, seed])
    audience = rng.lognormal(9.0, 1.0, (contents, 1)) * rng.lognormal(0.0, 0.3, (contents, drawers)) / drawers
    ceiling = audience * rng.beta(3.0, 30.0, (contents, 1)) * rng.lognormal(0.0, 0.2, (contents, drawers))
    rate = rng.uniform(3.0, 12.0, (contents, drawers)) / audience
    start = rng.uniform(0.02, 0.12, (contents, drawers))
    x0, y0 = audience * rng.uniform(0.05, 0.15, (contents, drawers)), ceiling * start
    unfitted = rng.random((contents, drawers)) < 0.1
    curves = [np.where(unfitted, np.nan, values) for values in (rate, ceiling, x0, y0)]
    served = tightness * audience.sum()
    sizes = 0.85 ** np.arange(max(2, min(10, contents // 2)) if places is None else places)
    capacity = sizes / sizes.sum() * served / drawers * 1.15
    guaranteed = np.where(rng.random(contents) < 0.7, rng.uniform(0.5, 1.5, contents) * audience.sum(axis=1), 0.0)
    # Guarantees within each drawer's last position never conflict with the rule of positions.
    reachable = 0.8 * drawers * capacity[-1]
    guaranteed = np.minimum(guaranteed * promised * served / max(guaranteed.sum(), 1.0), reachable)
    fields: dict[str, Any] = {
        "positions": [capacity * share for share in rng.uniform(0.9, 1.1, drawers)],
        "total": served,
        "ctr": np.where(unfitted, (y0 / x0), np.nan),
        "min_impressions": guaranteed,
        "views_per_click": rng.uniform(0.6, 0.95, (contents, drawers)),
    }
    return DeliveryProblem.of(*curves, **{**fields, **changes})


def with_clicks(contents: int, drawers: int, seed: int, part: float | None = None) -> DeliveryProblem:
    """As `made_up`, with guarantees of clicks for four contents in five.

    Each is `part` of what the content gets from an equal share of the most it could have; drawn if not given.
    """
    rng = np.random.default_rng([seed, 99])
    promised = rng.uniform(0.0, 0.6)
    free = made_up(contents, drawers, seed, promised=promised)
    drawn = rng.uniform(0.1, 1.2)
    shared = free.curves.clicks(free.most / contents).sum(axis=1)
    wanted = (drawn if part is None else part) * shared * (rng.random(contents) < 0.8)
    return made_up(contents, drawers, seed, promised=promised, min_clicks=wanted)
