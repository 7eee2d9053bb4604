"""Checks the contracts of a folder without data: `python -m creatorpool.contracts.lint [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from creatorpool.contracts.model import Contract
from creatorpool.contracts.reader import load_contract
from creatorpool.contracts.row_rules import require_conditions
from creatorpool.contracts.schema import spark_schema
from creatorpool.contracts.suite import build_suite
from creatorpool.errors import ConfigurationError, ContractError
from creatorpool.project import contracts_directory


def lint_contracts(directory: Path | str | None = None, spark: SparkSession | None = None) -> list[str]:
    """All problems of the contracts in a folder (default: the project's), with file and line; empty if there are none.

    With a session, its engine also analyses every row rule, without data. Without one, SQL expressions are not checked.
    """
    folder = Path(directory or contracts_directory())
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    if not paths:
        return [f"{folder}: no contracts (*.yaml) here"]
    return [problem for path in paths for problem in _problems(path, spark)]


def _problems(path: Path, spark: SparkSession | None) -> list[str]:
    if path.suffix != ".yaml":
        return [f"{path}: a contract's file must be called <table>.yaml"]
    try:
        contract = load_contract(path.stem, path.parent)
        build_suite(contract)
        if spark is not None:
            _analyse(contract, spark)
    except ContractError as error:
        return [str(error)]
    return []


def _analyse(contract: Contract, spark: SparkSession) -> None:
    require_conditions(spark.createDataFrame([], spark_schema(contract)), contract.row_rules, contract)


def main(arguments: list[str]) -> int:
    """Print problems; return 0 if there are none, else the exit code of a configuration error. Starts no engine."""
    problems = lint_contracts(arguments[0] if arguments else None)
    print("\n".join(problems) or "all contracts are valid; their SQL expressions are checked when an engine runs them")
    return ConfigurationError.exit_code if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
