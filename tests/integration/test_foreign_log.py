"""The worked example of docs/sources.md: from the log of another platform to a verified payout."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.checkout import project_root

from creatorpool.cli.main import main
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.sources.check import check_source
from creatorpool.ingest.sources.mapping import load_mapping
from creatorpool.report.source_summary import print_findings
from creatorpool.runs.ledger import INGEST, published_run
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.order import run_night
from creatorpool.tables import Warehouse
from creatorpool.verification.day import verify_day

from .conftest import DAY

CLIPS = project_root() / "docs" / "examples" / "clips"
REVENUE_MICROS = 41_250_000 + 18_700_000 + 30_055_000


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    path = tmp_path / "clips.yaml"
    main(["init-source", str(CLIPS), "--output", str(path)])
    return path


@pytest.fixture
def filled_in(proposed: Path) -> Path:
    """The proposal with the one thing that people must know: who made a clip."""
    lines = proposed.read_text("utf-8").splitlines()
    filled = ["      creator_id: made_by" if "# creator_id:  # FILL IN" in line else line for line in lines]
    proposed.write_text("\n".join(filled), encoding="utf-8")
    return proposed


def test_proposal_is_refused_until_somebody_fills_in_who_is_paid(proposed: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tables\.videos\.columns: column creator_id is missing: Creator who"):
        load_mapping(str(proposed))


def test_proposal_does_not_replace_a_file(proposed: Path) -> None:
    with pytest.raises(InputError, match="exists: name another file"):
        main(["init-source", str(CLIPS), "--output", str(proposed)])


@pytest.mark.once
def test_foreign_log_ends_in_a_verified_payout(
    filled_in: Path,
    spark: SparkSession,
    tmp_path: Path,
    configuration: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = check_source(
        Reading(spark, tmp_path / "staging", configuration.ingest), load_mapping(str(filled_in)), CLIPS, None, 10_000,
        configuration,
    )  # fmt: skip
    assert found.faults == []
    print_findings(found)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "\n".join(printed) in (project_root() / "docs" / "sources.md").read_text("utf-8")

    settings = load_settings((), [f"ingest.format={filled_in}", "contracts.data_docs=false"])
    warehouse = Warehouse(spark, tmp_path / "tables")
    logs = shutil.copytree(CLIPS, tmp_path / "logs")
    with (logs / "plays.tsv").open("a") as plays:
        plays.write("cut off\n")
    with (logs / "revenue.csv").open("a") as revenue:
        revenue.write(f"{DAY - timedelta(days=1)},cooking,1.00,EUR\n")
    paid = run_night(RunContext(warehouse, settings, DAY), logs)

    run = published_run(warehouse, INGEST, DAY)
    assert run is not None
    assert run.inputs["format"] == str(filled_in)
    assert run.inputs["mapping_sha256"] == load_mapping(str(filled_in)).sha256
    for counts in run.rows.values():
        outcomes = ("accepted", "duplicates", "quarantined", "other_day", "filtered", "merged", "elsewhere")
        assert counts["read"] == sum(counts[outcome] for outcome in outcomes)
    assert {name: run.rows["events"][name] for name in ("read", "accepted", "quarantined", "other_day")} == {
        "read": 731,
        "accepted": 699,
        "quarantined": 2,
        "other_day": 30,
    }
    assert run.rows["events"]["broken"] == {"row_readable": 1, "watch_ms_not_null": 1, "watch_ms_readable": 1}
    revenue = warehouse.read_arrow("pool_revenue", day=DAY).to_pylist()
    assert sum(row["gross_micros"] for row in revenue) == REVENUE_MICROS
    assert paid is not None
    checks = verify_day(RunContext(warehouse, settings, DAY))
    assert [check.name for check in checks if check.differences] == []

    earlier = publish_ingestion(RunContext(warehouse, settings, DAY - timedelta(days=1)), logs)
    assert earlier is not None
    assert (earlier.rows["events"]["quarantined"], earlier.rows["events"]["elsewhere"]) == (0, 1)
    assert earlier.inputs["dateless"] == {"plays": DAY.isoformat()}, "the line that cannot be read is counted once"
