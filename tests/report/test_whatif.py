"""A what-if study as numbers, tables and a chart: what is printed follows from the earnings."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runs.pool_runs import pool_run

from creatorpool.report.charts import rendered, specification
from creatorpool.report.console import PlainConsole
from creatorpool.report.whatif_chart import pool_rows, size_rows, whatif_chart
from creatorpool.report.whatif_figures import by_creator, gains, movers, size_changes
from creatorpool.report.whatif_summary import print_study
from creatorpool.setting_changes import SettingChange
from creatorpool.stages.whatif import PULSE, PublishedPayouts, Study, WhatIf

DAY = date(2026, 11, 20)
EARNED = [
    ("music", "v1", "ann", 3_000_000, 2_000_000),
    ("music", "v2", "bob", 1_000_000, 2_000_000),
    ("news", "v1", "ann", 500_000, 500_000),
    ("news", "v3", "cleo", 0, 0),
    (PULSE, "v3", "cleo", 250_000, 100_000),
]
"""Category, video, creator, published micros, micros under the other settings."""


def earned(rows: list[tuple[Any, ...]]) -> pa.Table:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("category", "video_id", "creator_id")),
            *((name, pa.int64()) for name in ("published_micros", "micros")),
        ]
    )
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def outcome(name: str = "allocation.alpha=0.7", rows: list[tuple[Any, ...]] = EARNED, **pools: Any) -> WhatIf:
    own = {name: pool_run(category=name, gini=0.4, coverage=0.5, top1pct_share=0.1) for name in ("music", "news")}
    return WhatIf(name, [SettingChange("allocation.alpha", "0.5", "0.7")], own | pools, earned(rows))


def study(*outcomes: WhatIf) -> Study:
    pools = {name: pool_run(category=name, gini=0.5, coverage=0.5, top1pct_share=0.1) for name in ("music", "news")}
    views = pa.table({"video_id": ["v1", "v2", "v3"], "views": pa.array([90, 50, 7], pa.int64())})
    published = earned(EARNED).drop_columns(["micros"]).rename_columns({"published_micros": "micros"})
    return Study(PublishedPayouts(pools, None, published, views), outcomes)


def printed(shown: Study) -> str:
    out = io.StringIO()
    print_study(PlainConsole(width=120, file=out), DAY, shown)
    return out.getvalue()


def test_gains_count_creators_and_their_money_in_all_or_in_one_pool() -> None:
    every = gains(outcome())

    assert (every.gaining, every.losing, every.same) == (1, 2, 0)
    assert (every.gained, every.lost) == (1_000_000, -1_150_000)
    assert (every.published, every.micros) == (4_750_000, 4_600_000)
    news = gains(outcome(), "news")
    assert (news.gaining, news.losing, news.same, news.nothing, news.gained) == (0, 0, 1, 1, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["music", "news", PULSE]),
            st.sampled_from(["v1", "v2", "v3", "v4"]),
            st.integers(0, 10**12),
            st.integers(0, 10**12),
        ),
        unique_by=lambda row: row[:2],
        min_size=1,
    )
)
def test_gains_sizes_and_movers_sum_to_the_same_difference(rows: list[tuple[str, str, int, int]]) -> None:
    own = outcome(rows=[(category, video, f"creator-{video}", old, new) for category, video, old, new in rows])
    change = sum(new - old for *_, old, new in rows)

    found = gains(own)
    assert found.gained + found.lost == found.micros - found.published == change
    assert found.gaining + found.losing + found.same + found.nothing == by_creator(own.earned).num_rows
    fifths = size_changes(own, study().published.views)
    assert sum(fifth.change for fifth in fifths) == change
    assert sum(mover.change for mover in movers(own, 100)) == change


def test_one_setting_is_shown_by_pool_by_size_and_by_creator() -> None:
    text = printed(study(outcome()))

    assert "What if, payouts of 2026-11-20, computed, nothing written, in USD" in text
    assert "allocation.alpha=0.7: allocation.alpha 0.5 → 0.7." in text
    assert "0.500 → 0.400" in text
    rows = {line.split("│")[1].strip(): line for line in text.splitlines() if "│" in line}
    assert [cell.strip() for cell in rows["music"].split("│")][2:5] == ["4.00", "4.00", "0.00"]
    assert [cell.strip() for cell in rows["Pulse"].split("│")][2:5] == ["0.25", "0.10", "−0.15"]
    assert [cell.strip() for cell in rows["all"].split("│")][2:5] == ["4.75", "4.60", "−0.15"]
    assert [cell.strip() for cell in rows["fourth fifth"].split("│")][2:6] == ["1", "3.50", "2.50", "−1.00"]
    assert [cell.strip() for cell in rows["bob"].split("│")][2:5] == ["1.00", "2.00", "+1.00"]
    assert (
        "Creators, allocation.alpha=0.7: 1 gain 1.00, 2 lose 1.15, 0 earn the same, 0 earn nothing either way." in text
    )


def test_printed_money_sums_in_rows_and_columns_and_unchanged_pools_stay() -> None:
    rows = [("music", "v1", "ann", 1_005_000, 1_005_000), ("news", "v2", "bob", 2_005_000, 2_002_000)]
    rows.append((PULSE, "v3", "cleo", 1_005_000, 1_001_000))

    lines = {
        line.split("│")[1].strip(): line for line in printed(study(outcome(rows=rows))).splitlines() if "│" in line
    }

    cells = {name: [cell.strip() for cell in lines[name].split("│")][2:5] for name in ("music", "news", "Pulse", "all")}
    cents = {
        name: [round(100 * float(c.replace("−", "-"))) for c in own if "µ" not in c] for name, own in cells.items()
    }
    assert cents["music"][0] == cents["music"][1]
    assert cells["music"][2] == "0.00"
    for place in (0, 1):
        assert sum(cents[name][place] for name in ("music", "news", "Pulse")) == cents["all"][place]
    assert cells["all"] == ["4.02", "4.01", "−0.01"]


def test_several_settings_are_shown_beside_each_other() -> None:
    same = outcome("as paid", [(*row[:4], row[3]) for row in EARNED])
    text = printed(study(outcome(), same))

    for words in ("published", "allocation.alpha=0.7", "as paid", "Creators who would gain or lose most"):
        assert words in text
    assert "Creators, as paid: 0 gain 0.00, 0 lose 0.00, 3 earn the same, 0 earn nothing either way." in text


def test_settings_that_are_not_known_and_warnings_of_a_pool_are_said() -> None:
    warned = pool_run(category="news", warning="caps leave money", gini=None, coverage=None, top1pct_share=None)
    own = outcome("mine", news=warned)

    text = printed(study(WhatIf("mine", None, own.pools, own.earned)))

    assert "mine: the ledger keeps no configuration of the day, so what differs is not known." in text
    assert "Warning, mine, pool news: caps leave money" in text


def test_pool_that_only_the_other_settings_pay_is_shown_without_published_measures() -> None:
    text = printed(study(outcome(sports=pool_run(category="sports", gini=0.3, coverage=0.9, top1pct_share=0.2))))

    (line,) = [line for line in text.splitlines() if "sports" in line]
    assert "– → 90.0%" in line


@pytest.mark.parametrize("name", ["allocation.alpha=0.7", "odd <b>\x1b[31m 😀 name"])
def test_chart_draws_the_published_day_and_every_setting(name: str) -> None:
    shown = study(outcome(name), outcome("other"))

    assert {row["setting"] for row in pool_rows(shown)} == {"published", name, "other"}
    assert len(size_rows(shown)) == 10
    drawn = rendered(specification(whatif_chart(shown)))
    assert drawn.startswith("<svg")
    assert "top-1 % share" in drawn
