from __future__ import annotations

import numpy as np
import pytest

from creatorpool.errors import InputError
from creatorpool.incentives import replay_continuation
from creatorpool.incentives.replayed import SideMoments, replayed_values

DELTA, PERIODS = 0.9, 10


def side_of(totals: np.ndarray) -> SideMoments:
    return SideMoments(len(totals), totals.sum(axis=0), totals.T @ totals)


def logged_entrants(entrants: int, seed: int, shift: float) -> tuple[np.ndarray, float]:
    """(m, 3) totals of entrants offered once a period, and the exposure that the target engine would give.

    The engine shows with a chance that varies by period and entrant; the target favours the early periods, by `shift`.
    """
    rng = np.random.default_rng(seed)
    logged = rng.uniform(0.2, 0.7, (entrants, PERIODS))
    tilt = 1.0 + shift * (1.0 - 2.0 * np.arange(PERIODS) / (PERIODS - 1))
    shown = rng.random(logged.shape) < logged
    discount = DELTA ** np.arange(PERIODS)
    weight = np.where(shown, tilt, 0.0)
    totals = np.stack([(weight * discount).sum(axis=1), weight.sum(axis=1), shown.sum(axis=1)], axis=1)
    return totals, float((0.45 * tilt * discount).sum())


@pytest.mark.parametrize("normalised", [False, True])
def test_replayed_intervals_cover_the_target_engine_in_most_seeds(normalised: bool) -> None:
    covered = []
    for seed in range(300):
        failed, truth0 = logged_entrants(150, 2 * seed, 0.5)
        passed, truth1 = logged_entrants(120, 2 * seed + 1, 0.5)
        found = replayed_values(side_of(failed), side_of(passed), normalised=normalised)
        truths = {"g0": truth0, "g1": truth1, "spread": truth1 - truth0}
        covered.append([low <= t <= high for name, t in truths.items() for low, high in [found.interval(name)]])
    assert np.all((np.mean(covered, axis=0) >= 0.91) & (np.mean(covered, axis=0) <= 0.99))


def test_replay_of_the_logging_engine_is_the_plain_mean() -> None:
    totals, _ = logged_entrants(80, 3, 0.0)
    failed, passed = totals[:50], totals[50:]
    plain = replay_continuation(totals[:, 0], np.arange(80) >= 50)
    for normalised in (False, True):
        found = replayed_values(side_of(failed), side_of(passed), normalised=normalised)
        assert found.g0 == pytest.approx(plain.g0)
        assert found.g1_error == pytest.approx(plain.g1_error)
        assert found.spread_error == pytest.approx(plain.spread_error)


def test_normalised_weights_keep_constant_exposure_at_the_logged_value() -> None:
    failed, _ = logged_entrants(60, 4, 0.0)
    doubled = failed * np.array([2.0, 2.0, 1.0])  # a target that shows everything twice as often
    found = replayed_values(side_of(doubled), side_of(doubled), normalised=True)
    assert found.g0 == pytest.approx(failed[:, 0].mean())
    assert replayed_values(side_of(doubled), side_of(doubled), normalised=False).g0 == pytest.approx(2 * found.g0)


def test_replay_without_support_in_the_logs_is_refused() -> None:
    totals, _ = logged_entrants(10, 5, 0.0)
    with pytest.raises(InputError, match="two entrants must fail and two pass, got 10 and 1"):
        replayed_values(side_of(totals), side_of(totals[:1]), normalised=False)
    with pytest.raises(InputError, match="none of the logged impressions"):
        replayed_values(side_of(totals * [0, 0, 1]), side_of(totals * [0, 0, 1]), normalised=True)
