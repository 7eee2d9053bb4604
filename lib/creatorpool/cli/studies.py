"""Verbs that study published days: they publish their own tables and charts, and change no payout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creatorpool.cli.options import Category, Chart, DayOptions
from creatorpool.errors import InputError


def candidates(options: DayOptions) -> None:
    """Build similar videos, and candidates for each viewer, from the window's events."""
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.candidates_summary import candidates_table
    from creatorpool.report.console import PlainConsole
    from creatorpool.stages.candidates import publish_candidates

    with open_run(options) as context:
        run = publish_candidates(context)
        with display(context.day, "summary"):
            PlainConsole(width=120).print(candidates_table(run.rows))


def plan_delivery(
    options: DayOptions,
    content: Annotated[list[str] | None, typer.Option(metavar="C", help="draw its curves; may be repeated")] = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="draw the frontier of views and even click rates")
    ] = False,
    chart: Chart = None,
) -> None:
    """Fit response curves of clicks to impressions, and plan a day's impressions."""
    from creatorpool.cli.context import open_run
    from creatorpool.delivery import plan_frontier
    from creatorpool.display import display
    from creatorpool.report.charts import chart_path, draw
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.delivery_charts import content_chart, plan_frontier_chart
    from creatorpool.report.delivery_summary import curve_table, plan_table
    from creatorpool.stages.delivery import content_history, publish_delivery, published_problem

    wanted = chart_path(chart) if chart else None
    with open_run(options) as context:
        run = publish_delivery(context)
        console, version = PlainConsole(width=120), run.outputs["p2c_parameters"]
        with display(context.day, "summary"):
            console.print(curve_table(context.warehouse.read_arrow("p2c_parameters", day=context.day, version=version)))
            if "plan" in run.rows:
                console.print(plan_table(run.rows["plan"]))
        if content:
            draw(context, "response-curves", content_chart(*content_history(context, run, content)), wanted)
        if frontier and (day := published_problem(context, run)) is not None:
            draw(context, "delivery-frontier", plan_frontier_chart(plan_frontier(day.problem)), None)


def incentives(options: DayOptions) -> None:
    """Estimate pass curves and bounties from entrants' tests, and advise on test policies."""
    from creatorpool.cli.context import open_run
    from creatorpool.cohorts.success_value import SuccessValue
    from creatorpool.cohorts.summary import summary_table
    from creatorpool.display import display
    from creatorpool.report.console import PlainConsole
    from creatorpool.stages.incentives import publish_incentives

    with open_run(options) as context:
        run = publish_incentives(context)
        with display(context.day, "summary"):
            rows = {
                table: context.warehouse.read_arrow(table, day=context.day, version=version).to_pylist()
                for table, version in run.outputs.items()
            }
            success = SuccessValue.of_facts(run.rows)
            PlainConsole(width=120).print(summary_table(rows["cohort_incentives"], rows["policy_advice"], success))


def compare_rules(options: DayOptions, category: Category = None, chart: Chart = None) -> None:
    """Compare a day's payouts with those by other rules.

    Splits the money that each published pool paid by other rules, too (pro rata by views, user-centric,
    ScaledUserProp, equal), writes table rule_comparison, draws it, and prints gains and losses. It pays nothing.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.charts import chart_path, draw
    from creatorpool.report.comparison_summary import comparison_chart, print_comparisons
    from creatorpool.report.console import PlainConsole
    from creatorpool.stages.comparison import publish_comparison

    wanted = chart_path(chart) if chart else None
    with open_run(options) as context:
        comparisons = publish_comparison(context, category or ())
        with display(context.day, "summary"):
            print_comparisons(PlainConsole(width=120), comparisons)
        if comparisons:
            draw(context, "comparison", comparison_chart(comparisons), wanted)


def sweep_frontier(
    options: DayOptions,
    category: Category = None,
    chart: Chart = None,
    target: Annotated[
        str | None, typer.Option(metavar="MEASURE=VALUE", help="gini, top1pct or small_creator_share, as gini=0.6")
    ] = None,
) -> None:
    """Measure a day's pools at other weights of fairness and efficiency.

    Splits each published pool under every setting of frontier.alpha and frontier.lambda_eff with both objectives,
    writes table allocation_frontier, draws it, and finds the λ that reaches the target. It pays nothing.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.charts import chart_path, draw
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.frontier_chart import frontier_chart
    from creatorpool.report.frontier_summary import print_frontiers
    from creatorpool.stages.frontier import Target, publish_frontier

    goal = Target.parse(target) if target else None
    wanted = chart_path(chart) if chart else None
    with open_run(options) as context:
        frontiers = publish_frontier(context, category or (), goal)
        with display(context.day, "summary"):
            print_frontiers(PlainConsole(width=110), frontiers, goal)
        if frontiers:
            draw(context, "frontier", frontier_chart(frontiers), wanted)


def whatif(
    options: DayOptions,
    settings: Annotated[
        list[str], typer.Argument(metavar="SETTINGS...", help="dotted.key=value or an overlay; several joined by ;")
    ],
    category: Category = None,
    chart: Chart = None,
) -> None:
    """What a published day would have paid under other settings.

    Each of SETTINGS is one configuration to try, as a change of the one that the day was paid with (or of --conf and
    --set): "allocation.alpha=0.7" "allocation.objective=log; allocation.lambda_eff=0.5" conf/recommended.yaml. Prints
    pools, sizes of creators and largest movers beside what is published, and draws them. It writes no table.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.charts import chart_path, draw
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.whatif_chart import whatif_chart
    from creatorpool.report.whatif_summary import print_study
    from creatorpool.stages.whatif import tried_settings, what_if

    wanted = chart_path(chart) if chart else None
    with open_run(options, dry_run=True) as context:
        study = what_if(context, tried_settings(context, settings), category or ())
        with display(context.day, "summary"):
            print_study(PlainConsole(width=120), context.day, study)
        draw(context, "whatif", whatif_chart(study), wanted)


def audit_integrity(options: DayOptions, category: Category = None, chart: Chart = None) -> None:
    """Measure the gain of an attacker with fake viewers on a published day.

    Simulates fake viewers on a video of a small and of a large creator in each published pool, under creatorpool's
    rule, other rules and other settings. Lists the most exploitable videos, writes table integrity_audit, and draws it.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.charts import chart_path, draw
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.integrity_summary import integrity_chart, print_audit
    from creatorpool.stages.integrity import publish_audit

    wanted = chart_path(chart) if chart else None
    with open_run(options) as context:
        audit = publish_audit(context, category or ())
        with display(context.day, "summary"):
            print_audit(PlainConsole(width=140), audit)
        if audit.findings:
            draw(context, "integrity", integrity_chart(audit), wanted)


def evaluate_quality(
    options: DayOptions,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="overlay of the other configuration; default: the base configuration"),
    ] = None,
    without: Annotated[
        str | None, typer.Option(metavar="SIGNAL", help="the other configuration is the same without this signal")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, metavar="N", help="days up to --date whose events count as one window")
    ] = 1,
    min_viewers: Annotated[int, typer.Option(min=1, metavar="N", help="viewers that a video needs in each half")] = 5,
    long_view_ms: Annotated[
        int, typer.Option(min=1, metavar="N", help="this long, or the whole video, is a long view")
    ] = 18_000,
    draws: Annotated[int, typer.Option(min=1, metavar="N", help="bootstrap samples for the intervals")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="of the split and of the bootstrap")] = 1,
) -> None:
    """Compare two configurations by coverage, reliability and prediction.

    The configuration of --conf and --set is compared with that of --against, or with itself --without a signal. Reads
    published events and writes nothing.
    """
    if without is not None and against:
        raise InputError("--without and --against both name the other configuration: give one of them")
    from creatorpool.cli.context import open_run
    from creatorpool.cli.progress import logged
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.evaluation_summary import evaluation_table, headings
    from creatorpool.settings import load_settings
    from creatorpool.stages.evaluation import EvaluationRules, evaluate, evaluated_changes, published_window

    settings = options.settings()
    other = load_settings(against or ()) if without is None else settings.without(without)
    changes = evaluated_changes(settings, other)
    rules = EvaluationRules(min_viewers, long_view_ms, draws, seed)
    with open_run(options, settings) as context, logged("evaluation", context.day):
        window = published_window(context.warehouse, context.day, days)
        evaluation = evaluate(window, settings, other, rules)
    PlainConsole(width=110).print(evaluation_table(evaluation, headings(changes, without)))


def sensitivity(
    options: DayOptions,
    category: Category = None,
    step: Annotated[
        float,
        typer.Option(
            min=0.001, max=0.5, metavar="S", help="how wrong: absolute for a video's scores, a part for weights"
        ),
    ] = 0.1,
    seed: Annotated[int, typer.Option(metavar="N", help="chooses the scores that are wrong by chance")] = 1,
) -> None:
    """Measure how much of a day's payouts rests on numbers that must be believed.

    Pays each published pool again with other scores of videos, trust weights, action weights, component weights and
    penalty for toxicity, one at a time, and prints what changes hands between creators. Writes nothing.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.cli.progress import logged
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.sensitivity_summary import print_sensitivities
    from creatorpool.runs.pools import require_published_pools
    from creatorpool.stages.sensitivity import day_sensitivities

    with open_run(options, dry_run=True) as context:
        with logged("sensitivity", context.day):
            found = day_sensitivities(context, category or (), step=step, seed=seed)
        currency = next(iter(require_published_pools(context.warehouse, context.day).values())).currency
        print_sensitivities(PlainConsole(width=150), context.day, found, currency)
