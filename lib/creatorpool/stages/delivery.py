"""The stage `delivery`: content_exposure to p2c_parameters, and with positions and guarantees to delivery_plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.delivery.day_problem import CURVE_COLUMNS, DayProblem, day_problem, plan_facts, plan_records
from creatorpool.delivery.fitting import FitRules
from creatorpool.delivery.frames.exposure import category_priors, daily_rows, fitted_rows
from creatorpool.delivery.objective import weighted
from creatorpool.delivery.plan import plan_delivery
from creatorpool.errors import InputError, MissingTableError
from creatorpool.runs.ledger import INGEST, StageRun, latest_run, published_runs
from creatorpool.settings import DeliverySettings
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, run_stage

DELIVERY = "delivery"
EXPOSURE, POSITIONS, GUARANTEES = "content_exposure", "drawer_positions", "delivery_guarantees"
CURVES, PLAN = "p2c_parameters", "delivery_plan"
STAGE = Stage(DELIVERY, (EXPOSURE, POSITIONS, GUARANTEES), ("delivery",))


def publish_delivery(context: RunContext) -> StageRun:
    """Publish the day's curves and plan, unless they are published from the same inputs, configuration and code.

    Raises
    ------
    MissingTableError
        If no exposures of the last days are published.
    """
    inputs = _inputs(context)
    return run_stage(context, STAGE, inputs, lambda: _compute(context, inputs))


def response_curves(exposure: DataFrame, day: date, settings: DeliverySettings) -> DataFrame:
    """The curves of `exposure`, which ends at `day`: one row per content and drawer, as `p2c_parameters` less date."""
    rules = fit_rules(settings)
    held_out_from = day + timedelta(days=1 - settings.held_out_days)
    rows = daily_rows(exposure)
    return fitted_rows(rows, rules, held_out_from, category_priors(rows, rules, held_out_from))


def content_history(
    context: RunContext, run: StageRun, contents: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of p2c_parameters that `run` published for `contents`, and the rows of content_exposure they come from.

    Raises
    ------
    InputError
        If one of `contents` was not shown in the run's days.
    """
    read, wanted = context.warehouse.read_arrow, pa.array(contents, pa.string())
    curves = read(CURVES, day=run.day, version=run.outputs[CURVES])
    found = curves.filter(pc.is_in(curves["content_id"], wanted)).to_pylist()
    for content in sorted(set(contents) - {row["content_id"] for row in found}):
        raise InputError(f"content '{content}' has no curve of {run.day}: it was not shown in the days before")
    exposure = read(EXPOSURE, ["date", "content_id", "drawer", "pv", "click"], version=run.inputs[EXPOSURE])
    days = pa.array([date.fromisoformat(day) for day in run.inputs["days"]], pa.date32())
    is_wanted = pc.and_(pc.is_in(exposure["content_id"], wanted), pc.is_in(exposure["date"], days))
    shown = exposure.filter(is_wanted).sort_by([("date", "ascending")]).to_pylist()
    return sorted(found, key=lambda row: (row["content_id"], row["drawer"])), shown


def fit_rules(settings: DeliverySettings) -> FitRules:
    """The configured rules for fitting curves."""
    return FitRules(
        min_points=settings.min_points,
        regularisation=settings.regularisation,
        confidence=settings.confidence,
        frees_anchor=settings.anchor == "fitted",
        only_increasing=settings.fitted_days == "increasing",
    )


def _inputs(context: RunContext) -> dict[str, Any]:
    """Versions of the input tables, and the published days that have exposures."""
    first = context.day - timedelta(days=context.settings.delivery.history_days - 1)
    runs = [
        run
        for run in published_runs(context.warehouse, INGEST)
        if EXPOSURE in run.outputs and first <= run.day <= context.day
    ]
    if not runs:
        raise MissingTableError(
            f"{EXPOSURE} is not published for any day from {first} to {context.day} under {context.warehouse.root}: "
            f"run `creatorpool ingest` on logs that contain that table"
        )
    inputs = {
        EXPOSURE: max(run.outputs[EXPOSURE] for run in runs),
        "days": sorted({run.day.isoformat() for run in runs}),
    }
    known = [run for run in published_runs(context.warehouse, INGEST) if run.day <= context.day]
    positions = latest_run(run for run in known if POSITIONS in run.outputs)
    promises = latest_run(run for run in known if GUARANTEES in run.outputs and run.day == context.day)
    latest = {POSITIONS: positions, GUARANTEES: promises}
    return inputs | {table: _versions_on(context.day, run)[table] for table, run in latest.items() if run is not None}


def _versions_on(day: date, run: StageRun) -> Mapping[str, int]:
    """Versions of the tables of an ingestion for use on `day`, which is its own or a later one."""
    return run.outputs if run.day == day else run.with_later_days


def _compute(context: RunContext, inputs: Mapping[str, Any]) -> dict[str, Any]:
    days = [date.fromisoformat(day) for day in inputs["days"]]
    if days[-1] < context.day:
        context.warn(DELIVERY, f"the last published day with exposures is {days[-1]}")
    exposure = context.warehouse.read(EXPOSURE, version=inputs[EXPOSURE]).where(F.col("date").isin(days))
    curves = context.store(response_curves(exposure, context.day, context.settings.delivery), CURVES)
    rows = curves.select(*CURVE_COLUMNS).toArrow()
    return {CURVES: rows.num_rows} | _planned(context, inputs, rows)


def _planned(context: RunContext, inputs: Mapping[str, Any], curves: pa.Table) -> dict[str, Any]:
    """Store the day's plan, log what it achieves and misses, and return its facts; none if there is nothing to plan."""
    day = planning_problem(context, inputs, curves)
    if day is None:
        context.warn(DELIVERY, f"no plan: no content was shown in a drawer that has a capacity in {POSITIONS}")
        return {}
    plan = plan_delivery(day.problem, weighted(context.settings.delivery.variance_weight))
    records = [{**record, "date": context.day} for record in plan_records(day, plan)]
    facts = plan_facts(day, plan)
    for content, missing in facts["missing"].items():
        context.warn(DELIVERY, f"the plan misses the guarantee of {content}", **missing)
    for content in day.unknown:
        context.warn(
            DELIVERY, f"the guarantee of {content} is not planned: the content was never shown in a known drawer"
        )
    for drawer in day.unserved:
        context.warn(DELIVERY, f"drawer {drawer} is not planned: it has no capacity in {POSITIONS}")
    planned = {"contents": len(day.content_id), "views": plan.measures.views, "gap": plan.gap}
    context.log(DELIVERY, f"{len(day.content_id)} contents planned", **planned)
    context.store(context.warehouse.frame(records, PLAN), PLAN)
    return {PLAN: len(records), "plan": facts}


def published_problem(context: RunContext, run: StageRun) -> DayProblem | None:
    """The planning problem that a published `run` solved, or None if there was nothing to plan."""
    curves = context.warehouse.read_arrow(CURVES, CURVE_COLUMNS, day=context.day, version=run.outputs[CURVES])
    return planning_problem(context, run.inputs, curves)


def planning_problem(context: RunContext, inputs: Mapping[str, Any], curves: pa.Table) -> DayProblem | None:
    """The day's planning problem from its curves and the tables at the versions in `inputs`; None without positions."""
    if POSITIONS not in inputs:
        return None
    read, settings = context.warehouse.read_arrow, context.settings.delivery
    promises = read(GUARANTEES, day=context.day, version=inputs[GUARANTEES]).to_pylist() if GUARANTEES in inputs else []
    return day_problem(
        curves,
        read(POSITIONS, version=inputs[POSITIONS]),
        promises,
        contents=settings.plan_contents,
        total=settings.total_impressions,
    )
