"""Verbs about what becomes of money after the night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

import typer

from creatorpool.cli.options import DayOptions, EngineOptions, TablesOptions, day_option, of_day, parsed_place
from creatorpool.errors import InputError
from creatorpool.storage.places import Place
from creatorpool.wording import number_of

PaymentFormat = Literal["csv", "pain.001"]
StatementFormat = Literal["text", "csv", "html"]
JournalFormat = Literal["beancount", "csv"]
RestatementPolicy = Literal["full", "claw_back", "hold_harmless"]


def loaded_tables() -> list[str]:
    """The tables that can be loaded, for the shell's completion."""
    from creatorpool.ingest.load import LOADED_TABLES

    return [*LOADED_TABLES]


def load(
    options: EngineOptions,
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="video_rights, holds, appeals, invalid_viewers, fx_rates, events, ad_revenue, viewers, videos",
            autocompletion=loaded_tables,
        ),
    ],
    source: Annotated[
        Place,
        typer.Option(metavar="FILE|DIR", parser=parsed_place, help="Parquet, JSON lines or CSV, or a folder of them"),
    ],
    day: Annotated[
        date | None,
        day_option(
            "--date",
            help="of the last four: the published day; of others: of refused rows, default today",
        ),
    ] = None,
) -> None:
    """Load rights, holds, appeals, invalid viewers or rates, or what arrives late of a published day.

    Rows are checked and merged by key, so that the same file can be loaded again. Late events and corrected revenue,
    viewers or videos change no payout until the day is restated.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.ingest.load import DATED_TABLES
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.ingest_summary import print_delivered
    from creatorpool.runs.identity import now
    from creatorpool.stages.loading import load_table

    if table in DATED_TABLES and day is None:
        raise InputError(f"{table} of a published day: name the day with --date")
    with open_run(of_day(options, day or now().date())) as context:
        run = load_table(context, table, source)
        with display(context.day, "summary"):
            print_delivered(PlainConsole(width=110), run, context.warehouse)


def restate(
    options: DayOptions,
    booked_on: Annotated[
        date | None,
        day_option("--booked-on", help="default: the day itself, or the first open day if its month is closed"),
    ] = None,
    policy: Annotated[
        RestatementPolicy | None, typer.Option(help="what is booked of a difference; default: restate.policy")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="late_events, invalid_viewers, revenue_corrected, compliance or error; default: as found",
        ),
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="WORDS", help="free text that statements show")] = None,
    appeal: Annotated[
        str | None,
        typer.Option(metavar="ID", help="the decided appeal about the day that it follows; statements name it"),
    ] = None,
    corrected: Annotated[
        Place | None,
        typer.Option(
            metavar="FILE|DIR", parser=parsed_place, help="corrected viewers and videos of the day, loaded first"
        ),
    ] = None,
    output: Annotated[
        Place | None,
        typer.Option(metavar="FILE", parser=parsed_place, help="CSV: everybody affected, settled, restated and booked"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="compute and show, write no table")] = False,
) -> None:
    """Book what a published day would pay more or less with what is known now.

    That is late events, invalid viewers, and corrected revenue, viewers and videos. Published payouts stay; the changes
    go to payout_adjustments. The same restatement twice books nothing.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.affected_file import write_affected
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.restatement_summary import print_restatement
    from creatorpool.stages.corrections import load_corrections
    from creatorpool.stages.restatement import Reason, found_booking_day, restate_day

    if policy is not None:
        options = replace(options, assignments=[*(options.assignments or ()), f"restate.policy={policy}"])
    with open_run(options, dry_run=dry_run) as context:
        why = Reason(reason, note, appeal)
        if corrected is not None:
            found_booking_day(context, why, booked_on)  # before anything is loaded
            load_corrections(context, corrected)
        done = restate_day(context, why, booked_on)
        with display(context.day, "summary", is_published=not dry_run):
            print_restatement(PlainConsole(width=110), context, done)
            if output is not None:
                print(f"{output} has everybody affected: {number_of(write_affected(done, output), 'video')} in pools")


def post(options: DayOptions) -> None:
    """Post what is due on a day: its night, restatements booked on it, late and ended holds, and returned payments.

    A late hold came to light after entries of its days were posted. Entries that are posted already stay. Once a night
    is posted, its payouts are not republished, only restated.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.stages.posting import post_day

    with open_run(options) as context:
        run = post_day(context)
        print(f"{options.day}: {posted_words({} if run is None else run.rows)} in the journal")


def posted_words(rows: Mapping[str, Any]) -> str:
    """What a posting has booked, by kind, from `rows` of its run."""
    from creatorpool.runs.postings import LATE, POSTED

    nouns = ("night", "restatement", "released hold", "returned payment", "late hold")
    booked = zip((*POSTED, LATE), nouns, strict=True)
    return ", ".join(number_of(len(rows[kind]), noun) for kind, noun in booked if rows.get(kind)) or "nothing"


def export(
    options: TablesOptions,
    output: Annotated[Place, typer.Option(metavar="FILE", parser=parsed_place, help="the file to write")],
    format: Annotated[JournalFormat, typer.Option(help="Beancount's text, or CSV")] = "beancount",
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="only this month; default: all")] = None,
) -> None:
    """Write the journal as a file for other programs. Starts no engine."""
    from creatorpool.report.journal_export import export_journal
    from creatorpool.settlement.months import parsed_month
    from creatorpool.tables import Warehouse

    warehouse = Warehouse(None, options.existing_root())
    number = export_journal(warehouse, output, format, None if month is None else parsed_month(month))
    print(f"{output} has {number_of(number, 'line')} of the journal")


def statement(
    options: EngineOptions,
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="a closed month")],
    payee: Annotated[str, typer.Option(metavar="P", help="the payee")],
    format: Annotated[StatementFormat, typer.Option(help="plain text, CSV, or a page that loads nothing")] = "text",
) -> None:
    """Print a payee's statement for a closed month: every amount with its reason, by day, pool and video."""
    import sys

    from creatorpool.cli.context import open_warehouse
    from creatorpool.report.month_statements import payee_statements
    from creatorpool.report.statement_files import write_csv
    from creatorpool.settlement.months import parsed_month
    from creatorpool.statements.month_page import statement_page
    from creatorpool.statements.month_text import as_text

    options.existing_root()
    with open_warehouse(options, options.settings()) as (_, warehouse):
        found = payee_statements(warehouse, parsed_month(month), payee)
    if format == "csv":
        write_csv(found, sys.stdout)
    else:
        print(statement_page(found) if format == "html" else "".join(map(as_text, found)), end="")


def statements(
    options: EngineOptions,
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="a closed month")],
    output: Annotated[
        Place, typer.Option(metavar="DIR", parser=parsed_place, help="the folder; files are written to DIR/YYYY-MM")
    ],
    payee: Annotated[
        list[str] | None, typer.Option(metavar="P", help="only this payee; may be repeated; default: all")
    ] = None,
) -> None:
    """Write the statements of a closed month: a page for each payee, index.html that lists them, and statements.csv.

    Each page loads nothing and runs no script.
    """
    from creatorpool.cli.context import open_warehouse
    from creatorpool.cli.progress import counted
    from creatorpool.report.month_statements import closed_month
    from creatorpool.report.statement_files import write_statements
    from creatorpool.settlement.months import parsed_month

    options.existing_root()
    with open_warehouse(options, options.settings()) as (_, warehouse):
        books = closed_month(warehouse, parsed_month(month))
        wanted = books.require(payee) if payee else books.everybody()
        index = write_statements(books, output, wanted, counted)
    print(f"{index.parent} has {number_of(len(wanted), 'statement')} of {month}; begin with {index}")


def close(
    options: EngineOptions,
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="the month")],
    accept_late: Annotated[
        bool,
        typer.Option(
            "--accept-late", help="close although late events, invalid viewers or corrections are not restated"
        ),
    ] = False,
    without_day: Annotated[
        list[date] | None,
        day_option(
            "--without-day",
            help="a day on which the platform was out: it has no payouts and never will; may be repeated",
        ),
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="the days are verified already: do not verify them again")
    ] = False,
) -> None:
    """Close a month: post what is due, and write the balance of each payee and the payments. It never changes again.

    Every day of the month must be published, verified and, if something of it arrived late, restated. A day without
    events cannot be paid: name it with --without-day.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.display import display
    from creatorpool.report.console import PlainConsole
    from creatorpool.report.month_summary import print_month
    from creatorpool.settlement.months import parsed_month
    from creatorpool.stages.closing import close_month
    from creatorpool.verification.month import require_verified_days

    without = without_day or []
    with open_run(of_day(options, parsed_month(month))) as context:
        if not verified:
            require_verified_days(context, without)
        close_month(context, accept_late=accept_late, without=without)
        with display(context.day, "summary", state="the month is closed"):
            print_month(PlainConsole(width=120), context)


def export_payments(
    options: TablesOptions,
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="a closed month")],
    output: Annotated[Place, typer.Option(metavar="FILE", parser=parsed_place, help="the file to write")],
    format: Annotated[
        PaymentFormat, typer.Option(help="CSV, or a credit transfer of ISO 20022 (extra 'payments')")
    ] = "csv",
    accounts: Annotated[
        Place | None,
        typer.Option(
            metavar="FILE", parser=parsed_place, help="for pain.001, CSV: payee_id, name, iban, bic; never stored"
        ),
    ] = None,
    debtor: Annotated[
        str, typer.Option(metavar="NAME", help="for pain.001: payee_id of the platform's own line in --accounts")
    ] = "platform",
    execution: Annotated[
        date | None, day_option("--execution-date", help="for pain.001: the day to send on; default: today")
    ] = None,
) -> None:
    """Write the payments of a closed month that are due, with their sums. Starts no engine.

    The payments of the month must be what the journal has paid; else nothing is written.
    """
    from creatorpool.money import in_exact_units
    from creatorpool.report.payment_export import BankOrder, export_due
    from creatorpool.runs.identity import now
    from creatorpool.settlement.bank_details import read_accounts
    from creatorpool.settlement.months import parsed_month
    from creatorpool.tables import Warehouse

    order = None
    if format == "pain.001":
        if accounts is None:
            raise InputError("--format pain.001 needs the bank details of the payees: name their file with --accounts")
        order = BankOrder(read_accounts(accounts), debtor, execution or now().date())
    sums = export_due(Warehouse(None, options.existing_root()), parsed_month(month), output, order)
    for currency, (number, micros) in sums.items():
        print(f"{output} has {number_of(number, 'payment')}, {in_exact_units(micros, currency)}")
    if not sums:
        print(f"No payment of {month} is due; {output} has a header only")


def import_payments(
    options: EngineOptions,
    report: Annotated[
        Place,
        typer.Argument(metavar="FILE", parser=parsed_place, help="CSV: payment_id, status, amount_minor, settled_on"),
    ],
) -> None:
    """Take what was paid and what came back into the books, by the ids of the payments.

    Unknown ids, other amounts and repetitions are refused, all of them by name, and then nothing is booked.
    """
    from creatorpool.cli.context import open_run
    from creatorpool.runs.identity import now
    from creatorpool.settlement.months import month_name
    from creatorpool.settlement.outcome_files import read_outcomes
    from creatorpool.stages.payments import import_outcomes

    found = read_outcomes(report)
    with open_run(of_day(options, now().date())) as context:
        for month, number in import_outcomes(context, found.outcomes, found.import_id).items():
            print(f"{month_name(month)}: {number_of(number, 'payment')} booked as reported")
