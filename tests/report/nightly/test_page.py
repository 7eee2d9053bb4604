"""The nightly page shows the published rows, and a browser opens it without an error or a request."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checkout import project_root
from tests.chromium import WIDTHS, Browser
from tests.explanation.pool_days import PoolDay
from tests.explanation.published_days import publish_day
from tests.hostile_names import ALLOWED, NAMES, UNPRINTABLE, Structure
from tests.report.nightly.nights import (
    BEFORE,
    CATEGORIES,
    DAY,
    ODD,
    WEEK_AGO,
    publish_all,
    publish_payouts,
    publish_stage,
)

from creatorpool.errors import MissingTableError
from creatorpool.ingest.report import TableCounts
from creatorpool.money import in_units
from creatorpool.quoting import one_line
from creatorpool.report.nightly import drawing
from creatorpool.report.nightly.blocks import Figure, Figures, Paragraph, Section, Table, Tile, Tiles
from creatorpool.report.nightly.checks import checks_section
from creatorpool.report.nightly.figures import SIZE_GROUPS
from creatorpool.report.nightly.money import headline, pools_section
from creatorpool.report.nightly.movers import movers_section
from creatorpool.report.nightly.page import page, rendered, write_page
from creatorpool.report.nightly.published import ReportDay, report_day
from creatorpool.report.nightly.warnings import warnings_of
from creatorpool.runs.ledger import INGEST
from creatorpool.settings import load_settings
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once
ARTIFACTS = project_root() / "artifacts"

OVERLAPS = """(() => {
  const found = [];
  for (const svg of document.querySelectorAll('figure svg')) {
    const words = [...svg.querySelectorAll('text')]
      .filter(word => word.textContent.trim() && getComputedStyle(word).opacity !== '0')
      .map(word => [word.textContent, word.getBoundingClientRect()]).filter(([, box]) => box.width);
    words.forEach(([text, box], i) => words.slice(i + 1).forEach(([other, next]) => {
      const across = Math.min(box.right, next.right) - Math.max(box.left, next.left);
      const down = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
      if (across > 1 && down > 2) found.push([text, other]);
    }));
  }
  return found;
})()"""
"""Pairs of texts of one chart that cover each other"""

SQUEEZED = """[...document.querySelectorAll('tbody th')].filter(cell => cell.getClientRects().length)
  .filter(cell => cell.getBoundingClientRect().width < 60).map(cell => cell.textContent)"""
"""Row labels that have less than the least width"""

CUT = """[...document.querySelectorAll('table')].filter(table => table.getClientRects().length)
  .filter(table => table.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(table => table.closest('.scroll').getAttribute('aria-label'))"""
"""Tables that reach beyond the page"""

CONTRAST = """(() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = rgb => rgb.slice(0, 3).map(c => linear(c / 255))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const rgb = numbers(getComputedStyle(node).backgroundColor);
      if (rgb.length < 4 || rgb[3] === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const words = [...node.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim());
    if (!words.length || !node.getClientRects().length) continue;
    const style = getComputedStyle(node), isDrawn = node.closest('svg') !== null;
    const front = light(numbers(isDrawn ? style.fill : style.color)), back = light(behind(node));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) found.push([words[0].textContent.trim(), ratio]);
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return publish_all(tmp_path_factory.mktemp("night"))


@pytest.fixture(scope="module")
def written(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(report_day(warehouse, DAY), tmp_path_factory.mktemp("page") / "night.html")


@pytest.fixture(scope="module")
def written_report(warehouse: Warehouse) -> ReportDay:
    return report_day(warehouse, DAY)


def test_page_shows_published_money_and_warnings_first(warehouse: Warehouse, written: Path) -> None:
    text, report = written.read_text("utf-8"), report_day(warehouse, DAY)

    assert report.before is not None
    assert (report.before.day, report.week_ago is not None and report.week_ago.day) == (BEFORE, WEEK_AGO)
    payouts = warehouse.read_arrow("creator_payouts", day=DAY).to_pylist()
    assert f"<b>{in_units(sum(row['total_micros'] for row in payouts), 'USD')}</b>" in text
    for pool in report.paid.pools.values():
        assert f'<td class="n">{in_units(pool.paid_micros)}</td>' in text
    for category in CATEGORIES:
        assert escape(category) in text
    notices = [notice.text for notice in warnings_of(report)]
    assert "15 of 100 compliant" not in notices[0]
    assert re.match(r"18 of 120 compliant videos are paid nothing .*: rewatching \(18 videos, 15%\)", notices[0])
    assert "conf/recommended.yaml" in notices[0]
    assert any("1 rule of severity warning broken: events (liked not null)" in notice for notice in notices)
    assert any("30 of 1,000 delivered events (3.0%) went to quarantine" in notice for notice in notices)
    assert any("comedy: the target bounty is not certified" in notice for notice in notices)
    assert any("graduating may bring no more exposure" in notice for notice in notices)
    for notice in notices:
        assert str(escape(notice)) in text.replace("&#39;", "&#x27;")
    assert text.index('id="warnings"') < text.index('id="pools"')


def test_pools_change_by_their_money_alone_and_the_table_adds_up(written_report: ReportDay) -> None:
    section = movers_section(written_report)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    cents = [
        [round(100 * float(re.sub("[^0-9.-]", "", cell.replace("−", "-")))) for cell in row[1:]] for row in table.rows
    ]

    assert table.header == (
        *("category", "paid before", "advertisers' money", "platform's share", "not paid out", "change", "paid now"),
    )
    assert [row[0] for row in table.rows] == [*CATEGORIES, "all pools"]
    for first, *causes, change, last in cents:
        assert sum(causes) == change == last - first
    assert [sum(column) for column in zip(*cents[:-1], strict=True)] == cents[-1]
    assert [row[-1] for row in table.rows[:-1]] == [
        in_units(pool.paid_micros) for pool in written_report.paid.pools.values()
    ]
    (figures,) = (block for block in section.blocks if isinstance(block, Figures))
    assert {row[0] for row in figures.figures[0].table.rows} == {"views", "rounding", "rest to 0"}


def test_money_of_pools_sums_in_rows_and_columns(written_report: ReportDay) -> None:
    odd = [69_460_000, 184_315_000, 141_235_001]
    pools = {
        name: replace(pool, pool_micros=micros, paid_micros=micros)
        for (name, pool), micros in zip(written_report.paid.pools.items(), odd, strict=True)
    }
    report = replace(written_report, paid=replace(written_report.paid, pools=pools))
    (figures,) = (block for block in pools_section(report).blocks if isinstance(block, Figures))

    numbers = [[round(100 * float(cell)) for cell in row[1:6]] for row in figures.figures[0].table.rows]
    assert all(pool == paid + left for _, _, pool, paid, left in numbers)
    assert sum(row[3] for row in numbers) == 39_501
    assert figures.beside is not None
    assert [row[1] for row in figures.beside.rows] == [row[3] for row in figures.figures[0].table.rows]
    assert headline(report).tiles[1].value == "395.01"


def test_every_delivered_row_is_in_a_column(written_report: ReportDay) -> None:
    found = TableCounts(800, 390, duplicates=3, quarantined=4, late=8, other_day=400, merged=2, elsewhere=1)
    run = replace(written_report.runs[INGEST], rows={"events": asdict(found), "videos": asdict(TableCounts(9, 9))})
    section = checks_section(replace(written_report, runs={**written_report.runs, INGEST: run}))
    (table,) = (block for block in section.blocks if isinstance(block, Table) and block.caption == "Delivered rows")

    assert table.header[:2] == ("table", "read")
    assert table.header[-2:] == ("accepted late", "refused share")
    for row in table.rows:
        assert int(row[1]) == sum(map(int, row[2:-2])), row
    assert table.rows[0][-2:] == ("8", "1.01%")
    assert "left out by the mapping" not in table.header


def test_page_shows_every_published_stage(written: Path) -> None:
    text = written.read_text("utf-8")

    assert "not published" not in text
    for expected in (
        "What moved money between videos",
        "Who graduates",
        "Gain of one more impression",
        "Outcomes to watch",
        "too few entrants: 12",
        "below: x0",
        "200 of 250",
        "2 of 3",
        "One success is worth 0.5000 USD",
        "5 (2.50 USD)",
    ):
        assert expected in text, expected


def test_page_shows_names_as_text_and_no_examples_of_raw_rows(written: Path) -> None:
    text = written.read_text("utf-8")

    assert "<dance>" not in text
    assert ODD not in text
    assert "secret-viewer" not in text


@pytest.fixture(scope="module")
def disguised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a day whose categories look like markup, including names that contracts no longer accept."""
    folder = tmp_path_factory.mktemp("disguised")
    warehouse = publish_payouts(folder / "tables", DAY, categories=(*ALLOWED, *UNPRINTABLE))
    return write_page(report_day(warehouse, DAY), folder / "night.html")


@pytest.mark.slow
def test_page_of_hostile_names_has_no_element_from_them(disguised: Path, tmp_path: Path) -> None:
    text = disguised.read_text("utf-8")
    plain, page_ = Structure(page(report_day(publish_payouts(tmp_path, DAY), DAY))), Structure(text)

    assert set(page_.elements) <= set(plain.elements)
    assert page_.comments == []
    shown = "".join(page_.text)
    for name in (*ALLOWED, *UNPRINTABLE):
        assert one_line(name) in shown, name
    assert one_line(text.replace("\n", "")) == text.replace("\n", "")


@pytest.mark.slow
def test_browser_opens_the_page_of_hostile_names_without_requests_or_errors(browser: Browser, disguised: Path) -> None:
    opened = browser.open(disguised, *WIDTHS["desktop"], phone=False)

    assert opened.requests == [disguised.resolve().as_uri()]
    assert opened.messages == []
    assert opened.value("document.querySelectorAll('script, img, iframe').length") == 0


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(NAMES, min_size=7, max_size=7))
def test_any_text_in_any_block_makes_no_element(written_report: ReportDay, names: list[str]) -> None:
    require_text_alone(written_report, names)


@pytest.mark.prove
@settings(max_examples=300)
@given(st.lists(NAMES, min_size=7, max_size=7))
def test_any_text_in_any_block_makes_no_element_in_a_long_battery(written_report: ReportDay, names: list[str]) -> None:
    require_text_alone(written_report, names)


def require_text_alone(report: ReportDay, names: list[str]) -> None:
    """A page with `names` as texts of all kinds of blocks has the elements of one with plain texts."""

    def blocks(*texts: str) -> list[Section]:
        table = Table((texts[0], texts[1]), [(texts[2], texts[3])], texts[4])
        tiles = Tiles([Tile(texts[0], texts[1], texts[2])])
        figure = Figure(texts[5], "<svg></svg>", texts[5], table)
        return [Section("pools", texts[0], texts[5], texts[6], [Paragraph(texts[6]), table, tiles, Figures([figure])])]

    odd = Structure(rendered(report, blocks(*names)))

    assert odd.elements == Structure(rendered(report, blocks(*"abcdefg"))).elements
    assert all(one_line(name) in "".join(odd.text) for name in names)


def test_same_rows_give_the_same_page(warehouse: Warehouse, written: Path) -> None:
    assert page(report_day(warehouse, DAY)) == written.read_text("utf-8")


def test_page_of_a_single_day_names_what_is_not_published(tmp_path: Path) -> None:
    text = page(report_day(publish_payouts(tmp_path, DAY), DAY))

    for expected in (
        "no earlier day is published; the day a week ago is not published",
        "No earlier day is published, so there is nothing to compare with.",
        "Estimates of incentives are not published for this day",
        "A delivery plan is not published for this day",
        "No contract results are stored for this day.",
        "The ledger has no ingestion counts for this day.",
    ):
        assert expected in text, expected


def test_movers_without_published_reasons_are_computed_and_say_so(tmp_path: Path) -> None:
    warehouse = publish_payouts(tmp_path, BEFORE, DAY)

    text = page(report_day(warehouse, DAY))

    assert f"The reasons are not published for this day against {BEFORE}" in text
    assert f"Creators whose pool payouts changed most since {BEFORE}" in text


def test_rows_that_no_run_published_are_not_shown(tmp_path: Path) -> None:
    warehouse = publish_payouts(tmp_path, DAY)
    published = page(report_day(warehouse, DAY))
    rows = warehouse.read_arrow("creator_payouts", day=DAY).to_pylist()
    for row in rows:
        row["total_micros"] += 77_000_000
    warehouse.replace_day_records(rows, "creator_payouts", DAY, seen=warehouse.version("creator_payouts"))
    warehouse.ensure("delivery_plan")

    assert page(report_day(warehouse, DAY)) == published


def test_report_of_a_day_that_is_not_published_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(MissingTableError, match="payouts of 2026-11-14 are not published"):
        report_day(warehouse, DAY.replace(day=14))


def test_empty_plan_has_a_note(tmp_path: Path) -> None:
    warehouse = publish_payouts(tmp_path, DAY)
    publish_stage(warehouse, "deliver", {"delivery_plan": []})

    assert "The plan of this day is empty." in page(report_day(warehouse, DAY))


@pytest.mark.parametrize("device", WIDTHS)
def test_browser_opens_the_page_without_requests_errors_or_overflow(
    browser: Browser, written: Path, device: str
) -> None:
    width, height = WIDTHS[device]

    opened = browser.open(written, width, height, phone=device == "phone")

    opened.screenshot(ARTIFACTS / f"report-{device}.png")
    assert opened.requests == [written.resolve().as_uri()]
    assert opened.messages == []
    assert opened.value("document.documentElement.scrollWidth") <= width
    assert opened.value("document.querySelectorAll('figure svg[role=img][aria-label]').length") >= 14
    assert opened.value("document.querySelectorAll('figure:not(:has(details table))').length") == 0
    opened.value("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert opened.value("document.documentElement.scrollWidth") <= width
    assert opened.value(CONTRAST) == []
    assert opened.value(OVERLAPS) == []
    assert opened.value(SQUEEZED) == []
    scrolls = opened.value("[...document.querySelectorAll('.scroll')].map(box => getComputedStyle(box).overflowX)")
    assert set(scrolls) == {"auto"}
    sizes = opened.value("[...document.querySelectorAll('figure svg text')].map(t => t.getBoundingClientRect().height)")
    assert min(sizes) >= 9
    assert (ARTIFACTS / f"report-{device}.png").stat().st_size > 50_000


def test_printed_page_shows_whole_tables_and_charts(browser: Browser, written: Path) -> None:
    opened = browser.open(written, *WIDTHS["desktop"])
    opened.value("document.querySelectorAll('details').forEach(part => { part.open = true; })")

    opened.as_printed()

    opened.screenshot(ARTIFACTS / "report-print.png")
    assert opened.value(CUT) == []
    assert opened.value(SQUEEZED) == []
    assert opened.value(OVERLAPS) == []
    assert opened.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    opened.pdf(ARTIFACTS / "report.pdf")
    assert (ARTIFACTS / "report.pdf").read_bytes().startswith(b"%PDF")


AWKWARD = (1e-7, 1.2345e-3, 1.0, 1234.5, 9.87654e8)
LONG = "a category with a name that is far too long for an axis"


def awkward_charts(scale: float) -> list[drawing.Drawn]:
    """Charts whose axes need long numbers and long names."""
    pairs = [(LONG, scale), ("b", 1.1 * scale)]
    bars = [{"label": label, "part": "paid", "series": "given", "value": value, "place": 0} for label, value in pairs]
    spans = [{"label": label, "value": value, "low": 0.99 * value, "high": 1.1 * value} for label, value in pairs]
    cells = [{"label": label, "group": group, "value": 0.2} for label, _ in pairs for group in SIZE_GROUPS]
    return [
        drawing.stacked_bars(bars, ("paid", "unallocated"), ("#111", "#222"), "USD"),
        drawing.ranked_bars(bars, "rows"),
        drawing.gains_and_losses(bars, "USD"),
        drawing.gains_and_price(bars, 0.9 * scale, "value"),
        drawing.interval_dots(spans, "estimate"),
        drawing.heat_map(cells, SIZE_GROUPS),
        drawing.day_columns([bar | {"label": day} for bar in bars for day in (1, 31)], 31, ("paid",), "USD"),
    ]


@pytest.mark.slow
def test_labels_of_axes_never_overlap(browser: Browser, tmp_path: Path) -> None:
    charts = [drawing.svg(chart, "a chart") for scale in AWKWARD for chart in awkward_charts(scale)]
    figures = "".join(f'<figure style="width:330px;margin:0">{chart}</figure>' for chart in charts)
    (tmp_path / "charts.html").write_text(f'<meta charset="utf-8">{figures}', "utf-8")

    opened = browser.open(tmp_path / "charts.html", 390, 844)

    opened.screenshot(ARTIFACTS / "charts-awkward.png")
    assert opened.value(OVERLAPS) == []


def test_links_lead_to_sections_of_the_page(written: Path) -> None:
    text = written.read_text("utf-8")

    wanted = set(re.findall(r'href="#([^"]+)"', text))
    assert wanted >= {"pools", "movers", "incentives", "delivery"}
    assert wanted <= set(re.findall(r'id="([^"]+)"', text))


def test_page_of_a_day_with_refunds_shows_revenue_after_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    pool = (PoolDay(5_000_000, rng.integers(1, 9, 4), rng.uniform(0.1, 1.0, (4, 5))), [f"v{n}-a" for n in range(4)])
    publish_day(tmp_path, DAY, {"comedy": pool}, load_settings(), refunds={"comedy": -2_500_000})

    html = page(report_day(Warehouse(None, tmp_path), DAY))

    assert "Revenue is after refunds: -2.50 USD of the day and 0.00 USD that earlier days carried" in html
    assert "12.50" not in html
