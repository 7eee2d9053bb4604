"""Every model against finite differences, its definition, and the binomial test that it generalises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import betabinom, norm

from creatorpool.errors import InputError
from creatorpool.incentives import (
    BetaBinomialModel,
    BinomialModel,
    DecayingSlots,
    IdentityLink,
    LatentMixingModel,
    LinkedSlots,
    LinkModel,
    LogisticLink,
    LogitShift,
    ManipulatedModel,
    MultiWinnerModel,
    NoisyLink,
    NormalApproximation,
    PassModel,
    PoissonBinomialModel,
    ScaledLink,
    logit_normal_mixing,
    noisy_labels,
    pass_probability,
    pass_slope,
    seat_threshold,
)

LINK = LogisticLink(steepness=5.0, centre=0.45, low=0.05, high=0.9)
NOVELTY = 0.97 ** np.arange(24)
MODELS: dict[str, PassModel] = {
    "binomial": BinomialModel(),
    "link": LinkModel(LINK),
    "noisy": noisy_labels(0.15, 0.08, LINK),
    "manipulated": ManipulatedModel(LinkModel(LINK), 0.12),
    "poisson-binomial": PoissonBinomialModel(DecayingSlots(NOVELTY, LINK)),
    "linked slots": PoissonBinomialModel(LinkedSlots([ScaledLink(w, LINK) for w in NOVELTY])),
    "beta-binomial": BetaBinomialModel(6.0, LINK),
    "mixing": logit_normal_mixing(0.8),
    "normal": NormalApproximation(DecayingSlots(NOVELTY, LINK)),
    "multi-winner": MultiWinnerModel(np.linspace(0.2, 0.8, 40), LinkModel(LINK)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_derivatives_of_each_model_match_finite_differences(name: str) -> None:
    model, step = MODELS[name], 1e-5
    q, n, k = np.linspace(0.1, 0.9, 9)[:, None], np.array([20, 24]), np.array([9, 14])
    above, below = q + step, q - step
    numeric = (model.pass_probability(above, n, k) - model.pass_probability(below, n, k)) / (2 * step)
    np.testing.assert_allclose(model.pass_slope(q, n, k), numeric, rtol=1e-6, atol=1e-7)
    numeric = (model.pass_slope(above, n, k) - model.pass_slope(below, n, k)) / (2 * step)
    np.testing.assert_allclose(model.pass_curvature(q, n, k), numeric, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_each_model_is_monotone_and_its_logs_agree(name: str) -> None:
    model, q = MODELS[name], np.linspace(0, 1, 101)
    passed = model.pass_probability(q, 20, 9)
    assert (np.diff(passed) >= -1e-15).all()
    assert ((passed >= 0) & (passed <= 1 + 1e-15)).all()
    np.testing.assert_allclose(np.exp(model.log_pass_probability(q, 20, 9)), passed, rtol=1e-9, atol=1e-290)
    np.testing.assert_allclose(np.exp(model.log_pass_slope(q, 20, 9)), model.pass_slope(q, 20, 9), rtol=1e-9)


def test_every_model_without_its_extension_is_the_binomial_test() -> None:
    q, n, k = np.linspace(0.05, 0.95, 10), 20, 8
    plain = pass_probability(q, n, k), pass_slope(q, n, k)
    twistless = [
        LinkModel(),
        noisy_labels(0.0, 0.0),
        ManipulatedModel(BinomialModel(), 0.0),
        PoissonBinomialModel(DecayingSlots(np.ones(25), IdentityLink())),
        logit_normal_mixing(0.0),
        BetaBinomialModel(1e12),
    ]
    for model in twistless:
        np.testing.assert_allclose(model.pass_probability(q, n, k), plain[0], rtol=1e-8)
        np.testing.assert_allclose(model.pass_slope(q, n, k), plain[1], rtol=1e-8)


def test_beta_binomial_against_scipy_and_quadrature_agrees() -> None:
    q, size, n, k = 0.35, 7.0, 30, 12
    model = BetaBinomialModel(size)
    assert model.pass_probability(q, n, k) == pytest.approx(betabinom.sf(k - 1, n, size * q, size * (1 - q)), rel=1e-10)

    def density(theta: float) -> float:
        from scipy.stats import beta

        return float(beta.pdf(theta, size * q, size * (1 - q)) * pass_probability(theta, n, k))

    assert model.pass_probability(q, n, k) == pytest.approx(quad(density, 0, 1, epsabs=1e-12)[0], rel=1e-8)


def test_logit_normal_mixing_against_adaptive_quadrature_agrees() -> None:
    shift = LogitShift(0.8)

    def weighted(z: float) -> float:
        theta = shift.value(np.array(0.4), np.array(z))
        return float(norm.pdf(z) * shift.slope(np.array(0.4), np.array(z)) * pass_slope(theta, 20, 9))

    assert logit_normal_mixing(0.8).pass_slope(0.4, 20, 9) == pytest.approx(quad(weighted, -10, 10)[0], rel=1e-8)


def test_mixing_over_two_types_is_their_average() -> None:
    model = LatentMixingModel(LogitShift(1.0), np.array([-1.0, 1.0]), np.array([0.25, 0.75]))
    odds = 0.5 / 0.5 * np.exp(np.array([-1.0, 1.0]))
    by_type = pass_probability(odds / (1 + odds), 10, 4)
    assert model.pass_probability(0.5, 10, 4) == pytest.approx(0.25 * by_type[0] + 0.75 * by_type[1], rel=1e-12)


def test_overdispersion_flattens_the_slope_at_the_centre() -> None:
    slopes = [BetaBinomialModel(size).pass_slope(0.5, 21, 11) for size in (2.0, 8.0, 50.0)]
    assert slopes == sorted(slopes)
    assert slopes[-1] < pass_slope(0.5, 21, 11)


def test_label_noise_shrinks_the_slope_by_one_less_both_rates() -> None:
    clean, noisy = LinkModel(LINK), noisy_labels(0.2, 0.1, LINK)
    q = np.array([0.3, 0.6])
    chance = 0.1 + 0.7 * LINK.value(q)
    np.testing.assert_allclose(noisy.pass_slope(q, 20, 9), 0.7 * LINK.slope(q) * pass_slope(chance, 20, 9), rtol=1e-12)
    assert noisy.pass_slope(0.45, 20, 9) < clean.pass_slope(0.45, 20, 9)


def test_manipulation_lifts_the_floor_and_shrinks_the_slope() -> None:
    model = ManipulatedModel(BinomialModel(), 0.1)
    assert model.pass_probability(0.0, 20, 9) == pytest.approx(0.1)
    assert model.pass_slope(0.45, 20, 9) == pytest.approx(0.9 * pass_slope(0.45, 20, 9), rel=1e-14)


def test_normal_approximation_of_a_wide_window_is_close_in_the_middle() -> None:
    slots = DecayingSlots(np.linspace(1.0, 0.6, 400), IdentityLink())
    exact, approximate = PoissonBinomialModel(slots), NormalApproximation(slots)
    q = np.linspace(0.44, 0.56, 7)
    np.testing.assert_allclose(
        approximate.pass_probability(q, 400, 160), exact.pass_probability(q, 400, 160), atol=2e-3
    )
    np.testing.assert_allclose(approximate.pass_slope(q, 400, 160), exact.pass_slope(q, 400, 160), rtol=0.02, atol=0.05)


def test_normal_approximation_without_randomness_is_a_step() -> None:
    model = NormalApproximation(DecayingSlots(np.ones(10), IdentityLink()))
    np.testing.assert_array_equal(model.pass_probability([0.0, 1.0], 10, 4), [0.0, 1.0])
    np.testing.assert_array_equal(model.pass_slope([0.0, 1.0], 10, 4), [0.0, 0.0])


def test_normal_approximation_with_almost_no_randomness_is_finite() -> None:
    model = NormalApproximation(DecayingSlots(np.ones(10), IdentityLink()))
    q = np.array([5e-324, 1e-200, 1e-90, 1e-40, 1e-20, 1 - 2.0**-53])
    np.testing.assert_array_equal(model.pass_probability(q, 10, 4), [0.0] * 5 + [1.0])
    np.testing.assert_array_equal(model.pass_slope(q, 10, 4), np.zeros(6))
    np.testing.assert_array_equal(model.pass_curvature(q, 10, 4), np.zeros(6))


def test_seat_threshold_is_the_bar_closest_to_the_number_of_seats() -> None:
    peers = np.random.default_rng(3).uniform(0.1, 0.9, 60)
    for seats in (0, 3, 17, 60):
        chosen = int(seat_threshold(seats, peers, 20))
        gaps = [abs(pass_probability(peers, 20, bar).sum() - seats) for bar in range(22)]
        assert gaps[chosen] == min(gaps)
    assert (np.diff(seat_threshold(np.arange(61), peers, 20)) <= 0).all()


def test_multi_winner_with_more_seats_is_easier() -> None:
    model = MultiWinnerModel(np.linspace(0.2, 0.8, 40))
    assert (np.diff(model.pass_probability(0.5, 20, np.array([2, 8, 20, 38]))) > 0).all()


invalid_models = [
    (lambda: NoisyLink(LINK, 0.6, 0.4), "η \\+ ξ < 1"),
    (lambda: ManipulatedModel(BinomialModel(), 1.0), "manipulation rate"),
    (lambda: BetaBinomialModel(0.0), "concentration"),
    (lambda: LatentMixingModel(LogitShift(1.0), np.zeros(2), np.array([0.5, 0.4])), "sum to 1"),
    (lambda: LogisticLink(4.0, low=0.9, high=0.2), "low < high"),
    (lambda: LogisticLink(-1.0), "steepness"),
    (lambda: ScaledLink(1.2, LINK), "factor"),
    (lambda: DecayingSlots([0.5, 1.5], LINK), r"weights\[1\]"),
    (lambda: LinkedSlots([]), "one link per slot"),
    (lambda: PoissonBinomialModel(DecayingSlots(np.ones(5), LINK)).pass_slope(0.5, 6, 2), "number of slots, 5"),
    (lambda: NormalApproximation(DecayingSlots(np.ones(5), LINK)).pass_slope(0.5, 6, 2), "number of slots, 5"),
    (lambda: seat_threshold(3, [], 10), "at least one entrant"),
]


@pytest.mark.parametrize(("build", "message"), invalid_models)
def test_impossible_model_is_refused_with_its_rule(build: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()  # type: ignore[operator]
