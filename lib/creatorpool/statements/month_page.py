"""A payee's month as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from creatorpool.html_page import html_page
from creatorpool.quoting import in_html
from creatorpool.statements.month import KINDS, Item, MonthStatement, Part
from creatorpool.statements.month_style import STYLE
from creatorpool.statements.month_text import ends, left_out_words, part_words, pools_of
from creatorpool.statements.month_words import appeal_words, outage_words, payment_words, stop_words
from creatorpool.statements.text import exact_money
from creatorpool.wording import number_of

VIDEOS_SHOWN = 100
"""Largest number of videos of a pool and line on a page; the others are summed there, and each is in the CSV file"""
LEFT_OUT_SHOWN = 200
"""Largest number of videos on a page that pools did not pay, or not for all views"""
APPEALS_SHOWN = 200
"""Largest number of appeals on a page"""
LABELS = {
    "earned": "earned",
    "adjusted": "adjusted",
    "held": "held back",
    "released": "released from holds",
    "returned": "payments that came back",
    "paid": "paid",
}


def statement_page(statements: Sequence[MonthStatement]) -> str:
    """The page of a payee: a section for each currency, one at least."""
    balance = statements[0].balance
    sections = "".join(_section(statement) for statement in statements)
    body = (
        f'<body>\n{STYLE}<main>\n<p class="eyebrow">Statement of {balance["month"]}</p>\n'
        f"<h1>{in_html(balance['payee_id'])}</h1>\n{sections}"
        "<footer>All amounts are exact. Days open to show pools and videos.</footer>\n</main>\n</body>"
    )
    return html_page(f"Statement of {balance['month']}", body)


def _section(statement: MonthStatement) -> str:
    balance, (opening, closing) = statement.balance, ends(statement)
    rows = [(opening, statement.opening)]
    rows += [(LABELS[kind], sign * balance[f"{kind}_micros"]) for kind, sign in KINDS.items()]
    sums = "".join(f"<tr><td>{text}</td>{money_cell(micros)}</tr>\n" for text, micros in rows)
    lines = "".join(_line(item) for item in statement.items)
    days = f'<h3>Day by day</h3>\n<div class="card days">\n{lines}</div>\n' if lines else ""
    return (
        f'<section aria-label="{balance["currency"]}">\n<h2>In {balance["currency"]}</h2>\n'
        f'<div class="card"><table class="sums">\n<tbody>{sums}'
        f'<tr class="sum"><td>{in_html(closing)}</td>{money_cell(statement.closing)}</tr></tbody>\n</table></div>\n'
        f"{_paid(statement)}{days}{_left_out(statement)}{_appeals(statement)}</section>\n"
    )


def money_cell(micros: int) -> str:
    """A cell of a table with an exact amount."""
    return f'<td class="n">{_amount(micros)}</td>'


def _amount(micros: int) -> str:
    return exact_money(micros).replace("-", "−")


def _paid(statement: MonthStatement) -> str:
    held = statement.balance["held_balance_micros"]
    rows = [
        f"Payment {in_html(payment['payment_id'])} of {_amount(payment['amount_micros'])} {payment['currency']}: "
        f"{payment_words(payment)}."
        for payment in statement.payments
    ]
    rows += [f"On hold when the month ended: {_amount(held)}."] if held else []
    rows += [f"{in_html(stop_words(hold))}." for hold in statement.stopped_by]
    rows += [f"{outage_words(statement.without)}."] if statement.without else []
    return "".join(f'<p class="lead">{row}</p>\n' for row in rows)


def _line(item: Item) -> str:
    cells = (
        f'<span class="day">{item.booked_on}</span><span>{in_html(item.text)}</span>'
        f'<span class="n">{_amount(item.micros)}</span>'
    )
    if not item.parts:
        return f'<div class="line">{cells}</div>\n'
    pools = "".join(_pool(category, own) for category, own in pools_of(item))
    return f"<details><summary>{cells}</summary>\n<table>\n{pools}</table></details>\n"


def _pool(category: str, parts: Sequence[Part]) -> str:
    shown = [(in_html(part.video_id) + _note(part), part.micros) for part in parts[:VIDEOS_SHOWN]]
    if rest := parts[VIDEOS_SHOWN:]:
        shown.append((_more(len(rest)), sum(part.micros for part in rest)))
    rows = "".join(f"<tr><td>{text}</td>{money_cell(micros)}</tr>\n" for text, micros in shown)
    head = (
        f'<tr class="sum"><th scope="rowgroup">{in_html(category)}</th>{money_cell(sum(part.micros for part in parts))}'
    )
    return f"<tbody>{head}</tr>\n{rows}</tbody>\n"


def _more(videos: int) -> str:
    return number_of(videos, "more video")


def _note(part: Part) -> str:
    words = part_words(part)
    return f' <span class="note">{words}</span>' if words else ""


def _left_out(statement: MonthStatement) -> str:
    videos = statement.beside.left_out
    if not videos:
        return ""
    rows = [(in_html(found.video_id), left_out_words(found)) for found in videos[:LEFT_OUT_SHOWN]]
    if rest := videos[LEFT_OUT_SHOWN:]:
        rows.append((_more(len(rest)), "in the CSV file"))
    cells = "".join(f"<tr><td>{video}</td><td>{words}</td></tr>\n" for video, words in rows)
    return (
        '<h3>Not paid, and views that did not count</h3>\n<div class="card scroll"><table class="list">\n'
        f"<tbody>{cells}</tbody>\n</table></div>\n"
    )


def _appeals(statement: MonthStatement) -> str:
    appeals = statement.beside.appeals
    if not appeals:
        return ""
    rows = [in_html(appeal_words(appeal)) for appeal in appeals[:APPEALS_SHOWN]]
    if rest := appeals[APPEALS_SHOWN:]:
        rows.append(f"{len(rest):,} more in the CSV file")
    cells = "".join(f"<tr><td>{words}</td></tr>\n" for words in rows)
    return f'<h3>Appeals</h3>\n<div class="card scroll"><table class="list">\n<tbody>{cells}</tbody>\n</table></div>\n'
