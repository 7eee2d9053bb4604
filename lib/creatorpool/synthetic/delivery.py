"""Exposure of contents in drawers with known response curves: those of the published model, and others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from creatorpool.errors import InputError
from creatorpool.synthetic.day import generate_day
from creatorpool.synthetic.market import SyntheticMarket
from creatorpool.synthetic.population import Floats, Ints

MODEL, CONCAVE, LINEAR, DRIFT, WEEKDAY = "model", "concave", "linear", "drift", "weekday"
KINDS = (MODEL, CONCAVE, LINEAR, DRIFT, WEEKDAY)
"""Clicks as a function of impressions x: the published logistic; ``y_m (1 − e^{−x/s})``; a constant rate; the logistic
with fading interest; the logistic with more clicks on weekends."""

FADING = 0.98
"""Factor on clicks per day, for kind `drift`."""
WEEKEND = 1.35
"""Factor on clicks on Saturday and Sunday, for kind `weekday`."""
NOISE = 0.05
"""Standard deviation of a day's log clicks in addition to binomial noise."""
POSITIONS = 8
_CATEGORIES = ("drama", "variety", "sports", "news")


@dataclass(frozen=True)
class DeliveryMarket:
    """Parameters that determine every byte of `days` days from `first_day` on.

    Raises
    ------
    InputError
        If the kind is unknown or a size is out of range.
    """

    contents: int
    first_day: date
    days: int
    drawers: int = 2
    kind: str = MODEL
    new_contents: int = 0
    """number of the contents that are first shown in the last three days"""
    guarantee_share: float = 0.2
    """probability that a content has a guarantee"""
    seed: int = 13

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind must be one of {list(KINDS)}, got '{self.kind}'")
        if min(self.contents, self.days, self.drawers) < 1 or not 0 <= self.new_contents <= self.contents:
            raise InputError(
                f"contents, days and drawers must be >= 1 and new_contents within [0, contents], got {self}"
            )


@dataclass(frozen=True, eq=False)
class DeliveryTruth:
    """Drawn days with their true curves; (n, m) arrays by content and drawer, (n, m, days) arrays by day."""

    market: DeliveryMarket
    content_id: NDArray[np.str_]
    category: Ints
    """(n,) position in `categories`"""
    r: Floats
    y_max: Floats
    x0: Floats
    y0: Floats
    pv: Ints
    """0 where the content was not shown"""
    click: Ints
    view: Ints
    views_per_click: float

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories."""
        return _CATEGORIES

    @property
    def drawers(self) -> list[str]:
        """(m,) names of the drawers."""
        return [f"drawer-{number}" for number in range(self.market.drawers)]

    def expected_clicks(self, pv: Floats, day: int) -> Floats:
        """(n, m) expected clicks for `pv` (n, m) impressions on day number `day`, from 0."""
        return np.minimum(_response(self, pv) * _seasonal(self.market, day), pv)


def draw_delivery(market: DeliveryMarket) -> DeliveryTruth:
    """Draw contents, impressions and clicks; equal markets give equal days."""
    rng = np.random.default_rng([market.seed, 17])
    n, m = market.contents, market.drawers
    category = rng.integers(0, len(_CATEGORIES), n)
    size = np.array([1.0, 1.6, 0.6, 1.2])[category]
    popularity = np.exp(rng.normal(np.log(1500.0), 0.6, n)) * size
    x0 = np.round(popularity[:, None] * np.exp(rng.normal(0.0, 0.3, (n, m)))) + 50.0
    y0 = rng.beta(8.0, 90.0, (n, m)) * x0
    y_max = y0 * (1.5 + np.exp(rng.normal(np.log(4.0), 0.35, (n, m))))
    span = x0 * rng.uniform(5.0, 12.0, (n, m))
    r = rng.uniform(2.0, 4.5, (n, m)) / span
    pv = np.round(x0[..., None] + span[..., None] * rng.beta(1.2, 1.6, (n, m, market.days))).astype(np.int64)
    pv[n - market.new_contents :, :, : max(market.days - 3, 0)] = 0
    ids = np.array([f"content-{number:06d}" for number in range(n)])
    blank = np.zeros_like(pv)
    truth = DeliveryTruth(market, ids, category, r, y_max, x0, y0, pv, blank, blank, 0.6)
    shown = [truth.expected_clicks(pv[..., day].astype(np.float64), day) for day in range(market.days)]
    noise = np.exp(rng.normal(-0.5 * NOISE**2, NOISE, pv.shape))
    rate = np.clip(np.stack(shown, axis=-1) * noise / np.maximum(pv, 1), 0.0, 1.0)
    click = rng.binomial(pv, rate)
    view = rng.binomial(click, truth.views_per_click)
    return DeliveryTruth(market, ids, category, r, y_max, x0, y0, pv, click, view, truth.views_per_click)


def exposure_rows(truth: DeliveryTruth) -> pa.Table:
    """Rows of `content_exposure`, one per content, drawer and day with impressions."""
    content, drawer, day = np.nonzero(truth.pv)
    days = np.array([truth.market.first_day + timedelta(days=number) for number in range(truth.market.days)])
    return pa.table(
        {
            "date": pa.array(days[day], pa.date32()),
            "content_id": pa.array(truth.content_id[content]),
            "drawer": pa.array(np.array(truth.drawers)[drawer]),
            "pv": pa.array(truth.pv[content, drawer, day]),
            "click": pa.array(truth.click[content, drawer, day]),
            "view": pa.array(truth.view[content, drawer, day]),
            "position": pa.nulls(content.size, pa.int32()),
            "category": pa.array(np.array(_CATEGORIES)[truth.category[content]]),
        }
    )


def position_rows(truth: DeliveryTruth) -> pa.Table:
    """Rows of `drawer_positions`: `POSITIONS` positions per drawer, with falling capacities."""
    n, m = POSITIONS, truth.market.drawers
    top = truth.pv.max(axis=(0, 2)) if truth.pv.size else np.zeros(m)
    capacity = np.round(top[:, None] * np.exp(-np.arange(n) / max(n / 3.0, 1.0)))
    return pa.table(
        {
            "drawer": pa.array(np.repeat(truth.drawers, n)),
            "position": pa.array(np.tile(np.arange(1, n + 1), m), pa.int32()),
            "capacity": pa.array(capacity.astype(np.int64).ravel()),
        }
    )


def guarantee_rows(truth: DeliveryTruth, day: date) -> pa.Table:
    """Rows of `delivery_guarantees` of `day`: some contents get a guarantee of Σ x0, their least impressions."""
    rng = np.random.default_rng([truth.market.seed, 19, day.toordinal()])
    promised = np.flatnonzero(rng.random(truth.market.contents) < truth.market.guarantee_share)
    usual = truth.x0[promised].sum(axis=1)
    return pa.table(
        {
            "date": pa.array([day] * promised.size, pa.date32()),
            "content_id": pa.array(truth.content_id[promised]),
            "min_impressions": pa.array(np.round(usual).astype(np.int64)),
            "min_clicks": pa.nulls(promised.size, pa.int64()),
        }
    )


def write_delivery_days(folder: Path, market: DeliveryMarket, events: int = 500) -> DeliveryTruth:
    """Write each day to `folder`/<day> in the native layout, together with `events` events, and return the truth."""
    truth = draw_delivery(market)
    exposure = exposure_rows(truth)
    days = exposure["date"].to_numpy()
    for number in range(market.days):
        day = market.first_day + timedelta(days=number)
        place = folder / day.isoformat()
        generate_day(place, day, SyntheticMarket(seed=market.seed, n_events=events))
        rows = {
            "content_exposure": exposure.filter(pa.array(days == np.datetime64(day))),
            "drawer_positions": position_rows(truth),
            "delivery_guarantees": guarantee_rows(truth, day),
        }
        for name, table in rows.items():
            pq.write_table(table, place / f"{name}.parquet", compression="zstd")
    return truth


def _response(truth: DeliveryTruth, pv: Floats) -> Floats:
    """(n, m) clicks by the kind's curve, without the day's factor; 0 without impressions."""
    if truth.market.kind == LINEAR:
        return np.asarray(truth.y0 / truth.x0 * pv, dtype=np.float64)
    if truth.market.kind == CONCAVE:
        scale = truth.y_max / (truth.y0 / truth.x0)  # the slope at 0 is that of the other kinds
        return np.asarray(truth.y_max * -np.expm1(-pv / scale), dtype=np.float64)
    beyond = np.maximum(pv - truth.x0, 0.0)
    curve = truth.y_max / (1.0 + (truth.y_max / truth.y0 - 1.0) * np.exp(-truth.r * beyond))
    return np.where(pv >= truth.x0, curve, truth.y0 * pv / truth.x0)


def _seasonal(market: DeliveryMarket, day: int) -> float:
    if market.kind == DRIFT:
        return float(FADING**day)
    if market.kind == WEEKDAY:
        return WEEKEND if (market.first_day + timedelta(days=day)).weekday() >= 5 else 1.0
    return 1.0
