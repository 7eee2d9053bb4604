"""Verbs about published money: report, statements, explanations, verification and reproduction."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from creatorpool.cli.options import AgainstOptions, DayOptions, EngineOptions, day_option, of_day, parsed_place
from creatorpool.errors import InputError, MissingTableError
from creatorpool.storage.places import Place

if TYPE_CHECKING:
    from creatorpool.stages.explanation import Explanation

logger = logging.getLogger("creatorpool")


def report(
    options: DayOptions,
    output: Annotated[
        Place | None,
        typer.Option(metavar="FILE", parser=parsed_place, help="default: <root>/_reports/night-<date>.html"),
    ] = None,
) -> None:
    """Write the nightly report of a published day as one page of HTML.

    The page opens from disk, needs no network, and shows published rows only. Starts no engine.
    """
    from creatorpool.cli.progress import logged
    from creatorpool.report.nightly.page import night_path, write_page
    from creatorpool.report.nightly.published import report_day
    from creatorpool.tables import Warehouse

    root = options.tables_root()
    output = output or night_path(root, options.day)
    with logged("report", options.day):
        write_page(report_day(Warehouse(None, root), options.day, options.settings()), output)
        logger.info("report in %s", output)
    print(f"Report: {output}")


def statements(
    options: DayOptions,
    compared: AgainstOptions,
    creator: Annotated[str | None, typer.Option(metavar="C", help="print this creator's statement")] = None,
) -> None:
    """Write a statement for each creator of a published day.

    Publishes table creator_statements: a row and a plain text for each creator, compared with the last published day
    before (or --against). If the changes between the two days are not published yet, it publishes them, too. A day
    that was scored with other weights needs its configuration: --against-conf, --against-set.
    """
    import pyarrow.compute as pc

    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.quoting import lines
    from creatorpool.runs.published_rows import last_paid_before
    from creatorpool.stages.explanation import publish_explanation
    from creatorpool.stages.statements import TABLE, publish_statements

    with open_run(options) as context:
        against = compared.against or last_paid_before(context.warehouse, context.day)
        explanation = None if against is None else publish_explanation(context, against, compared.settings(options))
        run = publish_statements(context, explanation)
        with display(context.day, "statement"):
            rows = context.warehouse.read_arrow(
                TABLE, ["creator_id", "statement"], day=context.day, version=run.outputs[TABLE]
            )
            print(f"{rows.num_rows:,} statements of {context.day} are published in table {TABLE}")
            if creator is not None:
                own = rows.filter(pc.equal(rows.column("creator_id"), creator))
                if not own.num_rows:
                    raise InputError(f"creator '{creator}' has no statement of {context.day}")
                print(lines(own.column("statement")[0].as_py()), end="")


def explain(
    options: DayOptions,
    compared: AgainstOptions,
    name: Annotated[
        str | None, typer.Argument(metavar="VIDEO|CREATOR", help="the id of a video or a creator; default: all")
    ] = None,
    creator: Annotated[str | None, typer.Option(metavar="C", help="a statement for this creator")] = None,
    video: Annotated[str | None, typer.Option(metavar="V", help="a statement for this video")] = None,
    adjustments: Annotated[
        bool, typer.Option("--adjustments", help="why restatements of --date booked changes; no other day")
    ] = False,
) -> None:
    """Explain why payouts changed between two published days, in plain text.

    Publishes table payout_changes of the two days, unless it is published, and prints the earnings in each pool, their
    change and its reasons, largest first. Days that were scored with other weights need both configurations: --conf
    and --set are those of --date, --against-conf and --against-set those of --against. With --adjustments it prints why
    restatements changed what is settled for --date, and publishes nothing.
    """
    if name is not None and (creator is not None or video is not None):
        raise InputError("an id is given, and --creator or --video beside it: give one of them")
    if adjustments:
        _explain_adjustments(options, compared, name, creator, video)
        return
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.statement import statement_of, statement_text
    from creatorpool.runs.published_rows import last_paid_before
    from creatorpool.stages.explanation import publish_explanation

    with open_run(options) as context:
        against = compared.against or last_paid_before(context.warehouse, context.day)
        if against is None:
            raise MissingTableError(
                f"no day before {context.day} is published under {context.warehouse.root}: name a day with --against"
            )
        explanation = publish_explanation(context, against, compared.settings(options))
        with display(context.day, "statement"):
            if name is not None:
                video, creator = _kind_of(name, explanation)
            print(statement_text(statement_of(explanation, creator, video)), end="")


def _explain_adjustments(
    options: DayOptions, compared: AgainstOptions, name: str | None, creator: str | None, video: str | None
) -> None:
    from creatorpool.report.adjustment_statement import adjustment_text
    from creatorpool.tables import Warehouse

    if compared.against is not None:
        raise InputError("--adjustments is about one day: leave out --against")
    if name is not None:
        raise InputError("--adjustments: say whether the id is a creator's or a video's, with --creator or --video")
    print(adjustment_text(Warehouse(None, options.existing_root()), options.day, creator, video), end="")


def _kind_of(name: str, explanation: Explanation) -> tuple[str | None, str | None]:
    """(video, None) if `name` is a video of the two days, (None, creator) if it is a creator."""
    totals = explanation.before.video_payouts, explanation.after.video_payouts
    if any(frame.where(frame.video_id == name).limit(1).collect() for frame in totals):
        return name, None
    if any(frame.where(frame.creator_id == name).limit(1).collect() for frame in totals):
        return None, name
    days = f"{explanation.before.day} and {explanation.after.day}"
    raise InputError(f"'{name}' is neither a video nor a creator that was paid on {days}")


def verify(
    options: EngineOptions,
    day: Annotated[date | None, day_option("--date", help="the day")] = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="the books of this month, not a day")] = None,
) -> None:
    """Recompute a published day, or the books of a month, from the tables; exit code 2 on any difference."""
    if (day is None) == (month is None):
        raise InputError("verify needs --date or --month, and not both")
    from creatorpool.cli.context import open_run
    from creatorpool.cli.progress import logged
    from creatorpool.report.checks_summary import print_checks
    from creatorpool.settlement.months import month_name, parsed_month
    from creatorpool.verification.day import require_verified, verify_day
    from creatorpool.verification.month import verify_month

    last = day if month is None else parsed_month(month)
    assert last is not None
    # Write nothing, not even the pages of the contracts' checks.
    with open_run(of_day(options, last), dry_run=True) as context:
        with logged("verify", context.day):
            checks = verify_day(context) if month is None else verify_month(context)
        print_checks(f"Published day {last}" if month is None else f"Books of {month_name(last)}", checks)
        require_verified(context, checks)


def reproduce(
    options: DayOptions,
    as_of: Annotated[
        str | None, typer.Option(metavar="RUN", help="a run of the ledger; default: the published ones")
    ] = None,
) -> None:
    """Compute a day again from the table versions that its run read; exit code 2 unless the payouts are the same."""
    from creatorpool.cli.context import open_run
    from creatorpool.report.checks_summary import print_checks
    from creatorpool.verification.day import require_verified
    from creatorpool.verification.reproduction import reproduce_day

    with open_run(options, dry_run=True) as context:
        checks = reproduce_day(context, as_of)
        print_checks(f"Published day {context.day}", checks)
        require_verified(context, checks)
