"""The first box of the report: what a payer acts on comes first, and what is good to know is no alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.nightly.nights import CATEGORIES, DAY, publish_all, publish_payouts

from creatorpool.quality.coverage import Coverage
from creatorpool.report.nightly.page import rendered
from creatorpool.report.nightly.published import ReportDay, report_day
from creatorpool.report.nightly.warnings import warnings_of
from creatorpool.runs.ledger import SIGNALS

IDLE = "lambda_eff 0.3 moved 4714 micros, 0.00094 of the pool"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> ReportDay:
    return report_day(publish_all(tmp_path_factory.mktemp("night")), DAY)


def with_pools(report: ReportDay, *, covered: bool = False, **changes: object) -> ReportDay:
    """The report with `changes` in each pool's ledger row; `covered` if all its videos are rated."""
    pools = {name: replace(pool, **changes) for name, pool in report.paid.pools.items()}  # type: ignore[arg-type]
    facts = Coverage(120, 120 if covered else 32, {"rewatch": 0 if covered else 88}, False).as_facts()
    runs = {**report.runs, SIGNALS: replace(report.runs[SIGNALS], rows=facts)}
    return replace(report, paid=replace(report.paid, pools=pools), runs=runs)


def test_warnings_are_in_the_order_in_which_a_payer_acts(night: ReportDay) -> None:
    warning = f"floors shrunk by the factor 0.5; {IDLE}"
    texts = [notice.text for notice in warnings_of(with_pools(night, warning=warning))]

    starts = (
        "88 of 120 compliant videos are paid nothing",
        "Pool comedy: floors shrunk by the factor 0.5; the same in education and music",
        "1 rule of severity warning broken",
        "30 of 1,000 delivered events",
        "Newcomers, comedy: the target bounty",
        "Newcomers, comedy: graduating may",
        "The weight of efficiency",
    )
    assert len(texts) == len(starts)
    for text, start in zip(texts, starts, strict=True):
        assert text.startswith(start), text


def test_category_without_revenue_is_a_warning_with_the_videos_that_no_pool_pays(night: ReportDay) -> None:
    found = Coverage(200, 200, {}, False, {"pets": 80, "comedy": 40}, {"pets": 78, "comedy": 40})
    before = night.before
    assert before is not None
    earlier = replace(before, pools={**before.pools, "pets": replace(before.pools["comedy"], pool_micros=7_000_000)})
    runs = {**night.runs, SIGNALS: replace(night.runs[SIGNALS], rows=found.as_facts())}

    texts = [notice.text for notice in warnings_of(replace(night, runs=runs, before=earlier))]

    (told,) = (text for text in texts if "pets" in text)
    assert told.startswith("Category pets: 80 eligible videos and no revenue (its pool was 7.00 USD on 2026-11-19)")
    assert told.endswith(" In all, 98 of 200 compliant videos are paid nothing from pools.")


def test_weight_that_moves_next_to_nothing_is_one_note_in_money_and_words(night: ReportDay) -> None:
    report = with_pools(night, warning=IDLE, efficiency_moved_micros=4714)

    notes = [notice.text for notice in warnings_of(report) if notice.is_note]

    assert notes == [
        "The weight of efficiency, lambda_eff = 0.3, moves 0.01 of 30.00 USD: the linear objective ignores it in large "
        "pools. Payouts are right; set allocation.objective to log if the weight should count."
    ]


def test_healthy_day_is_calm_though_the_weight_moves_nothing(tmp_path: Path) -> None:
    report = with_pools(report_day(publish_payouts(tmp_path, DAY), DAY), covered=True, warning=IDLE)

    text = rendered(report, [])

    assert 'class="notices calm"' in text
    assert "No warnings" in text
    assert "Coverage: 120 of 120 compliant videos" in text
    assert "Good to know" in text


def test_day_that_pays_few_videos_is_no_calm_day(tmp_path: Path) -> None:
    text = rendered(with_pools(report_day(publish_payouts(tmp_path, DAY), DAY)), [])

    assert "calm" not in text.split("<body>")[1]
    assert "rewatching (88 videos, 73%)" in text


def test_custom_limit_silences_the_warning(tmp_path: Path) -> None:
    report = with_pools(report_day(publish_payouts(tmp_path, DAY), DAY))
    patient = replace(report, limits=report.limits.model_copy(update={"coverage_loss_warning": 0.8}))

    assert warnings_of(patient) == []
    assert len(CATEGORIES) == len(report.paid.pools)
