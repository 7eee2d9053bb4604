"""Links, and the binomial test with a steep link, against fifty digits, in both tails."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatorpool.incentives import IdentityLink, LinkModel, LogisticLink, NoisyLink, ScaledLink, noisy_labels

from .exact import DIGITS, binomial_point, curvature_scale, logistic_point

SMALLEST = 1e-290

qualities = st.floats(0.0, 1.0)
saturations = st.just((0.0, 1.0)) | st.tuples(st.floats(0.0, 0.4), st.floats(0.5, 1.0))
links = st.builds(
    lambda log_steepness, centre, ends: LogisticLink(10.0**log_steepness, centre, *ends),
    st.floats(-2.0, 3.3),
    st.floats(-0.5, 1.5),
    saturations,
)
tests = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


def drawn_links(count: int, seed: int) -> list[tuple[LogisticLink, float]]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        ends = (0.0, 1.0) if rng.random() < 0.5 else (rng.uniform(0, 0.4), rng.uniform(0.5, 1))
        link = LogisticLink(10.0 ** rng.uniform(-2, 3.3), rng.uniform(-0.5, 1.5), *ends)
        out.append(
            (link, float(rng.choice([rng.random(), 10.0 ** rng.uniform(-12, 0), 1 - 10.0 ** rng.uniform(-12, 0)])))
        )
    return out


def check_link(link: LogisticLink, q: float) -> None:
    at = np.asarray(q)
    ours = link.value(at), link.complement(at), link.slope(at), link.curvature(at)
    for number, exact in zip(ours, logistic_point(q, link), strict=True):
        if abs(exact) > SMALLEST:
            assert abs(number / exact - 1) < 1e-10


def check_model(link: LogisticLink, q: float, n: int, k: int) -> None:
    model = LinkModel(link)
    chance, failure, first, second = logistic_point(q, link)
    with mp.workdps(DIGITS):
        tail, density, curvature = binomial_point(chance, n, k, failure)
        slope, curvature = first * density, first**2 * curvature + second * density
        scale = first**2 * curvature_scale(chance, n, k, density, failure) + abs(second) * density
    assert model.log_pass_probability(q, n, k) == pytest.approx(float(mp.log(tail)), rel=1e-10, abs=1e-15)
    if min(chance, failure, first) < SMALLEST:
        return
    assert model.log_pass_slope(q, n, k) == pytest.approx(float(mp.log(slope)), rel=1e-10, abs=1e-10)
    if tail > SMALLEST:
        assert abs(model.pass_probability(q, n, k) / tail - 1) < 1e-10
    if min(slope, density, first**2) > SMALLEST:
        assert abs(model.pass_slope(q, n, k) / slope - 1) < 1e-10
        # The reference itself is good to its digits.
        assert abs(model.pass_curvature(q, n, k) - curvature) <= 1e-10 * scale + mp.mpf(10) ** (2 - DIGITS)


@settings(max_examples=200)
@given(links, qualities)
def test_logistic_link_against_fifty_digits_keeps_both_tails(link: LogisticLink, q: float) -> None:
    check_link(link, q)


@settings(max_examples=100)
@given(links, qualities, tests)
def test_pass_point_with_a_logistic_link_keeps_both_tails(link: LogisticLink, q: float, test: tuple[int, int]) -> None:
    if logistic_point(q, link)[0] > SMALLEST:
        check_model(link, q, *test)


@pytest.mark.prove
def test_thousands_of_logistic_links_against_fifty_digits_keep_both_tails() -> None:
    rng = np.random.default_rng(5)
    for link, q in drawn_links(8_000, seed=4):
        check_link(link, q)
        n = int(rng.integers(1, 61))
        if logistic_point(q, link)[0] > SMALLEST:
            check_model(link, q, n, int(rng.choice([1, n, int(rng.integers(1, n + 1))])))


def test_lower_tail_of_a_steep_link_is_not_lost() -> None:
    at = np.asarray(0.1)
    assert LogisticLink(40.0, 0.95).value(at) == pytest.approx(float(mp.exp(-34)), rel=1e-10)
    assert LinkModel(LogisticLink(60.0, 0.8)).log_pass_probability(0.1, 20, 3) == pytest.approx(-118.961, abs=1e-3)


def test_upper_tail_of_a_steep_link_is_not_lost() -> None:
    """At 1 − g = e^−42 the float g is 1, so only the complement has the chance of a failure."""
    model = LinkModel(LogisticLink(60.0, 0.2))
    exact = np.log(60) - 42 + np.log(20) - 42
    assert model.log_pass_slope(0.9, 20, 19) == pytest.approx(exact + np.log(19), rel=1e-12)


@pytest.mark.parametrize(
    "link",
    [
        IdentityLink(),
        LogisticLink(9.0, 0.4, 0.1, 0.9),
        ScaledLink(0.7, LogisticLink(9.0)),
        NoisyLink(IdentityLink(), 0.2, 0.1),
    ],
)
def test_complement_and_value_of_each_link_sum_to_one(link: ScaledLink) -> None:
    q = np.linspace(0, 1, 101)
    np.testing.assert_allclose(link.value(q) + link.complement(q), 1.0, rtol=4e-16)


def test_link_without_a_complement_works() -> None:
    class Root:
        def value(self, q: np.ndarray) -> np.ndarray:
            return np.sqrt(q)

        def slope(self, q: np.ndarray) -> np.ndarray:
            return 0.5 / np.sqrt(q)

        def curvature(self, q: np.ndarray) -> np.ndarray:
            return -0.25 * q**-1.5

    tail, density, _ = binomial_point(0.5, 10, 4)
    assert LinkModel(Root()).pass_probability(0.25, 10, 4) == pytest.approx(float(tail), rel=1e-13)
    assert noisy_labels(0.0, 0.0, Root()).pass_slope(0.25, 10, 4) == pytest.approx(float(density), rel=1e-13)
