"""The numbers of charts, against plain Python and closed forms."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatorpool.explanation.parts import REASON_NAMES
from creatorpool.report.nightly.figures import (
    SIZE_GROUPS,
    Mover,
    concentration,
    explained_movers,
    fifths,
    histogram,
    intervals,
    kpis,
    lorenz_rows,
    moved_by_reason,
    payouts_by_size,
    plain_movers,
    quantiles,
)
from creatorpool.statements.text import owned_change

MONEY = st.integers(0, 10**12)


def test_concentration_of_equal_amounts_and_of_one_holder() -> None:
    equal, one = concentration([5, 5, 5, 5]), concentration([0, 0, 0, 8])

    assert (equal.count, equal.gini, equal.effective) == (4, 0.0, 4.0)
    assert (one.gini, one.top1pct, one.effective) == (0.75, 1.0, 1.0)
    assert math.isnan(concentration([0, 0]).gini)


def test_lorenz_rows_leave_out_a_day_that_paid_nothing() -> None:
    rows = lorenz_rows({"this day": [1, 3], "a week ago": [0, 0]})

    assert {row["series"] for row in rows} == {"this day"}
    assert [(row["holders"], row["money"]) for row in rows] == [(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)]


@given(st.lists(st.integers(0, 50), max_size=60))
def test_fifths_are_equal_groups_in_order_of_size(sizes: list[int]) -> None:
    group = fifths(sizes)

    counts = np.bincount(group, minlength=len(SIZE_GROUPS))
    assert counts.max() - counts.min() <= 1
    for place in range(len(SIZE_GROUPS) - 1):
        below, above = np.array(sizes)[group == place], np.array(sizes)[group == place + 1]
        assert not below.size or not above.size or below.max() <= above.min()


SHARES = st.lists(
    st.tuples(st.sampled_from(["news", "music"]), st.integers(0, 30), MONEY), unique_by=lambda row: row[:2], min_size=1
)


@given(SHARES, st.dictionaries(st.integers(0, 30), st.integers(0, 1000)))
def test_payouts_by_size_agree_with_plain_sums(shares: list[tuple[str, int, int]], views: dict[int, int]) -> None:
    owner = {video: f"c{video % 7}" for video in range(31)}
    payouts = pa.table(
        {
            "category": [row[0] for row in shares],
            "video_id": [f"v{row[1]}" for row in shares],
            "creator_id": [owner[row[1]] for row in shares],
            "payout_micros": [row[2] for row in shares],
        }
    )
    signals = {"video_id": [f"v{video}" for video in views], "views": list(views.values())}
    sizes = payouts_by_size(payouts, pa.table(signals, pa.schema([("video_id", pa.string()), ("views", pa.int64())])))

    seen: dict[str, int] = defaultdict(int)
    for video in {row[1] for row in shares}:
        seen[owner[video]] += views.get(video, 0)
    rated = sorted((name for name in seen if seen[name]), key=lambda name: (seen[name], name))
    group = {name: place * 5 // len(rated) for place, name in enumerate(rated)}
    money: dict[tuple[str, int], int] = defaultdict(int)
    for category, video, micros in shares:
        money[category, group.get(owner[video], 0)] += micros
    assert sizes.creators.tolist() == [sum(place == own for own in group.values()) for place in range(5)]
    assert sizes.views.sum() == sum(seen.values())
    for category, row in sizes.by_pool.items():
        assert row.tolist() == pytest.approx([money[category, place] for place in range(5)])
    assert sizes.money.sum() == pytest.approx(sum(row[2] for row in shares))


@given(st.lists(st.floats(0, 1), min_size=1))
def test_histogram_has_every_value_once(values: list[float]) -> None:
    bars = histogram(values)

    assert sum(bar["share"] for bar in bars) == pytest.approx(1.0)
    assert (bars[0]["start"], bars[-1]["end"]) == (0.0, 1.0)


def test_quantiles_of_known_values_and_of_none() -> None:
    assert quantiles([0.0, 0.5, 1.0]) == pytest.approx(
        {"mean": 0.5, "p10": 0.1, "median": 0.5, "p90": 0.9, "zero": 1 / 3}
    )
    assert math.isnan(quantiles([])["median"])


def change(video: int, now_of: str, before_of: str | None, before: int, parts: dict[str, int]) -> dict[str, Any]:
    owners = {"video_id": f"v{video}", "creator_id": now_of, "against_creator_id": before_of}
    total = sum(parts.values())
    money = {"against_payout_micros": before, "payout_micros": before + total}
    return owners | money | {f"{name}_micros": parts.get(name, 0) for name in REASON_NAMES}


CHANGES = st.lists(
    st.builds(
        change,
        st.integers(0, 99),
        st.sampled_from("abc"),
        st.sampled_from(["a", "b", "c", None]),
        MONEY,
        st.dictionaries(
            st.sampled_from([name for name in REASON_NAMES if name != "pool_size"]), st.integers(-(10**9), 10**9)
        ),
    ),
    min_size=1,
)


@given(CHANGES)
def test_explained_movers_agree_with_each_creators_statement(rows: list[dict[str, Any]]) -> None:
    schema = pa.schema([(name, pa.int64() if name.endswith("micros") else pa.string()) for name in rows[0]])
    movers = explained_movers(pa.Table.from_pylist(rows, schema=schema), most=10)

    told: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for creator in {row["creator_id"], row["against_creator_id"] or row["creator_id"]}:
            told[creator].append(owned_change(row, creator))
    change_of = {
        name: sum(row["payout_micros"] - row["against_payout_micros"] for row in own) for name, own in told.items()
    }
    assert {mover.creator: mover.change for mover in movers} == {name: of for name, of in change_of.items() if of}
    assert [abs(mover.change) for mover in movers] == sorted((abs(mover.change) for mover in movers), reverse=True)
    for mover in movers:
        for reason, micros in mover.reasons:
            assert micros == sum(row[f"{reason}_micros"] for row in told[mover.creator])


def test_plain_movers_include_creators_of_either_day() -> None:
    before = pa.table({"creator_id": ["ann", "bob", "eve"], "payout_micros": [10, 5, 7]})
    now = pa.table({"creator_id": ["cat", "bob", "eve"], "payout_micros": [4, 25, 7]})

    assert plain_movers(before, now, 10) == [Mover("bob", 5, 25), Mover("ann", 10, 0), Mover("cat", 0, 4)]
    assert plain_movers(before, now, 1) == [Mover("bob", 5, 25)]


def test_moved_by_reason_separates_gains_and_losses() -> None:
    rows = [change(1, "a", "a", 0, {"views": 5, "safety": -2}), change(2, "b", "b", 9, {"views": -3})]

    assert moved_by_reason(pa.Table.from_pylist(rows)) == {"views": (5, -3), "safety": (0, -2)}


def test_intervals_leave_out_missing_estimates() -> None:
    rows: list[dict[str, Any]] = [
        {"segment": "a", "leverage": 2.0, "leverage_lo": 1.0, "leverage_hi": 3.0},
        {"segment": "b", "leverage": None, "leverage_lo": None, "leverage_hi": None},
    ]

    assert intervals(rows, "leverage") == [{"label": "a", "value": 2.0, "low": 1.0, "high": 3.0}]


def test_kpis_follow_from_the_tables_and_are_missing_without_them() -> None:
    advice = {"advised_quality": 0.5, "current_quality": 0.4, "lambda_imp": 0.1, "lambda_cash": 0.7}

    found = kpis({"pi_hat": 0.6, "leverage": 4.0}, advice)
    assert found == pytest.approx(
        {
            "quality_lift": 0.1,
            "discovery_rate": 0.6,
            "dollars_per_incentive": 0.25,
            "lambda_imp": 0.1,
            "lambda_cash": 0.7,
        }
    )
    missing = kpis({"pi_hat": None, "leverage": None}, None)
    assert set(missing.values()) == {None}
