"""The page that lists the payees of a month, with a link to each one's statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from creatorpool.html_page import html_page
from creatorpool.quoting import in_html, quoted
from creatorpool.statements.month_page import money_cell
from creatorpool.statements.month_style import STYLE
from creatorpool.statements.month_words import outage_words
from creatorpool.wording import number_of

COLUMNS = ("opening", "earned", "adjusted", "held", "paid", "closing")

Row = Mapping[str, Any]


def index_page(
    month: str, balances: Sequence[Row], links: Mapping[str, str], table: str, without: Sequence[date] = ()
) -> str:
    """The page that lists payees: a row for each of `balances`, rows of `payee_balances`, and their sums.

    Parameters
    ----------
    links : mapping
        The address of each payee's page, from this page.
    table : str
        The address of the CSV file with all lines.
    without : sequence of date
        The days that the month was closed without.
    """
    head = "".join(f'<th scope="col" class="n">{name}</th>' for name in COLUMNS)
    rows = "".join(_row(_link(row["payee_id"], links), row, row["reason"].replace("_", " ")) for row in balances)
    outage = f'<p class="lead">{outage_words(without)}.</p>\n' if without else ""
    body = (
        f'<body>\n{STYLE}<main class="wide">\n<p class="eyebrow">Statements</p>\n<h1>Payees of {month}</h1>\n'
        '<p class="lead">Held is what holds kept back, less what they released. Paid is less what came back. Closing = '
        f'opening + earned + adjusted − held − paid. All lines are in <a href="{table}">{table}</a>.</p>\n{outage}'
        '<div class="card scroll" tabindex="0" role="region" aria-label="Payees"><table class="list">\n<thead><tr>'
        f'<th scope="col">payee</th><th scope="col">currency</th>{head}<th scope="col">why</th></tr></thead>\n'
        f"<tbody>{_sums(balances)}{rows}</tbody>\n</table></div>\n</main>\n</body>"
    )
    return html_page(f"Statements of {month}", body)


def _counted(payees: int) -> str:
    return number_of(payees, "payee") if payees == 1 else f"all {number_of(payees, 'payee')}"


def _link(payee: str, links: Mapping[str, str]) -> str:
    return f'<a href="{links[payee]}">{in_html(quoted(payee))}</a>'


def _row(name: str, row: Row, why: str, kind: str = "") -> str:
    net = {"held": row["held_micros"] - row["released_micros"], "paid": row["paid_micros"] - row["returned_micros"]}
    money = "".join(money_cell(net[column] if column in net else row[f"{column}_micros"]) for column in COLUMNS)
    return f'<tr{kind}><td>{name}</td><td class="code">{row["currency"]}</td>{money}<td>{why}</td></tr>\n'


def _sums(balances: Sequence[Row]) -> str:
    """A row for each currency with the sums of all payees."""
    sums: dict[str, dict[str, Any]] = {}
    for row in balances:
        of = sums.setdefault(row["currency"], {"currency": row["currency"], "payees": 0})
        of["payees"] += 1
        for name in (*COLUMNS, "released", "returned"):
            of[f"{name}_micros"] = of.get(f"{name}_micros", 0) + row[f"{name}_micros"]
    return "".join(_row(_counted(of["payees"]), of, "", ' class="sum"') for _, of in sorted(sums.items()))
