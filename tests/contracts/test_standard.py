"""The contracts against the standard's definition."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from tests.checkout import project_root

from creatorpool.contracts.source import read_source
from creatorpool.contracts.standard import parse_standard
from creatorpool.errors import ContractError

from .sample_contract import write_sample

STANDARD = json.loads(OpenDataContractStandard.json_schema())
FILES = sorted((project_root() / "data_contracts").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_contract_is_valid_by_the_standards_json_schema(path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(STANDARD)(STANDARD)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)] == []


def test_parse_standard_refuses_mistakes_that_the_standards_classes_accept(tmp_path: Path) -> None:
    source = read_source(write_sample(tmp_path, "required: false", "requierd: false"))
    OpenDataContractStandard.model_validate(source.data)
    with pytest.raises(ContractError, match="key 'requierd' is unknown; known: "):
        parse_standard(source)


def test_parse_standard_of_two_tables_raises(tmp_path: Path) -> None:
    source = read_source(write_sample(tmp_path))
    source.data["schema"].append(source.data["schema"][0])
    with pytest.raises(ContractError, match="a contract describes one table, got 2"):
        parse_standard(source)
