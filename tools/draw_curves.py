"""Draws the picture of docs/delivery.md: `python tools/draw_curves.py docs/images`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np

from creatorpool.delivery import daily_series, fit_curve_prior, fit_rate_prior, fit_series
from creatorpool.report.delivery_charts import content_chart
from creatorpool.synthetic.delivery import DeliveryMarket, draw_delivery, exposure_rows

DAYS = 42
MARKET = DeliveryMarket(200, date(2026, 10, 10), DAYS, drawers=1, new_contents=20)
SHOWN = (3, 190)
"""A content that was shown for six weeks, and a new one"""
COLUMNS = ("content_id", "drawer", "date", "pv", "click")


def main(folder: Path) -> None:
    """Write the chart to `folder`, as one SVG file."""
    truth = draw_delivery(MARKET)
    pv, click = truth.pv[:, 0], truth.click[:, 0]
    series = daily_series(np.arange(MARKET.contents + 1) * DAYS, pv.ravel(), click.ravel())
    rates = fit_rate_prior(click.sum(axis=1), pv.sum(axis=1)).smoothed(click.sum(axis=1), pv.sum(axis=1))
    prior = fit_curve_prior(fit_series(series).errors, truth.category, len(truth.categories))
    fit = fit_series(series, ctr=rates, prior=prior.take(truth.category)).fit
    curves = []
    for content in SHOWN:
        one = {name: getattr(fit[content], name) for name in fit.__dataclass_fields__}
        curves.append({**one, "content_id": truth.content_id[content], "drawer": truth.drawers[0]})
    days = exposure_rows(truth).select(COLUMNS).to_pylist()
    folder.mkdir(parents=True, exist_ok=True)
    content_chart(curves, days).save(str(folder / "delivery-curves.svg"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
