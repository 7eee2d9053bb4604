"""The declared stages: their inputs come from earlier stages, and contracts name only declared stages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.checkout import project_root

from creatorpool.contracts import load_contracts, stage_tables
from creatorpool.ingest.delivery import OPTIONAL_TABLES, REQUIRED_TABLES
from creatorpool.settings import Settings
from creatorpool.stages.order import STAGES

LIBRARY = project_root() / "lib" / "creatorpool"
DELIVERED = {*REQUIRED_TABLES, *OPTIONAL_TABLES}
VISIBLE_AT_ONCE = {"stage_runs", "allocation_runs", "run_claims", "contract_results"}
"""Ledgers, whose own rows say what is published."""


def test_every_table_is_delivered_a_ledger_or_published_by_a_stage() -> None:
    names = {stage.name for stage in STAGES}
    for name, contract in load_contracts().items():
        is_known = name.removesuffix("_quarantine") in DELIVERED or name in VISIBLE_AT_ONCE
        assert is_known != (contract.published_by in names), f"{name}: publishedBy is {contract.published_by}"
    assert {table for stage in STAGES for table in stage.tables if not stage.shared} == set(stage_tables())


def test_stages_read_delivered_tables_or_those_of_earlier_stages() -> None:
    ready = set(DELIVERED)
    for stage in STAGES:
        assert set(stage.reads) <= ready, stage.name
        ready |= set(stage.tables)


def test_stages_depend_on_sections_that_the_configuration_has() -> None:
    for stage in STAGES:
        assert set(stage.sections) <= set(Settings.model_fields), stage.name


def unversioned_reads(path: Path) -> Iterator[str]:
    """Calls of `read` or `read_arrow` of a published table without a version."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("read", "read_arrow")):
            continue
        table = node.args[0] if node.args else None
        is_published = isinstance(table, ast.Constant) and table.value in stage_tables()
        if is_published and "version" not in {keyword.arg for keyword in node.keywords}:
            yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("folder", ["lib", "jobs", "tools"])
def test_no_code_reads_a_published_table_without_the_version_that_the_ledger_names(folder: str) -> None:
    found = [line for path in sorted((project_root() / folder).rglob("*.py")) for line in unversioned_reads(path)]
    assert found == []


def test_reads_without_a_version_are_found(tmp_path: Path) -> None:
    module = tmp_path / "reader.py"
    module.write_text('warehouse.read("pool_payouts", day=day)\nwarehouse.read("events")\nread("p2c_parameters")\n')
    assert len(list(unversioned_reads(module))) == 2
