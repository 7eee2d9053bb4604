"""A day's tables as a planning problem: contents, their curves, positions and guarantees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from creatorpool.delivery.p2c import Floats, curve_clicks
from creatorpool.delivery.plan import DeliveryPlan
from creatorpool.delivery.problem import DeliveryProblem

Record = dict[str, Any]

_NUMBERS = ("r", "y_max", "x0", "y0", "ctr", "views_per_click")
CURVE_COLUMNS = ("content_id", "drawer", *_NUMBERS)
"""Columns of p2c_parameters that a plan needs."""


@dataclass(frozen=True)
class DayProblem:
    """A planning problem with the names of its contents and drawers."""

    content_id: tuple[str, ...]
    drawer: tuple[str, ...]
    problem: DeliveryProblem
    guaranteed: Mapping[str, float]
    """guaranteed impressions by content, for contents with a guarantee"""
    unknown: tuple[str, ...]
    """contents with a guarantee that were never shown, so that they have no curve and are not planned"""
    unserved: tuple[str, ...]
    """drawers that showed contents but have no positions, so that nothing is planned there"""
    left_out: int
    """number of contents without a guarantee that are not planned"""


def day_problem(
    curves: pa.Table,
    positions: pa.Table,
    guarantees: Sequence[Mapping[str, Any]],
    *,
    contents: int,
    total: float | None,
) -> DayProblem | None:
    """The problem of a day, from its rows of p2c_parameters, drawer_positions and delivery_guarantees.

    Parameters
    ----------
    curves, positions : pyarrow.Table
        `CURVE_COLUMNS` by content and drawer; drawer, position and capacity in impressions.
    guarantees : sequence of mappings
        content_id, min_impressions and min_clicks, which may be None.
    contents : int
        Contents to plan. All contents with a guarantee are planned. The remaining places go to the contents that would
        get the most clicks at the largest position of each drawer.
    total : float or None
        Most impressions of all drawers together; None for no limit.

    Returns
    -------
    DayProblem or None
        None if no content has a curve in a drawer with positions.
    """
    capacity = _capacities(positions)
    shown_in = sorted(set(curves["drawer"].to_pylist()))
    drawers = [name for name in shown_in if sum(capacity.get(name, ())) > 0]
    guarantee_of = {row["content_id"]: row for row in guarantees}
    rows = [row for row in curves.to_pylist() if row["drawer"] in drawers]
    known = {row["content_id"] for row in rows}
    chosen = _chosen(rows, {name: max(capacity[name]) for name in drawers}, guarantee_of, contents)
    if not chosen:
        return None
    at = {name: place for place, name in enumerate(chosen)}
    shape = len(chosen), len(drawers)
    matrix = {name: np.full(shape, np.nan) for name in _NUMBERS}
    for row in rows:
        if row["content_id"] in at:
            place = at[row["content_id"]], drawers.index(row["drawer"])
            for name, values in matrix.items():
                values[place] = np.nan if row[name] is None else row[name]
    problem = DeliveryProblem.of(
        *(matrix[name] for name in ("r", "y_max", "x0", "y0")),
        positions=[capacity[name] for name in drawers],
        total=np.inf if total is None else total,
        ctr=matrix["ctr"],
        min_impressions=[guarantee_of.get(name, {}).get("min_impressions") or 0 for name in chosen],
        min_clicks=[guarantee_of.get(name, {}).get("min_clicks") or 0 for name in chosen],
        views_per_click=np.nan_to_num(matrix["views_per_click"]),
    )
    return DayProblem(
        content_id=tuple(chosen),
        drawer=tuple(drawers),
        problem=problem,
        guaranteed={name: float(row["min_impressions"]) for name, row in guarantee_of.items() if name in at},
        unknown=tuple(sorted(set(guarantee_of) - known)),
        unserved=tuple(name for name in shown_in if name not in drawers),
        left_out=len(known) - len(chosen),
    )


def plan_records(day: DayProblem, plan: DeliveryPlan) -> list[Record]:
    """Rows of delivery_plan without their date, one per content and drawer that has a curve or a rate."""
    return [
        {
            "content_id": content,
            "drawer": drawer,
            "impressions": float(plan.impressions[i, j]),
            "expected_clicks": float(plan.clicks[i, j]),
            "expected_views": float(plan.views[i, j]),
            "guarantee": day.guaranteed.get(content),
            "binding": str(plan.binding[i, j]),
        }
        for i, content in enumerate(day.content_id)
        for j, drawer in enumerate(day.drawer)
        if day.problem.curves.known[i, j]
    ]


def plan_facts(day: DayProblem, plan: DeliveryPlan) -> Record:
    """Figures of the plan for the ledger: views, variance, score and its bound, and the unmet guarantees."""
    missing = plan.missing
    short = {
        name: {"impressions": float(missing.impressions[i]), "clicks": float(missing.clicks[i])}
        for i, name in enumerate(day.content_id)
        if missing.impressions[i] > 0 or missing.clicks[i] > 0
    }
    return {
        "contents": len(day.content_id),
        "left_out": day.left_out,
        "views": plan.measures.views,
        "variance": plan.measures.variance,
        "score": plan.score,
        "bound": plan.bound if np.isfinite(plan.bound) else None,
        "missing": short,
        "least_missing": plan.least_missing,
        "unknown": list(day.unknown),
        "unserved": list(day.unserved),
    }


def _capacities(positions: pa.Table) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in sorted(positions.to_pylist(), key=lambda row: (row["drawer"], row["position"])):
        found.setdefault(row["drawer"], []).append(float(row["capacity"]))
    return found


def _chosen(
    rows: Sequence[Mapping[str, Any]], largest: Mapping[str, float], guarantee_of: Mapping[str, Any], contents: int
) -> list[str]:
    """Names of the planned contents, sorted: those with a guarantee, then those with the most clicks; ties by name."""
    if not rows:
        return []
    column = {name: _column(rows, name) for name in ("r", "y_max", "x0", "y0", "ctr")}
    at = np.array([largest[row["drawer"]] for row in rows])
    worth: dict[str, float] = {}
    for row, clicks in zip(rows, curve_clicks(at, **column), strict=True):
        worth[row["content_id"]] = worth.get(row["content_id"], 0.0) + float(clicks)
    ranked = sorted(worth, key=lambda name: (name not in guarantee_of, -worth[name], name))
    certain = sum(name in guarantee_of for name in ranked)
    return sorted(ranked[: max(contents, certain)])


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)
