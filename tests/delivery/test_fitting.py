"""Fits to days with known curves, against an independent solver, and to days that determine no curve."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from tests.delivery.curves import known_curves

from creatorpool.delivery import FitRules, daily_series, fit_p2c, fit_series, predict_clicks
from creatorpool.delivery.fitting import AT_CEILING, COLD
from creatorpool.delivery.fitting_problem import CEILING_CENTRE, RATE_CENTRE
from creatorpool.delivery.prior import CurvePrior
from creatorpool.delivery.suitability import Reasons, assess
from creatorpool.errors import InputError

KNOWN = known_curves(300, 30, seed=3)


def days_of(content: int) -> tuple[np.ndarray, np.ndarray]:
    first, end = KNOWN.series.offsets[content : content + 2]
    return KNOWN.series.pv[first:end], KNOWN.series.click[first:end]


def rising_days(pv: np.ndarray, click: np.ndarray, min_points: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rising = assess(daily_series([0, pv.size], pv, click), min_points).rising
    return rising.pv, rising.click


def penalised_optimum(pv: np.ndarray, click: np.ndarray) -> np.ndarray:
    """(y_m, r) by scipy's trust-region reflective method on the same two penalised problems, one after the other."""
    x, y = rising_days(pv, click)
    d, z = x - x[0], np.log10(y)

    def residuals(p: np.ndarray, centre: np.ndarray) -> np.ndarray:
        a, theta, b = p
        curve = a - np.log10(1.0 + (10 ** (a - b) - 1.0) * np.exp(-np.exp(theta) * d))
        return np.concatenate([curve - z, np.sqrt(0.01) * (p[:2] - centre)])

    centre = np.array([np.log10(CEILING_CENTRE * y[-1]), np.log(RATE_CENTRE / d[-1])])
    for _ in range(2):
        starts = [
            np.array([np.log10(top * y[-1]), np.log(rate / d[-1]), z[0]])
            for top in (1.05, 1.5, 2.5, 6.0)
            for rate in (0.5, 2.0, 6.0)
        ]
        found = [least_squares(residuals, start, args=(centre,), xtol=1e-14, ftol=1e-14) for start in starts]
        best = min(found, key=lambda result: result.cost)
        centre = best.x[:2]
    return np.array([10 ** best.x[0], np.exp(best.x[1])])


@pytest.mark.slow
def test_fit_of_exact_days_recovers_the_curve() -> None:
    truth = known_curves(200, 30, seed=8, noisy=False)

    fit = fit_series(truth.series).fit

    assert fit.converged.all()
    np.testing.assert_allclose(np.median(fit.r / truth.r), 1.0, rtol=2e-3)
    np.testing.assert_allclose(fit.y_max, truth.y_max, rtol=0.6)  # far from saturation, the penalty decides
    assert np.median(np.abs(fit.y_max / truth.y_max - 1)) < 3e-3
    grid = truth.x0[:, None] * np.linspace(1.0, 4.0, 30)
    off = np.abs(predict_clicks(fit[:, None], grid) / truth.clicks(grid) - 1)
    assert np.quantile(off, 0.99) < 0.01


@pytest.mark.parametrize("content", range(0, 60, 7))
def test_fit_is_the_optimum_that_another_solver_finds(content: int) -> None:
    pv, click = days_of(content)
    fit = fit_p2c(pv, click)
    np.testing.assert_allclose([fit.y_max, fit.r], penalised_optimum(pv, click), rtol=2e-4)


def test_intervals_cover_the_truth_at_about_their_nominal_rate() -> None:
    fit = fit_series(KNOWN.series).fit
    covered = [
        np.mean((fit.y_max_lo <= KNOWN.y_max) & (KNOWN.y_max <= fit.y_max_hi)),
        np.mean((fit.r_lo <= KNOWN.r) & (KNOWN.r <= fit.r_hi)),
    ]
    assert 0.9 < min(covered) < max(covered) < 0.98
    wider = fit_series(KNOWN.series, rules=FitRules(confidence=0.999)).fit
    assert np.mean((wider.y_max_lo <= KNOWN.y_max) & (KNOWN.y_max <= wider.y_max_hi)) > 0.97
    assert ((fit.r_lo < fit.r) & (fit.r < fit.r_hi) & (fit.y_max_lo < fit.y_max) & (fit.y_max < fit.y_max_hi)).all()


def test_curve_predicts_unseen_impressions_better_than_the_rate() -> None:
    fit = fit_series(KNOWN.series).fit
    grid = KNOWN.x0[:, None] * np.linspace(1.0, 5.0, 20)
    truth = KNOWN.clicks(grid)
    curve = np.abs(predict_clicks(fit[:, None], grid) / truth - 1).mean()
    assert curve < 0.5 * np.abs(fit.ctr[:, None] * grid / truth - 1).mean()


def test_batch_fits_each_content_as_if_alone() -> None:
    fit = fit_series(KNOWN.series).fit
    for content in (0, 17, 299):
        alone = fit_p2c(*days_of(content))
        assert {name: getattr(alone, name) for name in alone.__dataclass_fields__} == {
            name: getattr(fit[content], name) for name in alone.__dataclass_fields__
        }


@given(st.randoms(use_true_random=False), st.integers(0, 299))
def test_order_of_days_does_not_matter(random: object, content: int) -> None:
    pv, click = days_of(content)
    order = list(range(pv.size))
    random.shuffle(order)  # type: ignore[attr-defined]
    fit, shuffled = fit_p2c(pv, click), fit_p2c(pv[order], click[order])
    assert (fit.r, fit.y_max, fit.n_points) == (shuffled.r, shuffled.y_max, shuffled.n_points)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=9))
def test_increasing_subsequence_is_longest_by_brute_force(days: list[tuple[int, int]]) -> None:
    pv = np.array([max(day) for day in days], dtype=float)
    click = np.array([min(day) for day in days], dtype=float)
    x, y = rising_days(pv, click, min_points=0)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    points = sorted({(a, b) for a, b in zip(pv, click, strict=True) if b > 0})
    longest = max(
        size
        for size in range(len(points) + 1)
        for chosen in combinations(points, size)
        if all(p[0] < q[0] and p[1] < q[1] for p, q in pairwise(chosen))
    )
    assert x.size == longest


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), max_size=40),
    st.lists(st.floats(0, 1e9), min_size=2, max_size=5),
)
def test_any_days_give_a_finite_rising_prediction(days: list[tuple[int, float]], at: list[float]) -> None:
    pv = np.array([day[0] for day in days], dtype=float)
    click = np.floor(pv * np.array([day[1] for day in days]))
    fit = fit_p2c(pv, click)
    found = predict_clicks(fit, np.sort(at))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-9 * found[1:]).all()
    assert bool(fit.converged) == (fit.reason == "")
    assert bool(fit.converged) == bool(np.isfinite([fit.r, fit.y_max, fit.x0, fit.y0]).all())
    if fit.converged:
        assert found.max() <= fit.y_max * (1 + 1e-12)
        assert fit.y0 < fit.y_max


RAMP = np.arange(1, 21) * 1000.0
BAD_SERIES = {
    Reasons.NO_DAYS: ([0.0, 0.0], [0.0, 0.0]),
    Reasons.NO_CLICKS: (RAMP, 0.0 * RAMP),
    Reasons.TOO_SHORT: (RAMP[:4], RAMP[:4] / 10),
    Reasons.NARROW: (1000.0 + np.arange(20), 50.0 + np.arange(20)),
    Reasons.DECREASING: (RAMP, 500.0 - RAMP / 50),
    Reasons.FLAT: (RAMP, 100.0 + np.tile([1.0, -1.0], 10)),
    Reasons.FEW_RISING: (RAMP[:8], np.array([10, 10, 10, 10, 30, 30, 30, 31.0])),
    Reasons.HUGE_DAY: (np.append(RAMP[:10], 1e6), np.append(RAMP[:10] / 10, 5e4)),
    AT_CEILING: (RAMP, np.round(np.exp((RAMP / 7000.0) ** 2))),
}


@pytest.mark.parametrize("reason", BAD_SERIES)
def test_days_that_determine_no_curve_fall_back_to_the_rate_with_a_reason(reason: str) -> None:
    pv, click = (np.asarray(values) for values in BAD_SERIES[reason])
    fit = fit_p2c(pv, click)
    assert str(fit.reason) == reason
    assert not fit.converged
    assert np.isnan([fit.r, fit.y_max, fit.x0, fit.y0, fit.r_lo, fit.y_max_hi]).all()
    np.testing.assert_allclose(fit.ctr, (click.sum() + 0.5) / (pv.sum() + 1.0))
    np.testing.assert_allclose(predict_clicks(fit, [0.0, 2000.0]), np.array([0.0, 2000.0 * float(fit.ctr)]))


def test_cold_content_without_informative_days_follows_its_category() -> None:
    prior = CurvePrior(
        np.array([[3.0, np.log(1e-3)]]), np.array([[[0.04, -0.02], [-0.02, 0.05]]]), np.array([0.002]), np.array([True])
    )
    one = fit_p2c([2000.0], [100.0], prior=prior)
    np.testing.assert_allclose([one.y_max, one.r, one.x0, one.y0], [1000.0, 1e-3, 2000.0, 100.0], rtol=1e-6)
    assert one.converged
    assert str(one.reason) == COLD + Reasons.TOO_SHORT
    np.testing.assert_allclose(np.log10(one.y_max_hi / one.y_max), 1.959964 * 0.2, rtol=1e-3)

    # Three days on a lower curve pull it down and narrow its intervals.
    x = np.array([2000.0, 4000.0, 6000.0])
    y = 400.0 / (1.0 + 3.0 * np.exp(-1e-3 * (x - 2000.0)))
    three = fit_p2c(x, y, prior=prior)
    assert 380 < three.y_max < 700
    assert three.y_max_hi / three.y_max_lo < one.y_max_hi / one.y_max_lo


def test_prior_does_not_change_a_content_with_enough_days() -> None:
    prior = CurvePrior(np.array([[9.0, -30.0]]), np.eye(2)[None] * 1e-6, np.array([1e-4]), np.array([True]))
    assert fit_p2c(*days_of(5), prior=prior).y_max == fit_p2c(*days_of(5)).y_max


@pytest.mark.parametrize(
    ("pv", "click", "message"),
    [
        ([1.0, 2.0], [1.0], "one shape"),
        ([10.0, -1.0], [1.0, 0.0], r"pv\[1\] must be finite and >= 0"),
        ([10.0, 20.0], [1.0, 21.0], r"click\[1\] must be within \[0, pv = 20\]"),
        ([10.0, float("nan")], [1.0, 0.0], r"pv\[1\]"),
    ],
)
def test_bad_days_are_named(pv: list[float], click: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_p2c(pv, click)
    with pytest.raises(InputError, match="pv must be >= 0"):
        predict_clicks(fit_p2c([1.0], [0.0]), -1.0)


def test_published_anchor_is_the_clicks_of_its_day() -> None:
    pv, click = days_of(11)
    fit = fit_p2c(pv, click, rules=FitRules(frees_anchor=False))
    x, y = rising_days(pv, click)
    assert (fit.x0, fit.n_points) == (x[0], x.size)
    np.testing.assert_allclose(fit.y0, y[0], rtol=1e-12)
    np.testing.assert_allclose(predict_clicks(fit, x[0]), y[0], rtol=1e-12)
