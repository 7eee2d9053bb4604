"""Compares held-out errors of the response curve and of the smoothed rate: `python tools/evaluate_curves.py`."""

from __future__ import annotations

import argparse
from datetime import date

import numpy as np
from rich.console import Console
from rich.table import Table

from creatorpool.delivery import (
    FitRules,
    P2CFit,
    daily_series,
    fit_curve_prior,
    fit_rate_prior,
    fit_series,
    predict_clicks,
)
from creatorpool.delivery.evaluation import fit_errors, rate_errors
from creatorpool.delivery.series import DailySeries
from creatorpool.synthetic.delivery import KINDS, DeliveryMarket, DeliveryTruth, draw_delivery

FIRST = date(2026, 9, 1)
HELD_OUT = 7
METHODS = {
    "as published": FitRules(frees_anchor=False),
    "anchor fitted": FitRules(),
    "anchor fitted, all days": FitRules(only_increasing=False),
}


def main() -> None:
    """Print the errors, one row per kind of curve and method, and the coverage of the intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contents", type=int, default=2000)
    parser.add_argument("--days", type=int, default=42)
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.contents} contents, {arguments.days} days, the last {HELD_OUT} held out")
    for name in ("clicks drawn from", "method", "curves", "RMSE", "rate's RMSE", "APE", "rate's APE", "curve better"):
        table.add_column(name)
    for kind in KINDS:
        market = DeliveryMarket(arguments.contents, FIRST, arguments.days, drawers=1, kind=kind)
        for cells in evaluated(draw_delivery(market)):
            table.add_row(kind, *cells)
    console = Console(width=130)
    console.print(table)
    console.print(coverage_table(arguments.contents, arguments.days))


def coverage_table(contents: int, days: int) -> Table:
    """Share of 95 % intervals that contain the truth, for clicks drawn from the model; half of the contents are new."""
    truth = draw_delivery(DeliveryMarket(2 * contents, FIRST, days, drawers=1, new_contents=contents))
    series = series_of(truth, slice(None))
    table = Table(title=f"Nominal 95 % intervals that contain the truth, of {contents} contents each")
    for name in ("method", "y_max", "r", "new contents: y_max", "r", "their APE at 3 x0", "rate's APE"):
        table.add_column(name)
    at = 3.0 * truth.x0[contents:, 0]
    expected = truth.expected_clicks(3.0 * truth.x0, 0)[contents:, 0]
    for name, rules in METHODS.items():
        prior = fit_curve_prior(fit_series(series, rules=rules).errors, truth.category, len(truth.categories))
        fit = fit_series(series, rules=rules, prior=prior.take(truth.category)).fit
        shares = [held(fit, truth, part) for part in (slice(None, contents), slice(contents, None))]
        off = np.abs(predict_clicks(fit[contents:], at) / expected - 1)
        rate = np.abs(fit.ctr[contents:] * at / expected - 1)
        cells = [f"{share:.0%}" for pair in shares for share in pair]
        table.add_row(name, *cells, f"{off.mean():.1%}", f"{rate.mean():.1%}")
    return table


def held(fit: P2CFit, truth: DeliveryTruth, part: slice) -> tuple[float, float]:
    """Shares of the fitted contents of `part` whose y_max and r lie within their intervals."""
    own, y_max, r = fit[part], truth.y_max[part, 0], truth.r[part, 0]
    fitted = own.converged
    in_ceiling = (own.y_max_lo <= y_max) & (y_max <= own.y_max_hi)
    in_rate = (own.r_lo <= r) & (r <= own.r_hi)
    return float(in_ceiling[fitted].mean()), float(in_rate[fitted].mean())


def evaluated(truth: DeliveryTruth) -> list[list[str]]:
    """The table's cells, one list per method: means over contents."""
    split = truth.market.days - HELD_OUT
    past, future = series_of(truth, slice(None, split)), series_of(truth, slice(split, None))
    prior = fit_rate_prior(past.sums(past.click), past.sums(past.pv))
    ctr = prior.smoothed(past.sums(past.click), past.sums(past.pv))
    base = rate_errors(future, ctr)
    rows = []
    for name, rules in METHODS.items():
        fit: P2CFit = fit_series(past, rules=rules, ctr=ctr).fit
        rmse, ape = fit_errors(future, fit.r, fit.y_max, fit.x0, fit.y0, ctr)
        better = np.mean(rmse < base[0])
        numbers = (f"{rmse.mean():.1f}", f"{base[0].mean():.1f}", f"{ape.mean():.1%}", f"{base[1].mean():.1%}")
        rows.append([name, f"{fit.converged.mean():.1%}", *numbers, f"{better:.0%}"])
    return rows


def series_of(truth: DeliveryTruth, days: slice) -> DailySeries:
    """Impressions and clicks of all contents on `days`."""
    pv, click = (part[:, 0, days] for part in (truth.pv, truth.click))
    return daily_series(np.arange(pv.shape[0] + 1) * pv.shape[1], pv.ravel(), click.ravel())


if __name__ == "__main__":
    main()
