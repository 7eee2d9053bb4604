"""Smoothing: effective viewers, and components from shrunk rates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from creatorpool.errors import InputError
from creatorpool.quality import engagement_diversity, shrink
from creatorpool.quality.smoothing import SHRUNK_RATES, effective_viewers, fit_priors, smoothed_components

TIERS = {"verified": 1.0, "unverified": 0.8}
BETA = {"like": 0.1, "comment": 0.2, "share": 0.4, "follow": 0.3}


def _day(seed: int, videos: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    verified, unverified = rng.integers(0, 9, videos), rng.integers(1, 30, videos)
    viewers = verified + unverified
    rates = {rate: rng.binomial(viewers, rng.beta(1, 20, videos)) / viewers for rate in SHRUNK_RATES}
    return {
        "category": rng.choice(["food", "music", "sport"], videos).astype(object),
        "viewers": viewers,
        "trust_weight": verified + 0.8 * unverified,
        **rates,
    }


@pytest.mark.parametrize("tiers", [{"verified": 1.0, "unverified": 0.8}, {"verified": 1000.0, "unverified": 0.001}])
def test_effective_viewers_of_two_tiers_is_kish(tiers):
    rng = np.random.default_rng(1)
    verified, unverified = rng.integers(0, 50, 200), rng.integers(1, 50, 200)
    total = tiers["verified"] * verified + tiers["unverified"] * unverified
    squares = tiers["verified"] ** 2 * verified + tiers["unverified"] ** 2 * unverified
    assert_allclose(effective_viewers(verified + unverified, total, tiers), total**2 / squares, rtol=1e-9)


def test_effective_viewers_of_more_tiers_is_at_most_kish_and_positive():
    weights = np.random.default_rng(2).choice([1.0, 0.8, 0.5, 0.1], (500, 12))
    tiers = {"verified": 1.0, "unverified": 0.8, "new": 0.5, "suspected": 0.1}
    effective = effective_viewers(np.full(500, 12), weights.sum(axis=1), tiers)
    assert (effective <= weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1) * (1 + 1e-12)).all()
    assert (effective > 0).all()


def test_effective_viewers_does_not_change_with_the_scale_of_weights():
    halved = {tier: weight / 2 for tier, weight in TIERS.items()}
    nine = np.array([9])
    assert_allclose(effective_viewers(nine, np.array([8.0]), TIERS), effective_viewers(nine, np.array([4.0]), halved))


def test_smoothed_components_follow_from_rates_shrunk_within_each_category():
    day = _day(3)
    components = smoothed_components(day, fit_priors(day, TIERS), TIERS, BETA)
    n = effective_viewers(day["viewers"], day["trust_weight"], TIERS)
    rates = {rate: shrink(n * day[rate], n, day["category"].astype(str)) for rate in SHRUNK_RATES}
    assert_allclose(components["rewatch"], rates["rewatch"], rtol=1e-12)
    assert_allclose(
        components["engagement_rate"], sum(beta * rates[f"{action}_rate"] for action, beta in BETA.items()), rtol=1e-12
    )
    actions = np.column_stack([rates[f"{action}_rate"] for action in BETA])
    assert_allclose(components["engagement_diversity"], engagement_diversity(actions), rtol=1e-12)


def test_smoothed_components_of_any_batch_have_the_same_bits():
    day = _day(4)
    priors = fit_priors(day, TIERS)
    whole = smoothed_components(day, priors, TIERS, BETA)
    for start in range(0, 400, 33):
        batch = {name: values[start : start + 33] for name, values in day.items()}
        for name, values in smoothed_components(batch, priors, TIERS, BETA).items():
            np.testing.assert_array_equal(values, whole[name][start : start + 33])


def test_fit_priors_of_shuffled_rows_has_the_same_bits():
    day = _day(5)
    order = np.random.default_rng(0).permutation(400)
    priors, shuffled = (
        fit_priors(rows, TIERS) for rows in (day, {name: values[order] for name, values in day.items()})
    )
    assert priors.category == shuffled.category == ("food", "music", "sport")
    for rate in SHRUNK_RATES:
        np.testing.assert_array_equal(priors.rates[rate].mean, shuffled.rates[rate].mean)
        np.testing.assert_array_equal(priors.rates[rate].strength, shuffled.rates[rate].strength)


def test_fit_priors_without_a_rate_names_it():
    day = _day(6)
    del day["share_rate"]
    with pytest.raises(InputError, match="share_rate"):
        fit_priors(day, TIERS)


def test_smoothed_components_of_unknown_category_names_it():
    day = _day(7)
    priors = fit_priors(day, TIERS)
    with pytest.raises(InputError, match="category 'art' has no fitted prior"):
        smoothed_components(day | {"category": np.array(["art"] * 400, dtype=object)}, priors, TIERS, BETA)


def test_custom_rate_shrinks_like_a_rate_of_the_list():
    day = _day(7)
    day["played"] = day["rewatch"].copy()
    found = smoothed_components(day, fit_priors(day, TIERS, ["played"]), TIERS, BETA)
    np.testing.assert_array_equal(found["played"], found["rewatch"])
    assert (found["played"] > 0).all()
    assert (day["played"] == 0).mean() > 0.3


def test_custom_signals_change_no_other_prior():
    day = _day(8)
    day["played"] = day["rewatch"].copy()
    alone, beside = fit_priors(day, TIERS), fit_priors(day, TIERS, ["played"])
    for rate in SHRUNK_RATES:
        np.testing.assert_array_equal(alone.rates[rate].strength, beside.rates[rate].strength)


def test_missing_custom_signal_is_named():
    with pytest.raises(InputError, match="must hold \\['played'\\]"):
        fit_priors(_day(9), TIERS, ["played"])
