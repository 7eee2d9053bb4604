"""Charts: their content, their validity by Altair's schema, and jobs without a renderer."""

from __future__ import annotations

import base64
import builtins
import hashlib
import json
import os
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import altair as alt
import numpy as np
import pytest
from tests.chromium import chromium, installed
from tests.comparison.pools import random_pool
from tests.hostile_names import ALLOWED, UNPRINTABLE, Structure
from tests.integrity.markets import random_market
from tests.runs.pool_runs import pool_run

from creatorpool.allocation.policy import SplitPolicy
from creatorpool.comparison.compare import RULES, compare, other_shares, rule_payouts
from creatorpool.comparison.frontier import sweep
from creatorpool.comparison.measures import small_creators
from creatorpool.comparison.rules import Viewing
from creatorpool.errors import InputError
from creatorpool.integrity.audit import AS_CONFIGURED, AuditPlan, audit_targets, most_exploitable
from creatorpool.money import round_to_total
from creatorpool.quoting import one_line
from creatorpool.report.charts import chart_data, chart_path, draw, specification
from creatorpool.report.comparison_summary import comparison_chart
from creatorpool.report.frontier_chart import frontier_chart
from creatorpool.report.integrity_summary import integrity_chart
from creatorpool.stages.comparison import PoolComparison
from creatorpool.stages.frontier import PoolFrontier
from creatorpool.stages.integrity import DayAudit
from creatorpool.stages.published_day import PublishedPool

DAY = date(2026, 11, 20)
POOL = random_pool(1, 20)
IS_SMALL = small_creators(POOL.creator, POOL.effective_impressions, 0.5)
PAID = round_to_total(POOL.split(SplitPolicy("linear", 0.5, 0.3)).payout, POOL.money)
PUBLISHED = PublishedPool(pool_run(), POOL, PAID)


def frontier():
    policies = [SplitPolicy(objective, 0.5, place) for objective in ("linear", "log") for place in (0.0, 0.3, 1.0)]
    return frontier_chart([PoolFrontier(PUBLISHED, IS_SMALL, sweep(POOL, IS_SMALL, policies), {})])


def rules():
    video = np.arange(POOL.video.size)
    viewing = Viewing(video, video % 3 + 1, (video % 3 + 1) * (video + 1))
    payouts = rule_payouts(POOL, PAID, other_shares(video.astype(np.float64) + 1.0, viewing, 0.5))
    return comparison_chart([PoolComparison(PUBLISHED, compare(POOL, payouts, IS_SMALL))])


def audit():
    market = random_market(2)
    plan = AuditPlan({"unverified": 1_000}, [1, 5], 3, 0.1, 2)
    targets = {name: market.typical_videos(name, 0.1) for name in market.pools}
    findings = [
        finding
        for variant in (AS_CONFIGURED, "alpha=1")
        for finding in (
            *audit_targets(market, targets, plan, variant, plan.fake_viewers()),
            *most_exploitable(market, plan, variant),
        )
    ]
    return integrity_chart(DayAudit(findings, np.arange(30), market.creator))


CHARTS = {"frontier": frontier, "rules": rules, "audit": audit}


@pytest.fixture
def night(tmp_path: Path) -> SimpleNamespace:
    """A run's context with only what drawing needs."""
    lines: list[str] = []
    return SimpleNamespace(
        warehouse=SimpleNamespace(root=tmp_path),
        day=DAY,
        lines=lines,
        **dict.fromkeys(("log", "warn"), lambda _, line: lines.append(line)),
    )


@pytest.mark.parametrize("name", CHARTS)
def test_chart_is_valid_by_the_schema_and_contains_its_data(name: str) -> None:
    specification = CHARTS[name]().to_dict()

    assert specification["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    text = json.dumps(specification, allow_nan=False)
    assert '"url"' not in text
    assert "datasets" in specification or '"values"' in text


def test_comparison_chart_draws_every_rules_whole_curve() -> None:
    specification = rules().to_dict()
    lorenz = specification["vconcat"][0]["hconcat"][0]
    curve = specification["datasets"][lorenz["data"]["name"]]

    assert {row["rule"] for row in curve} == set(RULES)
    for rule in RULES:
        own = [(row["videos"], row["money"]) for row in curve if row["rule"] == rule]
        assert own[0] == (0, 0)
        assert own[-1] == (1, 1)


def test_chart_path_of_another_format_is_refused() -> None:
    assert chart_path("a/b.svg") == Path("a/b.svg")
    with pytest.raises(InputError, match=r"must end in one of \['.svg', '.html'\], got 'b.pdf'"):
        chart_path("b.pdf")


def test_draw_without_a_renderer_says_what_to_install(night, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_renderer(name: str, *arguments, **options):
        if name == "vl_convert":
            raise ModuleNotFoundError("No module named 'vl_convert'", name="vl_convert")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_renderer)
    monkeypatch.setattr("importlib.import_module", without_renderer)
    draw(night, "frontier", rules(), None)

    assert len(night.lines) == 1
    assert "install vl-convert-python" in night.lines[0]
    assert not (night.warehouse.root / "_reports").exists()


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_draw_writes_a_file_that_needs_no_network(night, suffix: str) -> None:
    path = night.warehouse.root / "charts" / f"rules{suffix}"
    draw(night, "comparison", rules(), path)

    text = path.read_text("utf-8")
    assert "user_centric" in text
    assert 'src="http' not in text
    assert night.lines == [f"chart in {path}"]


def disguised() -> alt.Chart:
    """A chart whose labels and title are hostile names."""
    rows = [{"label": name, "value": place} for place, name in enumerate((*ALLOWED, *UNPRINTABLE))]
    return alt.Chart(chart_data(rows), title=f"Pool {ALLOWED[7]}").mark_bar().encode(x="value:Q", y="label:N")


def test_chart_page_has_its_own_two_scripts_and_a_policy_that_allows_no_other(night) -> None:
    path = night.warehouse.root / "chart.html"
    draw(night, "comparison", disguised(), path)

    text = path.read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert [name for name, _ in Structure(text).elements] == [
        *("html", "head", "meta", "meta", "meta", "title", "body", "div", "script", "script")
    ]
    assert len(scripts) == 2
    policy = re.search('Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert "unsafe-eval" not in policy[1]
    assert policy[1].startswith("default-src 'none';")


@pytest.mark.slow
def test_browser_draws_the_chart_page_under_its_policy(night) -> None:
    browser = installed()
    if browser is None:
        assert not os.environ.get("CI"), "no Chromium here: tools/setup_browser.sh installs one"
        pytest.skip("no Chromium here: tools/setup_browser.sh installs one")
    path = night.warehouse.root / "chart.html"
    draw(night, "comparison", disguised(), path)

    with chromium(browser) as opened:
        page = opened.open(path, 1200, 900, phone=False)
        assert page.messages == []
        assert page.requests == [path.resolve().as_uri()]
        labels = page.value("[...document.querySelectorAll('svg text')].map(text => text.textContent)")
    assert {"[/red]x", one_line(UNPRINTABLE[7]), "a&b\"'"} <= set(labels)
    assert f"Pool {ALLOWED[7]}" in labels


def test_specification_keeps_all_names_distinct() -> None:
    labels = [row["label"] for rows in specification(disguised())["datasets"].values() for row in rows]

    assert labels == [one_line(name) for name in (*ALLOWED, *UNPRINTABLE)]
    assert len(set(labels)) == len(labels)


def test_chart_that_cannot_be_drawn_is_a_warning(night, caplog: pytest.LogCaptureFixture) -> None:
    (night.warehouse.root / "file").write_text("")

    draw(night, "comparison", rules(), night.warehouse.root / "file" / "chart.svg")

    assert "the day is published; the comparison chart could not be shown: " in caplog.text
    assert night.lines == []
