"""Studies of a published day: frontier, rules and attacks, from tables to tables."""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError, InputError, MissingTableError
from creatorpool.integrity.sensitivity import Sensitivity
from creatorpool.money import in_units
from creatorpool.report.console import PlainConsole
from creatorpool.report.sensitivity_summary import print_sensitivities
from creatorpool.runs.ledger import published_run
from creatorpool.runs.pools import published_pools
from creatorpool.settings import load_settings
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.comparison import publish_comparison
from creatorpool.stages.context import RunContext
from creatorpool.stages.frontier import Target, publish_frontier
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.integrity import publish_audit
from creatorpool.stages.published_day import published_day
from creatorpool.stages.sensitivity import day_sensitivities
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # whole nights through one session; tests/integration runs the jobs on both engines

DAY = date(2026, 11, 20)
SMALL_AUDIT = ("integrity.fake_viewers=[1, 20]", "integrity.unverified_weights=[0.4]", "integrity.most_exploitable=2")


def night(spark: SparkSession, root: Path, *assignments: str) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, DAY)


@pytest.fixture(scope="module")
def paid_day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a paid day with two pools."""
    folder = tmp_path_factory.mktemp("paid")
    revenue = {"education": 900, "music": 1_600}
    generate_day(
        folder / "raw", DAY, SyntheticMarket(seed=3, n_events=4_000, n_videos=60, revenue_micros_per_event=revenue)
    )
    run = night(spark, folder / "tables")
    publish_ingestion(run, folder / "raw")
    publish_payouts(run)
    return folder / "tables"


@pytest.fixture
def at(spark: SparkSession, paid_day: Path, tmp_path: Path) -> Callable[..., RunContext]:
    """Make a night over a copy of the paid day."""
    root = Path(shutil.copytree(paid_day, tmp_path / "tables"))
    return lambda *assignments: night(spark, root, *assignments)


def rows_of(run: RunContext, table: str) -> list[dict]:
    return run.warehouse.read_arrow(table, day=DAY).to_pylist()


def test_published_day_has_the_paid_pools(at: Callable[..., RunContext]) -> None:
    day = published_day(at())

    assert sorted(day.pools) == ["education", "music"]
    for published in day.pools.values():
        assert published.payout.sum() == published.pool.money == published.row.paid_micros
        assert published.pool.video.tolist() == sorted(published.pool.video)
        split = published.pool.split(published.policy).payout
        assert np.abs(split - published.payout).max() < 1


def test_published_day_uses_the_version_in_the_ledger(at: Callable[..., RunContext]) -> None:
    run = at()
    before = published_day(run).pools["music"].payout.tolist()
    later = run.warehouse.read("pool_payouts", day=DAY).where("false")
    run.warehouse.replace_day(later, "pool_payouts", DAY)

    assert published_day(run).pools["music"].payout.tolist() == before


def test_published_day_that_is_not_says_what_to_run(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(
        MissingTableError, match=r"payouts of 2026-11-20 are not published .* `creatorpool run --date 2026-11-20`"
    ):
        published_day(night(spark, tmp_path))


def test_published_day_of_an_unknown_category_names_the_pools(at: Callable[..., RunContext]) -> None:
    with pytest.raises(
        InputError, match=r"has no published pool \['cooking'\]; its pools are \['education', 'music'\]"
    ):
        published_day(at(), ["cooking"])


def test_frontier_at_the_published_lambda_agrees_with_the_ledger(at: Callable[..., RunContext]) -> None:
    run = at("frontier.alpha=[1.0]", "frontier.lambda_eff=[0.0, 1.0]")
    publish_frontier(run)
    ledger = published_pools(run.warehouse, DAY)
    rows = rows_of(run, "allocation_frontier")

    assert {row["category"] for row in rows} == set(ledger)
    assert len(rows) == 2 * (1 + 2 * 2 * 2)  # the published policy, and two objectives, α and λ_eff
    for row in rows:
        if row["is_published"]:
            pool = ledger[row["category"]]
            assert (row["alpha"], row["lambda_eff"], row["objective"]) == (0.5, 0.3, "linear")
            assert row["gini"] == pytest.approx(pool.gini, rel=1e-12)
            assert row["top1pct_share"] == pytest.approx(pool.top1pct_share, rel=1e-12)
            assert abs(row["moved_micros"] - pool.efficiency_moved_micros) <= 1
            assert row["allocation_run_id"] == pool.run_id
        if (row["objective"], row["lambda_eff"]) == ("linear", 1.0):
            assert row["fairness"] is None
            assert row["effective_videos"] == pytest.approx(1)
    assert sum(row["is_published"] for row in rows) == 2


def test_frontier_with_a_target_stores_the_point_found(at: Callable[..., RunContext], caplog) -> None:
    run = at("frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0]")
    caplog.set_level("INFO", "creatorpool")
    publish_frontier(run, target=Target.parse("gini=0.45"))
    found = [row for row in rows_of(run, "allocation_frontier") if row["target"]]

    assert len(found) == 4
    assert all(row["target"] == "gini=0.45" and abs(row["gini"] - 0.45) < 1e-6 for row in found)
    publish_frontier(run, target=Target.parse("gini=0.01"))
    assert "gini=0.01 cannot be reached at any lambda_eff; the reachable values are 0." in caplog.text
    assert not [row for row in rows_of(run, "allocation_frontier") if row["target"]]


def test_frontier_of_one_category_leaves_the_others_rows(at: Callable[..., RunContext]) -> None:
    run = at("frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0]")
    publish_frontier(run)
    before = sorted(map(str, rows_of(run, "allocation_frontier")))
    publish_frontier(run, ["music"])

    assert sorted(map(str, rows_of(run, "allocation_frontier"))) == before
    assert published_run(run.warehouse, "frontier", DAY) is not None


def test_frontier_of_one_category_does_not_publish_rows_of_a_broken_run(
    at: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = at("frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0]")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("creatorpool.stages.runner.publish_run", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_frontier(broken)
    assert {row["category"] for row in rows_of(broken, "allocation_frontier")} > {"music"}

    run = at("frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0]")
    publish_frontier(run, ["music"])
    assert {row["category"] for row in rows_of(run, "allocation_frontier")} == {"music"}


@pytest.mark.parametrize("text", ["gini", "gini=", "gini=2", "ginni=0.5", "gini=nan"])
def test_invalid_target_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--target must be MEASURE=VALUE"):
        Target.parse(text)


def test_rules_agree_with_plain_loops_over_the_days_events(at: Callable[..., RunContext]) -> None:
    run = at()
    pools = {row.published.pool.category: row for row in publish_comparison(run)}
    events = rows_of(run, "events")
    members = {name: row.published.pool.video.tolist() for name, row in pools.items()}
    for name, row in pools.items():
        money, place = row.published.pool.money, {video: v for v, video in enumerate(members[name])}
        views = np.zeros(len(place))
        by_viewer: dict[str, list[int]] = defaultdict(list)
        for event in events:
            if event["watch_ms"] >= 1 and event["video_id"] in place:
                views[place[event["video_id"]]] += 1
                by_viewer[event["viewer_id"]].append(place[event["video_id"]])
        user_centric = np.zeros(len(place))
        for watched in by_viewer.values():
            np.add.at(user_centric, watched, money / len(by_viewer) / len(watched))
        payout = {outcome.rule: outcome.payout for outcome in row.outcomes}
        assert np.abs(payout["pro_rata"] - money * views / views.sum()).max() < 1
        assert np.abs(payout["user_centric"] - user_centric).max() < 1
        assert np.abs(payout["equal"] - money / len(place)).max() < 1
        assert payout["creatorpool"].tolist() == row.published.payout.tolist()

    rows = rows_of(run, "rule_comparison")
    assert len(rows) == 5 * len(pools)
    assert all(row["paid_micros"] == row["pool_micros"] for row in rows)


def test_rules_under_another_configuration_than_the_payouts_stop(at: Callable[..., RunContext]) -> None:
    with pytest.raises(ConfigurationError, match="are published with another configuration"):
        publish_comparison(at("signals.max_daily_views_per_viewer=1"))


def test_audit_has_every_attack_and_its_costs_add_up(at: Callable[..., RunContext]) -> None:
    run = at(*SMALL_AUDIT)
    publish_audit(run)
    rows = rows_of(run, "integrity_audit")

    own = [row for row in rows if row["rule"] == "creatorpool" and row["target"] != "exploitable"]
    typical = 2 * 2 * 2 * 2  # pools, targets, tiers, numbers
    assert len([row for row in own if row["variant"] == "as_configured"]) == typical * 3
    assert {row["variant"] for row in own} == {
        "as_configured", "unverified_weight=0.4", "smoothing=empirical_bayes", "alpha=0.25", "alpha=0.75", "alpha=1",
        "objective=log", "cap_share=0.02",
    }  # fmt: skip
    assert len([row for row in rows if row["rule"] != "creatorpool"]) == 4 * typical * 3
    assert all(row["cost_micros"] == row["fake_viewers"] * {"verified": 100_000, "unverified": 1_000}[row["trust_tier"]]
               for row in rows)  # fmt: skip
    by_key = {
        (r["category"], r["variant"], r["target"], r["trust_tier"], r["behaviour"], r["fake_viewers"]): r for r in own
    }
    lighter = by_key["music", "unverified_weight=0.4", "large", "unverified", "act", 20]["gain_micros"]
    assert lighter < by_key["music", "as_configured", "large", "unverified", "act", 20]["gain_micros"]


def test_audit_starts_from_the_published_quality(at: Callable[..., RunContext]) -> None:
    run = at(*SMALL_AUDIT)
    published = published_day(run)
    audit = publish_audit(run, ["music"])
    pool = published.pools["music"]
    for finding in audit.findings:
        if finding.variant == "as_configured" and finding.rule == "creatorpool":
            own = pool.pool.creator == audit.creator[finding.attack.video]
            assert finding.earned == pytest.approx(int(pool.payout[own].sum()), abs=int(own.sum()) + 1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("integrity.fake_viewer_cost_micros={bot: 1}", r"\['bot'\] are not in signals.tiers"),
        ("integrity.unverified_weights=[1.5]", r"below signals.tiers.verified, 1.0, got \[1.5\]"),
    ],
)
def test_audit_of_invalid_tiers_stops(at: Callable[..., RunContext], setting: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        publish_audit(at(setting))


def test_studies_of_one_day_twice_give_the_same_rows(at: Callable[..., RunContext]) -> None:
    settings = (*SMALL_AUDIT, "frontier.alpha=[0.5]", "frontier.lambda_eff=[0.0, 0.5]")
    found = []
    for _ in range(2):
        run = at(*settings)
        publish_frontier(run)
        publish_comparison(run)
        publish_audit(run, ["music"])
        found.append([rows_of(run, table) for table in ("allocation_frontier", "rule_comparison", "integrity_audit")])

    assert [sorted(map(str, rows)) for rows in found[0]] == [sorted(map(str, rows)) for rows in found[1]]


@pytest.mark.parametrize(
    ("number", "words", "assignment"),
    [
        ("signals.tiers.unverified", "−10%", "signals.tiers.unverified=0.72"),
        ("signals.toxicity_penalty", "+10%", "signals.toxicity_penalty=0.55"),
        (
            "signals.action_weights.share",
            "−10%",
            f"signals.action_weights={{like: {0.064 / 0.6}, comment: {0.128 / 0.6}, share: 0.36, follow: 0.32}}",
        ),
    ],
)
def test_sensitivity_is_what_a_night_with_that_number_would_pay(
    at: Callable[..., RunContext],
    sensitivities: dict[tuple[str, str], Sensitivity],
    number: str,
    words: str,
    assignment: str,
) -> None:
    found = sensitivities[number, words]
    stored = at()
    before = by_creator(stored.warehouse.read("pool_payouts", day=DAY))
    other = publish_payouts(replace(at(assignment), dry_run=True), republish=True)

    after = by_creator(other.pool_payouts)

    gains = {creator: after[creator] - before[creator] for creator in before}
    assert sum(before.values()) == pytest.approx(found.paid)
    assert sum(map(abs, gains.values())) / 2 == pytest.approx(found.moved, abs=60)  # a micro of rounding per video
    assert gains[found.gainer] == pytest.approx(found.gain, abs=60)
    assert gains[found.loser] == pytest.approx(found.loss, abs=60)


@pytest.fixture(scope="module")
def sensitivities(spark: SparkSession, paid_day: Path) -> dict[tuple[str, str], Sensitivity]:
    """The paid day's sensitivities by number and change."""
    found = day_sensitivities(replace(night(spark, paid_day), dry_run=True))
    return {(own.number, own.change): own for own in found}


def test_sensitivities_are_sorted_and_printed_in_units(sensitivities: dict[tuple[str, str], Sensitivity]) -> None:
    found, out = list(sensitivities.values()), io.StringIO()
    print_sensitivities(PlainConsole(width=160, file=out), DAY, found, "USD")

    assert [own.moved for own in found] == sorted((own.moved for own in found), reverse=True)
    assert f"{in_units(round(found[0].paid), 'USD')}: what other beliefs would move" in out.getvalue()
    assert "Not a micro of the payouts depends on integrity.fake_viewer_cost_micros" in out.getvalue()


def by_creator(payouts: DataFrame) -> dict[str, int]:
    rows = payouts.groupBy("creator_id").agg(F.sum("payout_micros").alias("micros")).collect()
    return {row["creator_id"]: row["micros"] for row in rows}
