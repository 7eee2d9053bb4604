from __future__ import annotations

import itertools

import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.incentives import (
    DecayingSlots,
    IdentityLink,
    LinkedSlots,
    LogisticLink,
    PoissonBinomialModel,
    pass_curvature,
    pass_probability,
    pass_slope,
    poisson_binomial_pmf,
)
from creatorpool.incentives.binomial import log_pass_probability

from .exact import poisson_binomial_mass


def slots_of(n: int, seed: int) -> LinkedSlots:
    rng = np.random.default_rng(seed)
    return LinkedSlots([LogisticLink(float(rng.uniform(1, 9)), float(rng.uniform(0.1, 0.9))) for _ in range(n)])


@pytest.mark.parametrize("n", [1, 2, 7, 90])
def test_tails_and_slopes_against_fifty_digits_agree_to_1e_10(n: int) -> None:
    slots = slots_of(n, n)
    model = PoissonBinomialModel(slots)
    for q, k in itertools.product((0.001, 0.3, 0.7), sorted({1, (n + 1) // 2, n})):
        chance, slope, _ = (part[0] for part in slots.chances(np.array([q])))
        tail = sum(poisson_binomial_mass(chance)[k:])
        influence = [poisson_binomial_mass(np.delete(chance, j))[k - 1] for j in range(n)] if n <= 7 else []
        assert abs(model.pass_probability(q, n, k) / tail - 1) < 1e-10
        if influence:  # Lemma B.1: each slot's sensitivity times the chance that it decides
            lemma = sum(w * float(s) for w, s in zip(influence, slope, strict=True))
            assert abs(model.pass_slope(q, n, k) / lemma - 1) < 1e-10


@pytest.mark.parametrize(("q", "k"), [(0.3, 1500), (0.3, 1700), (0.3, 1200), (0.99, 4990), (0.9, 4990)])
def test_five_thousand_equal_slots_match_the_binomial(q: float, k: int) -> None:
    model = PoissonBinomialModel(DecayingSlots(np.ones(5000), IdentityLink()))
    assert model.pass_probability(q, 5000, k) == pytest.approx(pass_probability(q, 5000, k), rel=1e-10)
    assert model.pass_slope(q, 5000, k) == pytest.approx(pass_slope(q, 5000, k), rel=1e-10)
    assert model.pass_curvature(q, 5000, k) == pytest.approx(pass_curvature(q, 5000, k), rel=1e-9)


def test_log_tail_far_beyond_floats_stays_finite() -> None:
    model = PoissonBinomialModel(DecayingSlots(np.ones(2000), IdentityLink()))
    assert model.pass_probability(0.01, 2000, 1900) == 0
    expected = log_pass_probability(0.01, 2000, 1900)
    assert model.log_pass_probability(0.01, 2000, 1900) == pytest.approx(expected, rel=1e-12)


def test_pmf_against_fast_poibin_agrees() -> None:
    peer = pytest.importorskip("fast_poibin", reason="the peer is not installed")
    chances = np.random.default_rng(5).uniform(0, 1, 600)
    theirs = peer.PoiBin(chances, mode="dp").pmf
    seen = theirs > 1e-25
    np.testing.assert_allclose(poisson_binomial_pmf(chances)[seen], theirs[seen], rtol=1e-10)


def test_pmf_against_plain_convolution_agrees_and_sums_to_one() -> None:
    chances = np.random.default_rng(6).uniform(0, 1, 50)
    mass = np.ones(1)
    for chance in chances:
        mass = np.convolve(mass, [1 - chance, chance])
    ours = poisson_binomial_pmf(chances)
    np.testing.assert_allclose(ours, mass, rtol=1e-12, atol=1e-28)
    assert ours.sum() == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_certain_slots_give_exact_ends(q: float) -> None:
    model = PoissonBinomialModel(DecayingSlots(np.ones(4), IdentityLink()))
    bars = np.arange(6)
    np.testing.assert_allclose(model.pass_probability(q, 4, bars), pass_probability(q, 4, bars), atol=1e-15)
    np.testing.assert_allclose(model.pass_slope(q, 4, bars), pass_slope(q, 4, bars), atol=1e-14)
    np.testing.assert_allclose(model.pass_curvature(q, 4, bars), pass_curvature(q, 4, bars), atol=1e-13)


def test_order_of_slots_does_not_matter_to_the_whole_window() -> None:
    weights = np.linspace(1, 0.2, 15)
    early, late = (PoissonBinomialModel(DecayingSlots(w, IdentityLink())) for w in (weights, weights[::-1]))
    assert early.pass_probability(0.6, 15, 6) == pytest.approx(late.pass_probability(0.6, 15, 6), rel=1e-13)
    assert early.pass_slope(0.6, 15, 6) == pytest.approx(late.pass_slope(0.6, 15, 6), rel=1e-13)


@pytest.mark.parametrize("p", [[], [[0.5]], [0.2, 1.2], [0.1, np.nan]])
def test_pmf_of_bad_chances_is_refused(p: object) -> None:
    with pytest.raises(InputError, match="p"):
        poisson_binomial_pmf(p)  # type: ignore[arg-type]
