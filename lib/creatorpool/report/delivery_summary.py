"""The day's response curves and delivery plan as terminal tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from creatorpool.quoting import quoted
from creatorpool.report.held_out_errors import held_out_errors

MAX_REASONS = 3
ERRORS = ("RMSE", "rate's", "APE", "rate's")
CAPTION = "errors are medians over the compared contents: those whose held-out days a curve predicts, and not the rate"


def curve_table(curves: pa.Table) -> Table:
    """One line per category from rows of `p2c_parameters`: medians over the category's contents, on held-out days."""
    table = Table(title="Response curves by category", caption=CAPTION)
    for name in ("category", "contents × drawers", "curves", "cold", "compared", *ERRORS, "without a curve"):
        table.add_column(name)
    for category in sorted(pc.unique(curves["category"]).to_pylist()):
        own = curves.filter(pc.equal(curves["category"], category))
        fitted, reasons = own["converged"].to_numpy(), own["reason"].to_pylist()
        cold = sum(bool(is_fitted and reason) for is_fitted, reason in zip(fitted, reasons, strict=True))
        errors = held_out_errors(own)
        cells = [f"{own.num_rows:,}", f"{int(fitted.sum()):,}", f"{cold:,}", f"{errors.contents:,}"]
        cells += [_cell(value, ".1f") for value in (errors.rmse, errors.rate_rmse)]
        cells += [_cell(value, ".1%") for value in (errors.ape, errors.rate_ape)]
        table.add_row(quoted(category), *cells, _reasons(own))
    return table


def plan_table(facts: Mapping[str, Any]) -> Table:
    """Expected results and missed guarantees of the plan, from the facts of its run."""
    table = Table(title="Plan", show_header=False)
    bound = facts["bound"]
    table.add_row("contents planned, and left out", f"{facts['contents']:,}, {facts['left_out']:,}")
    table.add_row("expected views", f"{facts['views']:,.0f}")
    table.add_row("standard deviation of click rates", f"{facts['variance'] ** 0.5:.4f}")
    score = f"{facts['score']:,.0f}" + ("" if bound is None else f"; no plan has more than {bound:,.0f}")
    table.add_row("objective", score)
    for content, missing in facts["missing"].items():
        table.add_row(
            f"guarantee of {quoted(content)} misses",
            f"{missing['impressions']:,.0f} impressions, {missing['clicks']:,.0f} clicks",
        )
    if facts["least_missing"] > 0:
        table.add_row("impressions that any plan misses", f"{facts['least_missing']:,.0f}")
    for content in facts["unknown"]:
        table.add_row(f"guarantee of {quoted(content)}", "not planned: it was never shown")
    return table


def _cell(value: float, form: str) -> str:
    return "–" if np.isnan(value) else format(value, form)


def _reasons(rows: pa.Table) -> str:
    """The most frequent reasons for a missing curve."""
    without = rows.filter(pc.invert(rows["converged"]))["reason"]
    counted = sorted(pc.value_counts(without).to_pylist(), key=lambda each: (-each["counts"], each["values"] or ""))
    return "; ".join(f"{each['counts']:,} {each['values']}" for each in counted[:MAX_REASONS])
