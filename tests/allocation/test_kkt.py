"""The check of optimality accepts the optimum and detects every kind of violation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creatorpool.allocation import allocate, kkt_residuals
from creatorpool.errors import InputError

M = np.array([4.0, 1.0, 9.0, 0.0, 2.0])
POOL = 100.0
BOUNDS: dict[str, Any] = {
    "floor": np.array([0.0, 12.0, 0.0, 1.0, 0.0]),
    "cap": np.array([90.0, 90.0, 35.0, 90.0, 90.0]),
}


def _residuals(payout, nu, **options):
    return kkt_residuals(payout, nu, M, POOL, **({"alpha": 0.5, "lambda_eff": 0.4} | BOUNDS | options))


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("lambda_eff", [0.0, 0.4, 1 - 1e-12, 1.0])
def test_kkt_residuals_optimum_passes(objective, lambda_eff):
    options = {"lambda_eff": lambda_eff, "objective": objective}
    allocation = allocate(M, POOL, alpha=0.5, **BOUNDS, **options)
    assert _residuals(allocation.payout, allocation.nu, **options).worst < 1e-12 * POOL


@pytest.mark.parametrize("objective", ["linear", "log"])
@pytest.mark.parametrize("lambda_eff", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("giver", "taker"), [(0, 1), (2, 0), (1, 4), (4, 3), (2, 3)])
def test_kkt_residuals_detect_money_moved_between_two_videos(objective, lambda_eff, giver, taker):
    options = {"lambda_eff": lambda_eff, "objective": objective}
    allocation = allocate(M, POOL, alpha=0.5, **BOUNDS, **options)
    payout = allocation.payout.copy()
    moved = 0.01 * POOL
    if payout[giver] < moved:
        giver, moved = 2, moved
    payout[giver] -= moved
    payout[taker] += moved
    residuals = _residuals(payout, allocation.nu, **options)
    assert residuals.worst > 1e-4 * POOL
    assert residuals.budget < 1e-12 * POOL


def test_kkt_residuals_money_missing_is_the_budget_residual():
    allocation = allocate(M, POOL, alpha=0.5, lambda_eff=0.4, **BOUNDS)
    assert _residuals(allocation.payout * 0.9, allocation.nu).budget == pytest.approx(10.0)


def test_kkt_residuals_broken_floor_and_cap_are_measured_in_money():
    allocation = allocate(M, POOL, alpha=0.5, lambda_eff=0.4, **BOUNDS)
    below, above = allocation.payout.copy(), allocation.payout.copy()
    below[1] = BOUNDS["floor"][1] - 2.0
    above[2] = BOUNDS["cap"][2] + 3.0
    assert _residuals(below, allocation.nu).bounds == pytest.approx(2.0)
    assert _residuals(above, allocation.nu).bounds == pytest.approx(3.0)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_kkt_residuals_detect_a_wrong_multiplier(factor):
    allocation = allocate(M, POOL, alpha=0.5, lambda_eff=0.4, **BOUNDS)
    assert _residuals(allocation.payout, allocation.nu * factor).stationarity > 0.01 * POOL


def test_kkt_residuals_detect_an_unpaid_top_video_near_the_linear_program():
    # The video with the largest share, paid 0, has an infinite gradient: a multiplicative check would miss it.
    assert kkt_residuals([0.0, POOL], 0.02, [2.0, 1.0], POOL, alpha=0.5, lambda_eff=1 - 1e-12).worst > 0.1 * POOL


def test_kkt_residuals_detect_a_creator_above_the_cap_or_below_it_at_a_price():
    creators: dict[str, Any] = {"creator": [0, 0, 1, 1, 1], "creator_cap": [30.0, 80.0]}
    allocation = allocate(M, POOL, alpha=0.5, lambda_eff=0.4, **BOUNDS, **creators)
    assert allocation.max_kkt_residual < 1e-12 * POOL
    uncapped = allocate(M, POOL, alpha=0.5, lambda_eff=0.4, **BOUNDS)
    excess = uncapped.payout[:2].sum() - 30.0
    assert _residuals(uncapped.payout, uncapped.nu, **creators).creators == pytest.approx(excess)
    idle_price = {"creator": [0, 0, 1, 1, 1], "creator_cap": [90.0, 90.0]}
    eta = np.array([0.0, 0.0, 1.0, 1.0, 1.0]) * uncapped.nu
    assert _residuals(uncapped.payout, uncapped.nu, eta=eta, **idle_price).creators > 1.0


@pytest.mark.parametrize("payout", [[np.nan, 1.0, 1.0, 1.0, 1.0], [np.inf, 1.0, 1.0, 1.0, 1.0], [100.0]])
def test_kkt_residuals_unusable_payouts_are_refused(payout):
    with pytest.raises(InputError, match=r"payout must hold one finite number per video, shape \(5,\)"):
        _residuals(payout, 0.01)
