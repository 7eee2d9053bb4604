"""All sections as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from creatorpool.display import display
from creatorpool.html_page import POLICY
from creatorpool.quoting import one_line
from creatorpool.report.nightly.blocks import Section
from creatorpool.report.nightly.checks import checks_section
from creatorpool.report.nightly.coverage import report_coverage
from creatorpool.report.nightly.delivery import delivery_section
from creatorpool.report.nightly.entrants import incentives_section
from creatorpool.report.nightly.money import coverage_section, headline, pools_section
from creatorpool.report.nightly.month import month_section
from creatorpool.report.nightly.movers import movers_section
from creatorpool.report.nightly.published import ReportDay, report_day
from creatorpool.report.nightly.scores import quality_section
from creatorpool.report.nightly.spread import concentration_section, sizes_section
from creatorpool.report.nightly.warnings import warnings_of
from creatorpool.report.pages import REPORTS
from creatorpool.settings import Settings
from creatorpool.storage.files import write_whole
from creatorpool.storage.places import Place
from creatorpool.tables import Warehouse

SECTIONS = (
    *(pools_section, coverage_section, concentration_section, sizes_section, quality_section, movers_section),
    *(month_section, checks_section, incentives_section, delivery_section),
)
TEMPLATE = "page.html.j2"

AnyPlace = TypeVar("AnyPlace", bound=Place)


def page(report: ReportDay) -> str:
    """The report as HTML. The same published rows give the same page."""
    sections = [section(report) for section in SECTIONS]
    return rendered(report, sections)


def rendered(report: ReportDay, sections: list[Section]) -> str:
    """The page: warnings and headline numbers, then `sections`, then the runs and table versions behind them."""
    environment = Environment(
        loader=PackageLoader("creatorpool.report.nightly", "."),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        policy=POLICY,
        report=report,
        warnings=warnings_of(report),
        coverage=report_coverage(report),
        headline=headline(report),
        sections=sections,
        sources=_sources(report),
    )


def _shown(value: object) -> object:
    """A value as one line of visible characters, before escaping; markup of the page itself stays as it is."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def night_path(root: Place, day: date) -> Place:
    """The path of the day's page beside the tables."""
    return root / REPORTS / f"night-{day}.html"


def write_night(root: Place, day: date, settings: Settings) -> None:
    """Write the page of a published day beside its tables, and print its path; a fault in it is a warning."""
    with display(day, "report"):
        print(f"Report: {write_page(report_day(Warehouse(None, root), day, settings), night_path(root, day))}")


def write_page(report: ReportDay, path: AnyPlace) -> AnyPlace:
    """Write the page to `path` in one step, so that a reader never finds half a page; return `path`."""
    write_whole(path, page(report).encode())
    return path


def _sources(report: ReportDay) -> Mapping[str, list[tuple[str, ...]]]:
    """The runs that published the rows of the page, and the table versions."""
    pools = sorted({(row.run_id, row.code_version, row.finished_at) for row in report.paid.pools.values()})
    runs: list[tuple[str, ...]] = [("allocate", run, code, f"{done:%Y-%m-%d %H:%M:%S}") for run, code, done in pools]
    runs += [
        (name, run.run_id, run.code_version, f"{run.finished_at:%Y-%m-%d %H:%M:%S}")
        for name, run in sorted(report.runs.items())
    ]
    versions = dict(report.paid.versions)
    for run in report.runs.values():
        versions |= {table: version for table, version in run.outputs.items() if table not in report.paid.versions}
    return {"runs": runs, "versions": [(table, str(version)) for table, version in sorted(versions.items())]}
