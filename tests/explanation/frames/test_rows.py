"""Rows of two days, with custom signals among the components."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.explanation.pool_days import EXPONENTS, PoolDay, half_of

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.explanation.decomposition import DayPolicy
from creatorpool.explanation.frames.rows import explained_batch, whole_pool
from creatorpool.explanation.pairs import PoolPair, pool_day
from creatorpool.explanation.parts import PARTS
from creatorpool.quality_components import COMPONENT_NAMES

RNG = np.random.default_rng(3)
POLICY = DayPolicy(
    SplitPolicy("log", 0.5, 0.0), {**{name: 0.9 * phi for name, phi in EXPONENTS.items()}, "finish_share": 0.1}
)


def side(day: int, pool: PoolDay, finish_share: list[float | None]) -> dict[str, list]:
    known = np.array([1.0 if value is None else value for value in finish_share])
    paid = PoolDay(pool.money, pool.views, np.column_stack([pool.components, known])).paid(POLICY)
    columns = {
        "creator_id": ["ann"] * known.size,
        "effective_impressions": paid.effective_impressions.tolist(),
        "floor_micros": [0] * known.size,
        "cap_micros": pa.nulls(known.size, pa.int64()).to_pylist(),
        "payout_micros": paid.payout.astype(int).tolist(),
        "bound": paid.bound.tolist(),
        "views": pool.views.tolist(),
        **{name: pool.components[:, k].tolist() for k, name in enumerate(COMPONENT_NAMES)},
        "finish_share": finish_share,
    }
    return {f"{name}_{day}": values for name, values in columns.items()}


@pytest.fixture
def pool() -> PoolDay:
    return PoolDay(10**9, RNG.integers(1, 100, 3), RNG.uniform(0.2, 1.0, (3, 5)))


def explained(pool: PoolDay, before: list[float | None], after: list[float | None]) -> dict[str, list]:
    key = {"category": ["music"] * 3, "video_id": ["a", "b", "c"]}
    pairs = pa.table(key | side(0, pool, before) | side(1, pool, after))
    money = half_of(pool.money)
    days = [pool_day(whole_pool(pairs, d, ["finish_share"]), money, pool.money, POLICY, POLICY) for d in (0, 1)]
    batch = pairs.combine_chunks().to_batches()[0]
    return explained_batch(batch, PoolPair(days[0], days[1]), ["finish_share"]).to_pydict()


@pytest.mark.slow
def test_explained_batch_puts_custom_signals_under_custom(pool: PoolDay) -> None:
    rows = explained(pool, [0.5, 0.5, 0.5], [0.5, 1.0, 0.5])

    assert rows["custom_micros"][1] > 0
    assert rows["custom_micros"][0] == rows["custom_micros"][2] == 0
    moved = {name for name in PARTS if any(abs(micros) > 2 for micros in rows[f"{name}_micros"])}
    assert moved == {"custom", "competition"}
    for row in range(3):
        assert rows["change_micros"][row] == sum(rows[f"{name}_micros"][row] for name in PARTS)


def test_explained_batch_treats_a_signal_of_one_day_only_as_unchanged(pool: PoolDay) -> None:
    rows = explained(pool, [None, None, None], [0.5, 1.0, 0.25])
    assert rows["custom_micros"] == [0, 0, 0]
