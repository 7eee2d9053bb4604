"""The examination of a machine before a night finds what is wrong, and leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.ingest.ingest_sources import good_tables, write_parquet

from creatorpool.doctor.engine import engine_findings
from creatorpool.doctor.findings import Finding
from creatorpool.doctor.machine import machine_findings
from creatorpool.doctor.storage import source_finding, storage_findings
from creatorpool.session import EMBEDDED, SPARK
from creatorpool.settings import Settings


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


def test_a_folder_is_fine_and_stays_as_it_is(tmp_path: Path) -> None:
    findings = storage_findings(tmp_path / "not yet" / "tables")

    assert states(findings) == {"root": "ok", "files": "ok", "commits": "ok"}
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")

    assert states(storage_findings(tmp_path / "tables" / "deep"))["files"] == "ok", "its nearest folder is tried"
    assert states(storage_findings(Path("/proc/nowhere")))["files"] == "fault"


def test_a_delivery_must_be_complete(tmp_path: Path, configuration: Settings) -> None:
    source = write_parquet(tmp_path / "raw", good_tables())
    assert source_finding(source, configuration.ingest).state == "ok"

    shutil.copy(source / "events.parquet", source / "notes.parquet")
    assert "notes.parquet" in source_finding(source, configuration.ingest).text
    (source / "viewers.parquet").unlink()
    finding = source_finding(source, configuration.ingest)
    assert (finding.state, "viewers" in finding.text) == ("fault", True)
    assert source_finding(None, configuration.ingest).state == "ok"


def test_memory_that_the_machine_has_not_is_a_warning(configuration: Settings) -> None:
    greedy = configuration.engine.model_copy(update={"driver_memory": "9000g"})

    assert states(machine_findings(SPARK, greedy))["memory"] == "warning"
    assert set(states(machine_findings(EMBEDDED, configuration.engine))) == {"memory", "disk"}


def test_spark_without_java_or_jars_is_a_fault(
    tmp_path: Path, configuration: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)

    assert states(engine_findings(SPARK, configuration.engine, tmp_path)) == {"java": "fault", "jars": "fault"}
