"""The index of Data Docs: one page that needs no network, with the checked tables of each kept day.

great-expectations' own index draws its lists by scripts from public hosts, and is empty without them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from creatorpool.html_page import html_page
from creatorpool.quoting import in_html

_STYLE = """\
body{max-width:60rem;margin:2rem auto;padding:0 1rem;background:#f7f5ef;color:#1c2430;
font:16px/1.5 Inter,"Helvetica Neue",system-ui,Arial,sans-serif}
h2{font-size:1.1rem;margin:2rem 0 .4rem}a{color:#0b6e69}p{color:#55606e}
div{overflow-x:auto;background:#fffefb;border:1px solid #e2ded2;border-radius:12px;padding:4px 16px}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid #e2ded2;white-space:nowrap}
tr:last-child td{border-bottom:0}.broken{color:#a3333d;font-weight:600}
"""


@dataclass(frozen=True)
class CheckedTable:
    """The stored result of one table in one run."""

    day: str
    """The run's day, or that of its start if its name has none"""
    began: str
    """When the run began, as folders are named"""
    table: str
    page: str
    """Path of the result's page in the site"""
    rules: int
    broken: int


def checked_tables(site: Path, stored: Sequence[str], pages: Sequence[str]) -> list[CheckedTable]:
    """All results stored under the folders `stored` of `site`, newest day first; their pages lie under `pages`."""
    found = site.joinpath(*stored).glob("*/*/*/*.json")
    tables = [_checked(path, "/".join(pages)) for path in found]
    return sorted(tables, key=lambda of: (of.day, of.began, of.table), reverse=True)


def _checked(path: Path, pages: str) -> CheckedTable:
    table, run, began = path.parts[-4:-1]
    statistics = json.loads(path.read_text("utf-8"))["statistics"]
    rules = statistics["evaluated_expectations"]
    day = run[:10] if run[:2].isdigit() else f"{began[:4]}-{began[4:6]}-{began[6:8]}"
    page = quote(f"{pages}/{table}/{run}/{began}/{path.stem}.html")
    return CheckedTable(day, began, table, page, rules, rules - statistics["successful_expectations"])


def write_index(site: Path, tables: Sequence[CheckedTable]) -> Path:
    """Write the index of `tables`, ordered by day, and return its path."""
    days = "".join(_day(day, sorted(own, key=_by_table)) for day, own in groupby(tables, key=attrgetter("day")))
    contracts = ", ".join(sorted(_link(f"expectations/{of.name}", of.stem) for of in site.glob("expectations/*.html")))
    body = (
        f"<body>\n<style>{_STYLE}</style>\n<h1>Checks of the contracts</h1>\n"
        f"<p>Each table links to the rules that were checked, with counts and examples.</p>\n{days}"
        f"<h2>Contracts</h2>\n<p>{contracts}</p>\n</body>"
    )
    index = site / "index.html"
    index.write_text(html_page("Checks of the contracts", body), "utf-8")
    return index


def _by_table(of: CheckedTable) -> tuple[str, str]:
    return of.table, of.began


def _day(day: str, tables: Sequence[CheckedTable]) -> str:
    broken = sum(of.broken > 0 for of in tables)
    state = f"{broken} of {len(tables)} with broken rules" if broken else "no rule is broken"
    rows = "".join(_rows(tables))
    head = "<tr><th>table</th><th>broken</th><th>rules</th><th>run began, UTC</th></tr>"
    return f"<h2>{in_html(day)}: {state}</h2>\n<div><table>\n{head}\n{rows}</table></div>\n"


def _rows(tables: Sequence[CheckedTable]) -> Iterator[str]:
    for of in tables:
        broken = f'<td class="broken">{of.broken}</td>' if of.broken else "<td>none</td>"
        link, began = _link(of.page, of.table), in_html(_time(of.began))
        yield f"<tr><td>{link}</td>{broken}<td>{of.rules}</td><td>{began}</td></tr>\n"


def _link(page: str, words: str) -> str:
    return f'<a href="{in_html(page)}">{in_html(words)}</a>'


def _time(began: str) -> str:
    """The name of a folder, as 20261129T102736.816259Z, in the way that people read it."""
    return f"{began[:4]}-{began[4:6]}-{began[6:8]} {began[9:11]}:{began[11:13]}:{began[13:15]}"
