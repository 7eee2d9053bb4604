"""Held-out errors of the response curve beside the smoothed rate's: `python tools/evaluate_curves.py`."""

from __future__ import annotations

import argparse
from datetime import date

import numpy as np
from rich.console import Console
from rich.table import Table

from creatorpool.delivery import FitRules, P2CFit, daily_series, fit_rate_prior, fit_series
from creatorpool.delivery.evaluation import fit_errors, rate_errors
from creatorpool.delivery.series import DailySeries
from creatorpool.synthetic.delivery import KINDS, DeliveryMarket, DeliveryTruth, draw_delivery

HELD_OUT = 7
METHODS = {
    "as published": FitRules(frees_anchor=False),
    "anchor fitted": FitRules(),
    "anchor fitted, all days": FitRules(only_increasing=False),
}


def main() -> None:
    """One row per kind of curve and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contents", type=int, default=2000)
    parser.add_argument("--days", type=int, default=42)
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.contents} contents, {arguments.days} days, the last {HELD_OUT} held out")
    for name in ("clicks drawn from", "method", "curves", "RMSE", "rate's RMSE", "APE", "rate's APE", "curve better"):
        table.add_column(name)
    for kind in KINDS:
        market = DeliveryMarket(arguments.contents, date(2026, 9, 1), arguments.days, drawers=1, kind=kind)
        for cells in evaluated(draw_delivery(market)):
            table.add_row(kind, *cells)
    Console(width=130).print(table)


def evaluated(truth: DeliveryTruth) -> list[list[str]]:
    """The cells of each method: means over contents."""
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
    """Some days of every content."""
    pv, click = (part[:, 0, days] for part in (truth.pv, truth.click))
    return daily_series(np.arange(pv.shape[0] + 1) * pv.shape[1], pv.ravel(), click.ravel())


if __name__ == "__main__":
    main()
