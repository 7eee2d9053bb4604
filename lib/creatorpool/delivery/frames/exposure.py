"""Fits on executors: each content's days become one row, and each Arrow batch of such rows is fitted in one pass.

Categories' priors are small and go through the driver. A first pass, over the days before the held-out ones, returns
one row of sums and transformed parameters per content. The driver estimates the priors, and the second pass uses them.
Both passes read the days: reading twice costs less than keeping them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.delivery.baseline import JEFFREYS, RatePrior, fit_rate_prior, smoothed_rate
from creatorpool.delivery.evaluation import fit_errors, rate_errors
from creatorpool.delivery.fitting import FitRules, fit_series
from creatorpool.delivery.p2c import Bools, Floats
from creatorpool.delivery.prior import CurveErrors, CurvePrior, fit_curve_prior
from creatorpool.delivery.series import DailySeries, daily_series

Batches = Iterable[pa.RecordBatch]

_SUMS = ("clicks", "impressions", "views", "past_clicks", "past_impressions")
_ERRORS = ("a", "theta", "var_a", "cov", "var_theta", "noise")
_FIRST_COLUMNS = "category string, " + ", ".join(f"{name} double" for name in (*_SUMS, *_ERRORS))
_NUMBERS = ("r", "y_max", "x0", "y0", "r_lo", "r_hi", "y_max_lo", "y_max_hi", "ctr", "views_per_click")
_MEASURES = ("rmse", "ape", "baseline_rmse", "baseline_ape")
_FIT_COLUMNS = (
    "content_id string, drawer string, category string, "
    + ", ".join(f"{name} double" for name in (*_NUMBERS, *_MEASURES))
    + ", n_points bigint, n_days bigint, n_held_out bigint, converged boolean, reason string"
)


@dataclass(frozen=True)
class CategoryPriors:
    """Priors of the contents of each category, by its name."""

    past_rate: Mapping[str, RatePrior]
    """clicks per impression, without the held-out days"""
    rate: Mapping[str, RatePrior]
    """clicks per impression, on all days"""
    view_rate: Mapping[str, RatePrior]
    """views per click"""
    curves: CurvePrior
    """one row per category, in the order of `names`; without the held-out days"""
    names: tuple[str, ...]


def daily_rows(exposure: DataFrame) -> DataFrame:
    """One row per content and drawer with impressions: its days as one array, and its category on the last day.

    `exposure` follows contract `content_exposure`; by its key, the days of a content in a drawer are distinct.
    """
    day = F.struct(F.col("date").alias("day"), "pv", "click", "view")
    latest = F.max(F.struct("date", "category"))["category"]
    return (
        exposure.where(F.col("pv") > 0)
        .groupBy("content_id", "drawer")
        .agg(F.collect_list(day).alias("days"), latest.alias("category"))
        .select("content_id", "drawer", "category", "days")
    )


def category_priors(rows: DataFrame, rules: FitRules, held_out_from: date) -> CategoryPriors:
    """Every category's priors, from `daily_rows`. One row per content and drawer comes to the driver."""
    found = rows.mapInArrow(_first_pass(rules, held_out_from), _FIRST_COLUMNS).toArrow()
    of = found.column("category").combine_chunks().dictionary_encode()
    names = tuple(sorted(of.dictionary.to_pylist()))
    place = np.array([names.index(name) for name in of.dictionary.to_pylist()], dtype=np.int64)
    code = place[of.indices.to_numpy()] if len(names) else np.empty(0, np.int64)
    column = {name: found.column(name).to_numpy().astype(np.float64) for name in (*_SUMS, *_ERRORS)}
    covariance = np.stack([column[name] for name in ("var_a", "cov", "cov", "var_theta")], axis=1)
    errors = CurveErrors(
        np.stack([column["a"], column["theta"]], axis=1), covariance.reshape(-1, 2, 2), column["noise"]
    )

    def rates(part: str, whole: str) -> dict[str, RatePrior]:
        # A view may fall on a later day than its click, so a content may have more views than clicks.
        counted = np.minimum(column[part], column[whole])
        return {name: fit_rate_prior(counted[code == n], column[whole][code == n]) for n, name in enumerate(names)}

    return CategoryPriors(
        past_rate=rates("past_clicks", "past_impressions"),
        rate=rates("clicks", "impressions"),
        view_rate=rates("views", "clicks"),
        curves=fit_curve_prior(errors, code, len(names)),
        names=names,
    )


def fitted_rows(rows: DataFrame, rules: FitRules, held_out_from: date, priors: CategoryPriors) -> DataFrame:
    """One row per content and drawer: contract `p2c_parameters` without its date.

    The curve is fitted to all days. Its errors are those, on the days from `held_out_from` on, of a fit to the days
    before.
    """
    return rows.mapInArrow(_second_pass(rules, held_out_from, priors), _FIT_COLUMNS)


@dataclass(frozen=True, eq=False)
class _Batch:
    """The days of a batch's contents, in order of time within each content."""

    series: DailySeries
    views: Floats
    is_past: Bools
    """(d,) whether the day is before the held-out days"""

    @staticmethod
    def of(batch: pa.RecordBatch, held_out_from: date) -> _Batch:
        days = batch.column("days")
        offsets = days.offsets.to_numpy().astype(np.int64)
        content = days.values.slice(offsets[0], offsets[-1] - offsets[0])
        number = pc.cast(content.field("day"), pa.int32()).to_numpy(zero_copy_only=False)
        owner = np.repeat(np.arange(len(days)), np.diff(offsets))
        order = np.lexsort((number, owner))  # engines collect in any order; float sums must not depend on it
        pv, click, view = (
            content.field(name).to_numpy(zero_copy_only=False).astype(np.float64)[order]
            for name in ("pv", "click", "view")
        )
        first_held_out = held_out_from.toordinal() - date(1970, 1, 1).toordinal()
        return _Batch(daily_series(offsets - offsets[0], pv, click), view, number[order] < first_held_out)


def _first_pass(rules: FitRules, held_out_from: date) -> Callable[[Batches], Batches]:
    def summarise(batches: Batches) -> Batches:
        for batch in batches:
            if batch.num_rows:
                yield _summary(batch, rules, held_out_from)

    return summarise


def _summary(batch: pa.RecordBatch, rules: FitRules, held_out_from: date) -> pa.RecordBatch:
    days = _Batch.of(batch, held_out_from)
    series, past = days.series, days.series.where(days.is_past)
    sums = (series.sums(series.click), series.sums(series.pv), series.sums(days.views))
    errors = fit_series(past, rules=rules).errors
    (a, theta), cov = errors.parameters.T, errors.covariance
    numbers = (*sums, past.sums(past.click), past.sums(past.pv), a, theta, cov[:, 0, 0], cov[:, 0, 1], cov[:, 1, 1])
    columns: dict[str, Any] = {"category": batch.column("category")}
    columns |= {
        name: pa.array(values) for name, values in zip((*_SUMS, *_ERRORS), (*numbers, errors.noise), strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def _second_pass(rules: FitRules, held_out_from: date, priors: CategoryPriors) -> Callable[[Batches], Batches]:
    def fit(batches: Batches) -> Batches:
        for batch in batches:
            if batch.num_rows:
                yield _fits(batch, rules, held_out_from, priors)

    return fit


def _fits(batch: pa.RecordBatch, rules: FitRules, held_out_from: date, priors: CategoryPriors) -> pa.RecordBatch:
    days = _Batch.of(batch, held_out_from)
    category = batch.column("category").to_pylist()
    place = {name: number for number, name in enumerate(priors.names)}
    prior = priors.curves.take(np.array([place[name] for name in category], dtype=np.int64))
    series, past, future = days.series, days.series.where(days.is_past), days.series.where(~days.is_past)
    clicks = series.sums(series.click)
    ctr = _smoothed(priors.rate, category, clicks, series.sums(series.pv))
    past_ctr = _smoothed(priors.past_rate, category, past.sums(past.click), past.sums(past.pv))
    # A content without earlier days has no fit to evaluate.
    is_judged = np.diff(past.offsets) > 0
    before = fit_series(past, rules=rules, ctr=past_ctr, prior=prior).fit
    measures = (
        *fit_errors(future, before.r, before.y_max, before.x0, before.y0, past_ctr),
        *rate_errors(future, past_ctr),
    )
    fit = fit_series(series, rules=rules, ctr=ctr, prior=prior).fit
    columns: dict[str, Any] = {name: batch.column(name) for name in ("content_id", "drawer", "category")}
    columns |= {name: _nullable(getattr(fit, name)) for name in _NUMBERS[:-1]}
    views = np.minimum(series.sums(days.views), clicks)
    columns["views_per_click"] = pa.array(_smoothed(priors.view_rate, category, views, clicks))
    columns |= {
        name: _nullable(np.where(is_judged, values, np.nan)) for name, values in zip(_MEASURES, measures, strict=True)
    }
    columns |= {
        "n_points": pa.array(fit.n_points.astype(np.int64)),
        "n_days": pa.array(np.diff(series.offsets).astype(np.int64)),
        "n_held_out": pa.array(np.where(is_judged, np.diff(future.offsets), 0).astype(np.int64)),
        "converged": pa.array(fit.converged),
        "reason": pa.array(fit.reason.tolist(), pa.string(), mask=fit.reason == ""),
    }
    return pa.RecordBatch.from_pydict(columns)


def _smoothed(priors: Mapping[str, RatePrior], category: list[str], part: Floats, whole: Floats) -> Floats:
    """Each content's rate, smoothed by the prior of its category."""
    chosen = [priors.get(name, JEFFREYS) for name in category]
    mean, strength = (np.array([getattr(prior, name) for prior in chosen]) for name in ("mean", "strength"))
    return smoothed_rate(part, whole, mean, strength)


def _nullable(values: Floats) -> pa.Array:
    """The values as an Arrow array; values that are not finite become null."""
    return pa.array(values, mask=~np.isfinite(values))
