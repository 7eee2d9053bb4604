"""Writes the statements of a closed month to a folder: a page for each payee, a list of them, and a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO, TypeAlias

from creatorpool.errors import InputError
from creatorpool.quoting import file_stem
from creatorpool.report.month_statements import ClosedMonth
from creatorpool.settlement.months import month_name
from creatorpool.statements.month import MonthStatement
from creatorpool.statements.month_index import index_page
from creatorpool.statements.month_page import statement_page
from creatorpool.statements.month_text import CSV_COLUMNS, csv_rows
from creatorpool.storage.files import copy_whole, write_whole
from creatorpool.storage.places import Place

INDEX, TABLE, PAGES = "index.html", "statements.csv", "payees"
PAYEES_AT_ONCE = 4_000
"""Payees whose rows one query reads"""
_WRITERS = 8

Steps: TypeAlias = Callable[[Sequence[Sequence[str]], str], Iterable[Sequence[str]]]
"""Goes through groups of payees, and may show how far it is"""


def page_name(payee_id: str) -> str:
    """The name of a payee's page, for any id; different payees have different names, also without case."""
    return f"{file_stem(payee_id)}.html"


def write_statements(
    books: ClosedMonth, folder: Place, payees: Sequence[str], through: Steps = lambda steps, _: steps
) -> Place:
    """Write the statements of `payees` into ``folder/<month>``; return the page that lists them, which comes last.

    Pages are replaced one by one, and each is whole at any time. Raises as `ClosedMonth.statements` does.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    own = folder / month_name(books.month)
    groups = [payees[at : at + PAYEES_AT_ONCE] for at in range(0, len(payees), PAYEES_AT_ONCE)]
    try:
        with TemporaryDirectory(prefix="creatorpool-") as scratch:
            lines = Path(scratch) / TABLE
            with lines.open("w", encoding="utf-8", newline="") as out, ThreadPoolExecutor(_WRITERS) as writers:
                write_csv(_written(books, own, through(groups, "statements"), writers), out)
            copy_whole(lines, own / TABLE)
        write_whole(own / INDEX, _index(books, payees).encode())
    except OSError as error:
        raise InputError(f"statements cannot be written to {own}: {error.strerror or error}") from error
    return own / INDEX


def _written(
    books: ClosedMonth, own: Place, groups: Iterable[Sequence[str]], writers: ThreadPoolExecutor
) -> Iterator[MonthStatement]:
    """The statements of all groups; each group's pages are written before the next group is read."""
    for group in groups:
        done = []
        for found in books.statements(group):
            page = own / PAGES / page_name(found[0].balance["payee_id"])
            done.append(writers.submit(write_whole, page, statement_page(found).encode()))
            yield from found
        for one in done:
            one.result()


def write_csv(statements: Iterable[MonthStatement], out: TextIO) -> None:
    """Write all lines of `statements` as CSV with amounts in micros."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for statement in statements:
        writer.writerows(csv_rows(statement))


def _index(books: ClosedMonth, payees: Sequence[str]) -> str:
    links = {payee: f"{PAGES}/{page_name(payee)}" for payee in payees}
    return index_page(month_name(books.month), books.balances_of(payees), links, TABLE, books.facts.without)
