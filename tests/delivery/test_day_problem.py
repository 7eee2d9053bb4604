"""The planning problem of a day, from its tables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from creatorpool.delivery import plan_delivery
from creatorpool.delivery.day_problem import DayProblem, day_problem, plan_facts, plan_records

POSITIONS = pa.table({"drawer": ["top", "top", "side"], "position": [1, 2, 1], "capacity": [100, 60, 50]})


def curve(content: str, drawer: str, ctr: float, **known: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("r", "y_max", "x0", "y0"))
    return {"content_id": content, "drawer": drawer, "ctr": ctr, "views_per_click": 0.5, **nothing, **known}


CURVES = pa.Table.from_pylist(
    [
        curve("a", "top", 0.10),
        curve("a", "side", 0.10),
        curve("b", "top", 0.30),
        curve("c", "top", 0.20, r=0.05, y_max=30.0, x0=10.0, y0=2.0),
        curve("d", "closed", 0.90),
    ],
    schema=pa.schema(
        [("content_id", pa.string()), ("drawer", pa.string())]
        + [(name, pa.float64()) for name in ("ctr", "views_per_click", "r", "y_max", "x0", "y0")]
    ),
)


def planned(guarantees: list[dict[str, Any]], contents: int = 3, total: float | None = None) -> DayProblem:
    day = day_problem(CURVES, POSITIONS, guarantees, contents=contents, total=total)
    assert day is not None
    return day


def promise(content: str, impressions: int, clicks: int | None = None) -> dict[str, Any]:
    return {"content_id": content, "min_impressions": impressions, "min_clicks": clicks}


def test_contents_with_guarantees_come_first_then_those_with_most_clicks() -> None:
    assert planned([], contents=1).content_id == ("b",)
    assert planned([promise("a", 10)], contents=2).content_id == ("a", "b")
    both = planned([promise("a", 10), promise("c", 10)], contents=0)
    assert both.content_id == ("a", "c")
    assert both.left_out == 1
    assert both.unserved == ("closed",)


@pytest.mark.slow
def test_plan_by_hand() -> None:
    # b is best in `top`: 100 impressions; a gets all of `side`, and the rest of its guarantee in `top`.
    day = planned([promise("a", 80)], contents=2)
    plan = plan_delivery(day.problem)
    rows = {(row["content_id"], row["drawer"]): row for row in plan_records(day, plan)}
    assert set(rows) == {("a", "top"), ("a", "side"), ("b", "top")}
    assert rows["b", "top"]["impressions"] == pytest.approx(100)
    assert rows["a", "side"]["impressions"] == pytest.approx(50)
    assert rows["a", "top"]["impressions"] == pytest.approx(60)
    assert rows["b", "top"]["expected_views"] == pytest.approx(15)
    assert (rows["a", "top"]["guarantee"], rows["b", "top"]["guarantee"]) == (80, None)


@pytest.mark.slow
def test_guarantees_that_cannot_be_met_are_named_with_their_shortfall() -> None:
    day = planned([promise("a", 200), promise("nobody", 5)], contents=0)
    facts = plan_facts(day, plan_delivery(day.problem))
    assert facts["missing"]["a"]["impressions"] == pytest.approx(50)
    assert facts["least_missing"] == pytest.approx(50, rel=1e-6)
    assert facts["unknown"] == ["nobody"]


def test_total_limits_all_drawers_and_clicks_may_be_guaranteed() -> None:
    day = planned([promise("a", 0, 6)], contents=3, total=90.0)
    plan = plan_delivery(day.problem)
    assert plan.impressions.sum() == pytest.approx(90)
    assert plan.clicks[day.content_id.index("a")].sum() >= 6 * (1 - 1e-6)


def test_day_without_positions_has_no_problem() -> None:
    closed = pa.table({"drawer": ["top"], "position": [1], "capacity": [0]})
    assert day_problem(CURVES, closed, [], contents=5, total=None) is None
    assert day_problem(CURVES.slice(0, 0), POSITIONS, [], contents=5, total=None) is None
