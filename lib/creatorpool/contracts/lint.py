"""Checks a folder of contracts without any data: `python -m creatorpool.contracts.lint [FOLDER]`."""

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
    """All problems of a folder's contracts (the project's where None), with file and line; empty where there are none.

    With a session every row rule is also analysed by its engine, on no data; without one, expressions go unread.
    """
    folder = Path(directory or contracts_directory())
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    if not paths:
        return [f"{folder}: no contracts (*.yaml) here"]
    return [problem for path in paths for problem in _problems(path, spark)]


def _problems(path: Path, spark: SparkSession | None) -> list[str]:
    if path.suffix != ".yaml":
        return [f"{path}: contracts are files called <table>.yaml"]
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
    """Print problems; exit code 0 where there are none, else that of a configuration error. No engine is started."""
    problems = lint_contracts(arguments[0] if arguments else None)
    print("\n".join(problems) or "every contract reads and builds; expressions are read when an engine runs them")
    return ConfigurationError.exit_code if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
