"""The linter, and its result for the repository's contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from creatorpool.contracts.lint import lint_contracts, main

from .sample_contract import line_of, write_sample


def test_lint_of_the_repositorys_contracts_finds_nothing_on_this_engine(spark: SparkSession) -> None:
    assert lint_contracts(spark=spark) == []


def test_lint_names_every_broken_file_and_line(spark: SparkSession, tmp_path: Path) -> None:
    write_sample(tmp_path, "hours <= 10", "hour <= 10")
    (tmp_path / "other.yaml").write_text("a: 1\na: 2\n", encoding="utf-8")
    (tmp_path / "notes.yml").write_text("", encoding="utf-8")
    notes, other, sample = lint_contracts(tmp_path, spark)
    assert notes == f"{tmp_path}/notes.yml: a contract's file must be called <table>.yaml"
    assert other == f"{tmp_path}/other.yaml:2: key 'a' is given twice, first on line 1"
    assert sample.startswith(
        f"{tmp_path}/sample.yaml:{line_of('- name: usual_hours')}: rule 'usual_hours' (hour <= 10): "
    )


def test_lint_of_empty_folder_reports_it(tmp_path: Path) -> None:
    assert lint_contracts(tmp_path) == [f"{tmp_path}: no contracts (*.yaml) here"]


@pytest.mark.parametrize(("new", "code"), [("", 0), ("\nstauts: active", 3)])
def test_main_prints_complaints_and_gives_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], new: str, code: int
) -> None:
    write_sample(tmp_path, "version: 2.1.0", f"version: 2.1.0{new}")
    assert main([str(tmp_path)]) == code
    assert ("key 'stauts' is unknown" in capsys.readouterr().out) == bool(code)


def test_main_without_arguments_reads_the_projects_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "all contracts are valid" in capsys.readouterr().out
