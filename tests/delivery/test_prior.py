"""The prior of a category, from curves with a known distribution."""

from __future__ import annotations

from datetime import date

import numpy as np

from creatorpool.delivery import daily_series, fit_series, predict_clicks
from creatorpool.delivery.prior import MIN_FITS, CurveErrors, fit_curve_prior
from creatorpool.synthetic.delivery import DeliveryMarket, draw_delivery

MEAN = np.array([3.0, -9.0])
SPREAD = np.array([[0.09, -0.12], [-0.12, 0.36]])
ERROR = np.array([[0.01, 0.004], [0.004, 0.02]])


def found(n: int, seed: int) -> CurveErrors:
    rng = np.random.default_rng(seed)
    true = rng.multivariate_normal(MEAN, SPREAD, n)
    seen = true + rng.multivariate_normal(np.zeros(2), ERROR, n)
    return CurveErrors(seen, np.repeat(ERROR[None], n, axis=0), np.full(n, 0.003))


def test_distribution_is_recovered_without_the_errors_of_the_fits() -> None:
    prior = fit_curve_prior(found(20_000, 1), np.zeros(20_000, np.int64), 1)
    np.testing.assert_allclose(prior.mean[0], MEAN, atol=0.02)
    np.testing.assert_allclose(prior.covariance[0], SPREAD, rtol=0.05)
    np.testing.assert_allclose(prior.precision[0] @ prior.covariance[0], np.eye(2), atol=1e-9)
    assert prior.noise[0] == 0.003


def test_spread_due_to_errors_is_almost_0_and_stays_positive() -> None:
    curves = found(500, 2)
    tight = CurveErrors(curves.parameters, curves.covariance * 1000, curves.noise)
    prior = fit_curve_prior(tight, np.zeros(500, np.int64), 1)
    assert (np.linalg.eigvalsh(prior.covariance[0]) > 0).all()
    assert prior.covariance[0].max() < 0.3 * SPREAD.max()


def test_one_uncertain_curve_hardly_changes_the_prior() -> None:
    curves = found(2000, 5)
    curves.parameters[0], curves.covariance[0] = (9.0, -20.0), 1e6 * np.eye(2)
    prior = fit_curve_prior(curves, np.zeros(2000, np.int64), 1)
    np.testing.assert_allclose(prior.mean[0], MEAN, atol=0.05)
    np.testing.assert_allclose(prior.covariance[0], SPREAD, rtol=0.15)


def test_small_category_gets_the_prior_of_all_and_too_few_curves_give_none() -> None:
    n = 100
    group = np.where(np.arange(n) < MIN_FITS - 1, 1, 0)
    prior = fit_curve_prior(found(n, 3), group, 3)
    everyone = fit_curve_prior(found(n, 3), np.zeros(n, np.int64), 1)
    np.testing.assert_allclose(prior.mean[1], everyone.mean[0], rtol=1e-12)
    np.testing.assert_allclose(prior.mean[2], everyone.mean[0], rtol=1e-12)
    assert not np.allclose(prior.mean[0], everyone.mean[0], rtol=1e-12)

    nothing = fit_curve_prior(found(MIN_FITS - 1, 4), np.zeros(MIN_FITS - 1, np.int64), 2)
    assert not nothing.is_known.any()
    assert nothing.take(np.array([0, 1, 1])).precision.shape == (3, 2, 2)


def test_cold_contents_are_predicted_better_from_their_category_than_from_their_rate() -> None:
    market = DeliveryMarket(600, date(2026, 10, 22), 30, drawers=1, new_contents=300)
    truth = draw_delivery(market)
    pv, click = truth.pv[:, 0], truth.click[:, 0]
    series = daily_series(np.arange(601) * 30, pv.ravel(), click.ravel())
    prior = fit_curve_prior(fit_series(series).errors, truth.category, len(truth.categories))
    cold = fit_series(series, prior=prior.take(truth.category)).fit[300:]
    assert cold.converged.mean() > 0.98

    own = np.flatnonzero(cold.converged)
    at = np.round(truth.x0 * 3.0)
    expected = truth.expected_clicks(at, 0)[300:, 0][own]
    off = np.abs(predict_clicks(cold[own], at[300:, 0][own]) / expected - 1).mean()
    assert off < 0.9 * np.abs(cold.ctr[own] * at[300:, 0][own] / expected - 1).mean()
    covered = (cold.y_max_lo <= truth.y_max[300:, 0]) & (truth.y_max[300:, 0] <= cold.y_max_hi)
    # Fewer than the nominal 95 %: three days' noise is taken from the category, and the curve is far from linear.
    assert 0.7 < covered[own].mean() < 0.97
