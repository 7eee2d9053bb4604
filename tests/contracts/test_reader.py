"""Reading contracts from YAML: their content, and the file and line of each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from creatorpool.contracts import load_contract, load_contracts
from creatorpool.errors import ContractError

from .sample_contract import line_of, sample_contract, write_sample


def test_load_contract_reads_columns_key_and_rules_in_the_files_order(tmp_path: Path) -> None:
    contract = sample_contract(tmp_path)
    assert (contract.name, contract.version, contract.grain) == ("sample", "2.1.0", "one worker")
    assert contract.column_names == ("worker", "hours", "rating", "paid")
    assert (contract.key, contract.partition_by, contract.on_row_fault) == (("worker",), (), "quarantine")
    hours = contract.column("hours")
    assert (hours.type, hours.nullable, hours.unit, hours.description) == ("BIGINT", False, "h", "Time worked")
    assert [rule.name for rule in contract.rules] == [
        "worker_not_null",
        "worker_min_length",
        "worker_printable",
        "hours_not_null",
        "hours_in_range",
        "rating_finite",
        "rating_in_range",
        "paid_for_hours",
        "usual_hours",
        "not_empty",
        "key_unique",
    ]


def test_load_contract_keeps_severity_hint_and_line_of_a_rule(tmp_path: Path) -> None:
    rule = next(rule for rule in sample_contract(tmp_path).row_rules if rule.name == "usual_hours")
    assert (rule.expression, rule.severity, rule.hint) == ("hours <= 10", "warning", "More than ten hours are rare.")
    assert rule.line == line_of("- name: usual_hours")


def test_load_contract_without_unique_key_has_no_such_rule(tmp_path: Path) -> None:
    fault = "      - {property: onRowFault, value: quarantine}\n"
    contract = sample_contract(tmp_path, fault, fault + "      - {property: uniqueKey, value: false}\n")
    assert [rule.name for rule in contract.table_rules] == ["not_empty"]


MISTAKES = {
    "unknown key at the top": ("version: 2.1.0", "version: 2.1.0\nstauts: active", "key 'stauts' is unknown"),
    "unknown key of a table": ("physicalType: delta", "phsicalType: delta", "key 'phsicalType' is unknown"),
    "unknown key of a column": ("required: false", "requierd: false", "key 'requierd' is unknown"),
    "unknown key of a rule": ("severity: warning", "severty: warning", "key 'severty' is unknown"),
    "unknown option of a column": ("{minimum: 0, maximum: 24}", "{minimun: 0}", "key 'minimun' is unknown"),
    "standard key without effect": (
        "        description: Pay\n",
        "        description: Pay\n        unique: true\n",
        "key 'unique' is in the standard, but creatorpool does not enforce it",
    ),
    "unknown custom property": ("property: unit", "property: units", "unknown custom property 'units'"),
    "unknown type": ("physicalType: DOUBLE", "physicalType: FLOAT", "physicalType must be one of"),
    "types at odds": ("logicalType: number", "logicalType: integer", "DOUBLE is 'number', got 'integer'"),
    "nullability left out": (
        "        required: false\n    q",
        "    q",
        "column 'paid' must say whether it is required",
    ),
    "wrong kind of value": (
        "required: true",
        "required: [1]",
        "properties.0.required: Input should be a valid boolean",
    ),
    "unknown engine": ("engine: sparkSql", "engine: soda", "engine must be one of ['sparkSql', 'greatExpectations']"),
    "unknown kind of rule": ("type: custom", "type: library", "type must be 'custom', got 'library'"),
    "unknown severity": ("severity: warning", "severity: fatal", "severity must be one of ['error', 'warning']"),
    "empty condition": ("implementation: hours <= 10", "implementation: ''", "must be a Spark SQL condition"),
    "not an expectation": ("type: expect_table", "type: table", "implementation must be {type: expect_…"),
    "rule given twice": ("name: usual_hours", "name: paid_for_hours", "rule 'paid_for_hours' is given twice"),
    "column given twice": ("name: rating", "name: hours", "column 'hours' is given twice"),
    "name with a comma": ("name: usual_hours", "name: 'a,b'", "a rule's name has letters, digits and _ only"),
    "no key": (
        "        primaryKey: true\n        primaryKeyPosition: 1\n",
        "",
        "no column is marked as primaryKey",
    ),
    "key without a first column": ("primaryKeyPosition: 1", "primaryKeyPosition: 2", "must count 1 to 1"),
    "range of text": ("{minLength: 1}", "{minimum: 1}", "column 'worker': minimum needs a numeric column, got STRING"),
    "bound that is text": ("maximum: 24", "maximum: many", "column 'hours': maximum must be a number, got 'many'"),
    "length of a number": ("{minimum: 0, maximum: 24}", "{minLength: 2}", "column 'hours': minLength needs"),
    "unusable pattern": ("{minLength: 1}", '{pattern: "\\\\d"}', "column 'worker': pattern needs"),
    "row fault left out": (
        "property: onRowFault, value: quarantine",
        "property: uniqueKey, value: true",
        "onRowFault must",
    ),
    "unknown row fault": ("value: quarantine", "value: ignore", "onRowFault must be one of ['quarantine', 'stop']"),
    "grain left out": ("    dataGranularityDescription: one worker\n", "", "'dataGranularityDescription' is missing"),
    "hint left out": ("        description: Somebody works.\n", "", "'description' is missing or empty"),
    "other version of the standard": ("v3.1.0", "v2.2.2", "kind DataContract and apiVersion v3.x"),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_load_contract_with_a_mistake_raises_with_file_and_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write_sample(tmp_path, old, new)
    with pytest.raises(ContractError, match=rf"^{re.escape(str(path))}:\d+: .*{re.escape(message)}"):
        load_contract("sample", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("maximum: 24", "maximun: 24", line_of("maximum: 24")),
        ("severity: warning", "severity: fatal", line_of("severity: warning")),
        ("engine: greatExpectations", "engine: soda", line_of("engine: greatExpectations")),
        ("physicalType: DOUBLE", "physicalType: REAL", line_of("physicalType: DOUBLE")),
    ],
)
def test_load_contract_with_a_mistake_names_its_line(tmp_path: Path, old: str, new: str, line: int) -> None:
    path = write_sample(tmp_path, old, new)
    with pytest.raises(ContractError, match=rf"^{re.escape(str(path))}:{line}: "):
        load_contract("sample", tmp_path)


def test_load_contract_under_another_name_raises(tmp_path: Path) -> None:
    write_sample(tmp_path, name="workers")
    with pytest.raises(ContractError, match="contract, table and file must share one name"):
        load_contract("workers", tmp_path)


def test_load_contracts_of_empty_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no contracts \(\*\.yaml\) here"):
        load_contracts(tmp_path)
