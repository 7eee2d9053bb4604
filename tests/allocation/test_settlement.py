"""Settlement makes a pool's bounds feasible as configured and accounts for all of its money."""

from __future__ import annotations

import numpy as np
import pytest

from creatorpool.allocation.revenue import PoolRevenue
from creatorpool.allocation.settlement import settle_pool
from creatorpool.allocation.split import split_pool
from creatorpool.errors import InfeasiblePoolError
from creatorpool.settings import AllocationSettings, load_settings

IMPRESSIONS = np.array([900.0, 90.0, 9.0, 0.0])


def pool(micros: int) -> PoolRevenue:
    return PoolRevenue("music", 2 * micros, 0.5, micros, "USD")


def terms(*assignments: str) -> AllocationSettings:
    return load_settings(assignments=[f"allocation.{assignment}" for assignment in assignments]).allocation


def test_settle_pool_without_bounds_pays_all_of_it() -> None:
    settled = settle_pool(pool(1_000_003), IMPRESSIONS, terms("alpha=0.7"))

    assert (settled.paid_micros, settled.unallocated_micros) == (1_000_003, 0)
    assert (settled.videos_eligible, settled.coverage) == (4, 0.75)


@pytest.mark.parametrize("objective", ["linear", "log"])
def test_kkt_residual_of_the_ledger_is_a_share_of_what_is_split(objective: str) -> None:
    impressions = np.random.default_rng(3).pareto(1.1, 1_000) + 1.0

    settled = settle_pool(pool(10**15), impressions, terms(f"objective={objective}"))

    _, allocation = split_pool(settled.split.terms, impressions)
    assert allocation.max_kkt_residual > 1e-6  # micros
    assert settled.max_kkt_residual == allocation.max_kkt_residual / 10**15
    assert settled.max_kkt_residual <= 1e-12


def test_pool_without_money_has_no_kkt_residual() -> None:
    assert settle_pool(pool(0), IMPRESSIONS, terms()).max_kkt_residual == 0.0


def test_settle_pool_without_videos_leaves_it_unallocated_with_a_warning() -> None:
    settled = settle_pool(pool(500), np.empty(0), terms())

    assert (settled.split, settled.paid_micros, settled.unallocated_micros) == (None, 0, 500)
    assert "no eligible video" in settled.warning


@pytest.mark.parametrize("impressions", [np.empty(0), np.zeros(3)])
def test_pool_without_money_leaves_nothing_unallocated_and_does_not_warn(impressions: np.ndarray) -> None:
    settled = settle_pool(pool(0), impressions, terms())

    assert (settled.paid_micros, settled.unallocated_micros, settled.warning) == (0, 0, None)


def test_settle_pool_without_quality_leaves_it_unallocated_with_any_floor() -> None:
    settled = settle_pool(pool(500), np.zeros(3), terms("floor_micros=7"))

    assert (settled.paid_micros, settled.unallocated_micros, settled.coverage) == (0, 500, 0.0)
    assert "quality above 0" in settled.warning


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("floor_micros=300",), "floors of 0.0003 USD for 4 videos sum to 0.0012 USD, more than the pool, 0.001 USD"),
        (
            ("cap_micros=100",),
            "caps of 0.0001 USD for 3 videos with quality sum to 0.0003 USD, less than the pool, 0.001 USD",
        ),
        (("categories.music.cap_micros=10",), "caps of 0.00001 USD"),
    ],
)
def test_settle_pool_with_impossible_bounds_fails_and_names_them(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(InfeasiblePoolError, match=message) as caught:
        settle_pool(pool(1000), IMPRESSIONS, terms(*settings))
    assert caught.value.exit_code == 2


def test_settle_pool_scales_floors_if_configured() -> None:
    settled = settle_pool(pool(1000), IMPRESSIONS, terms("floor_micros=300", "on_floors_exceed_pool=scale"))

    assert settled.paid_micros == 1000
    assert settled.split.terms.floor_micros == 250
    assert "floors scaled from 0.0003 USD to 0.00025 USD to fit the pool" in settled.warning


def test_settle_pool_leaves_money_above_the_caps_unallocated_if_configured() -> None:
    settings = terms("cap_micros=100", "floor_micros=20", "on_caps_below_pool=carry")
    settled = settle_pool(pool(1000), IMPRESSIONS, settings)

    assert (settled.paid_micros, settled.unallocated_micros) == (320, 680)
    assert "caps leave 0.00068 USD unallocated" in settled.warning


def test_settle_pool_warns_if_the_efficiency_weight_moves_nothing() -> None:
    rng = np.random.default_rng(5)
    many = rng.pareto(1.1, 200_000)

    dead = settle_pool(pool(10**12), many, terms("lambda_eff=0.9"))
    alive = settle_pool(pool(10**12), many, terms("lambda_eff=0.9", "objective=log"))

    assert "lambda_eff 0.9 moved" in dead.warning
    assert alive.warning is None
    assert alive.efficiency_moved_micros > 1000 * dead.efficiency_moved_micros
