"""What a published day would pay under other settings: what publishing it again with them pays. Nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.checkout import project_root
from tests.tolerant import TOLERANT

from creatorpool.errors import ConfigurationError, InputError, MissingTableError
from creatorpool.runs.pools import published_pools
from creatorpool.settings import load_settings, overlaid
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import ingestion_changes, publish_ingestion
from creatorpool.stages.whatif import PULSE, Scenario, WhatIf, tried_settings, what_if
from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # the night's own code, which tests/integration runs on Spark

DAY = date(2026, 11, 20)
PAID_WITH = "allocation.lambda_eff=0.2"
NightMaker = Callable[..., RunContext]


def night(spark: SparkSession, root: Path, *assignments: str, dry_run: bool = True) -> RunContext:
    settings = load_settings(assignments=["contracts.data_docs=false", TOLERANT, *assignments])
    return RunContext(Warehouse(spark, root), settings, DAY, dry_run=dry_run)


@pytest.fixture(scope="module")
def paid_day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a day that is paid with another weight than the default one."""
    folder = tmp_path_factory.mktemp("paid")
    generate_day(folder / "raw", DAY, SyntheticMarket(seed=3, n_events=1_500))
    run = night(spark, folder / "tables", PAID_WITH, dry_run=False)
    publish_ingestion(run, folder / "raw")
    publish_payouts(run)
    return folder / "tables"


@pytest.fixture
def at(spark: SparkSession, paid_day: Path) -> NightMaker:
    """Make a dry run over the paid day."""
    return lambda *assignments: night(spark, paid_day, *assignments)


def tried(run: RunContext, *texts: str) -> list[WhatIf]:
    return list(what_if(run, tried_settings(run, texts)).outcomes)


def test_dry_run_names_the_settings_of_ingestion_that_differ(at: NightMaker) -> None:
    run = at(PAID_WITH, "ingest.late_window_days=1")
    ingestion = publish_ingestion(run, None)
    assert ingestion is not None
    scenario = Scenario("these settings", run.settings, ingestion_changes(ingestion, run.settings))

    (outcome,) = what_if(run, [scenario]).outcomes

    assert [str(change) for change in outcome.changes or ()] == ["ingest.late_window_days 2 → 1"]


def money(earned: pa.Table, column: str = "micros") -> dict[tuple[str, str], int]:
    """The money of each category and video that earns some."""
    rows = earned.to_pylist()
    return {(row["category"], row["video_id"]): row[column] for row in rows if row[column]}


def stored(root: Path) -> dict[tuple[str, str], int]:
    tables = Warehouse(None, root)
    pools = tables.read_arrow("pool_payouts", day=DAY).to_pylist()
    videos = tables.read_arrow("video_payouts", day=DAY).to_pylist()
    paid = {(row["category"], row["video_id"]): row["payout_micros"] for row in pools}
    paid |= {(PULSE, row["video_id"]): row["pulse_micros"] for row in videos}
    return {key: micros for key, micros in paid.items() if micros}


@pytest.mark.parametrize(
    "changed",
    [
        ["allocation.alpha=0.7"],
        ["quality.smoothing=empirical_bayes", "allocation.objective=log"],
        ["pools.platform_share=0.3", "pools.pulse_creator_share=0.8"],
    ],
)
def test_what_if_is_what_publishing_the_day_again_pays(
    spark: SparkSession, paid_day: Path, tmp_path: Path, at: NightMaker, changed: list[str]
) -> None:
    (outcome,) = tried(at(), "; ".join(changed))

    assert money(outcome.earned, "published_micros") == stored(paid_day)
    root = Path(shutil.copytree(paid_day, tmp_path / "again"))
    publish_payouts(night(spark, root, PAID_WITH, *changed, dry_run=False), republish=True)
    assert money(outcome.earned) == stored(root)
    ledger = published_pools(Warehouse(None, root), DAY)
    for category, pool in outcome.pools.items():
        published = ledger[category]
        assert (pool.paid_micros, pool.gini, pool.coverage) == (
            published.paid_micros,
            published.gini,
            published.coverage,
        )
        of_pool = [micros for (own, _), micros in money(outcome.earned).items() if own == category]
        assert sum(of_pool) == pool.paid_micros
    assert {change.key for change in outcome.changes or ()} == {one.partition("=")[0] for one in changed}


def test_several_what_ifs_write_nothing(paid_day: Path, at: NightMaker) -> None:
    before = sorted(paid_day.rglob("*"))

    first, second = tried(at(), "allocation.alpha=0.7", "allocation.alpha=0.9")

    assert sorted(paid_day.rglob("*")) == before
    assert money(first.earned) != money(second.earned)
    assert {row.alpha for row in second.pools.values()} == {0.9}


@pytest.mark.parametrize("renewed", [False, True])
def test_settings_of_the_published_day_change_no_payout(at: NightMaker, paid_day: Path, renewed: bool) -> None:
    run = at(PAID_WITH)

    study = what_if(run, [Scenario("as paid", run.settings)], renewed=renewed)

    assert money(study.outcomes[0].earned) == stored(paid_day)
    assert study.outcomes[0].changes == []


def test_what_if_of_one_pool_keeps_the_payouts_of_the_others(at: NightMaker, paid_day: Path) -> None:
    run = at()
    category = sorted(published_pools(run.warehouse, DAY))[0]

    study = what_if(run, tried_settings(run, ["allocation.alpha=1.0"]), [category])

    differing = {
        key[0] for key, micros in money(study.outcomes[0].earned).items() if stored(paid_day).get(key) != micros
    }
    assert differing == {category}


def test_tried_settings_change_those_of_the_published_day_or_those_that_are_named(at: NightMaker) -> None:
    (of_day,) = tried_settings(at(), ["allocation.alpha=0.7"])
    (of_named,) = tried_settings(at("allocation.objective=log"), ["allocation.alpha=0.7"])

    assert (of_day.settings.allocation.alpha, of_day.settings.allocation.lambda_eff) == (0.7, 0.2)
    assert (of_named.settings.allocation.objective, of_named.settings.allocation.lambda_eff) == ("log", 0.3)


def test_scenario_takes_settings_and_overlays_together() -> None:
    base, overlay = load_settings(), project_root() / "conf" / "recommended.yaml"

    scenario = Scenario.parse(f"allocation.lambda_eff=0.6 ; {overlay}", base)

    assert scenario.settings == overlaid(base, [overlay], ["allocation.lambda_eff=0.6"])


@pytest.mark.parametrize("text", ["allocation.alpha=0.5", "frontier.small_creators=0.1", " ; "])
def test_scenario_that_changes_no_payout_setting_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"changes no setting that payouts depend on.*allocation\.alpha=0\.7"):
        Scenario.parse(text, load_settings())


def test_scenario_that_cannot_be_used_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"--set allocation\.alfa=0\.7: unknown key"):
        Scenario.parse("allocation.alfa=0.7", load_settings())
    with pytest.raises(ConfigurationError, match=r"nosuch\.yaml"):
        Scenario.parse("nosuch.yaml", load_settings())


def test_what_if_that_no_split_meets_names_the_scenario(at: NightMaker) -> None:
    with pytest.raises(InputError, match=r"with allocation\.cap_micros=1: "):
        tried(at(), "allocation.cap_micros=1")


def test_what_if_of_a_day_that_is_not_published_says_so(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match=r"payouts of 2026-11-20 are not published"):
        tried_settings(night(spark, tmp_path), ["allocation.alpha=0.7"])
