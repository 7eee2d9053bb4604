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
from creatorpool.incentives.slots import SlotChances

from .exact import poisson_binomial_mass, poisson_binomial_point

SMALLEST = 1e-280
# Below this relative size the reference has no correct digits: it sums masses whose derivatives cancel.
LOST = 1e-30


class FixedSlots:
    """Slots with given chances and derivatives, at any quality."""

    def __init__(self, *parts: np.ndarray) -> None:
        self.parts = parts

    @property
    def count(self) -> int:
        return self.parts[0].size

    def chances(self, q: np.ndarray) -> SlotChances:
        return SlotChances(*(np.tile(part, (np.size(q), 1)) for part in self.parts))


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


def drawn_slots(rng: np.random.Generator) -> FixedSlots:
    """Chances of every size, some of them 0 or 1, with slopes and curvatures of the same or another size."""
    n = int(rng.integers(1, 30))
    chances = [
        rng.random(n),
        10.0 ** rng.uniform(-12, 0, n),
        1 - 10.0 ** rng.uniform(-6, 0, n),
        rng.choice([0.0, 1.0, 0.5, 0.2, 1e-9], n),
        rng.random() * rng.uniform(0.5, 1, n),
    ][rng.integers(5)]
    first = rng.uniform(0, 3, n) * rng.choice([np.ones(n), chances, rng.integers(0, 2, n)])
    return FixedSlots(chances, first, rng.normal(0, 3, n) * rng.choice([np.ones(n), first]))


def check_slots(slots: FixedSlots, k: int) -> None:
    chances, first, second = slots.parts
    exact = poisson_binomial_point(chances, first, second, k)
    ours = PoissonBinomialModel(slots).evaluate(np.asarray(0.5), np.asarray(slots.count), np.asarray(k))
    for number, wanted in zip(ours[:2], exact[:2], strict=True):
        if wanted > max(SMALLEST, LOST * exact.tail):
            assert abs(number / wanted - 1) < 1e-10
    if exact.scale > max(SMALLEST, LOST * exact.tail):
        assert abs(ours.curvature - exact.curvature) <= 1e-10 * abs(exact.curvature) + 1e-12 * exact.scale


def test_slots_of_every_kind_against_fifty_digits_agree_to_1e_10() -> None:
    rng = np.random.default_rng(21)
    for _ in range(150):
        slots = drawn_slots(rng)
        check_slots(slots, int(rng.integers(1, slots.count + 1)))


@pytest.mark.prove
def test_thousands_of_slots_of_every_kind_agree_to_1e_10() -> None:
    rng = np.random.default_rng(22)
    for _ in range(6_000):
        slots = drawn_slots(rng)
        check_slots(slots, int(rng.integers(1, slots.count + 1)))


def test_bar_at_the_number_of_possible_slots_keeps_its_tail() -> None:
    """Five slots have a positive chance, and all of them must succeed."""
    weights = np.array([1.0, 0.0, 0.9, 0.8, 0.0, 0.7, 0.6])
    model = PoissonBinomialModel(DecayingSlots(weights, IdentityLink()))
    product = np.prod(weights[weights > 0])
    for q in (1e-9, 0.3):
        assert model.pass_probability(q, 7, 5) == pytest.approx(product * q**5, rel=1e-12)
        assert model.pass_slope(q, 7, 5) == pytest.approx(5 * product * q**4, rel=1e-12)
        assert model.pass_curvature(q, 7, 5) == pytest.approx(20 * product * q**3, rel=1e-12)
        assert model.pass_probability(q, 7, 6) == 0


def test_slots_with_only_curvature_at_quality_zero_give_the_pass_chance_curvature() -> None:
    class Square:
        def value(self, q: np.ndarray) -> np.ndarray:
            return q**2

        def slope(self, q: np.ndarray) -> np.ndarray:
            return 2 * q

        def curvature(self, q: np.ndarray) -> np.ndarray:
            return np.full_like(q, 2.0)

    model = PoissonBinomialModel(DecayingSlots(np.ones(3), Square()))
    assert model.pass_curvature(0.0, 3, 1) == pytest.approx(6.0, rel=1e-14)


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
