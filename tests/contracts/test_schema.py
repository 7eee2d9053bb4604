"""A contract as a Spark schema, and the message about a frame with another schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType

from creatorpool.contracts import Contract, load_contracts
from creatorpool.contracts.schema import require_schema, schema_differences, spark_schema, with_new_columns
from creatorpool.errors import InputError, TableGuardError

from .sample_contract import sample_contract


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return sample_contract(tmp_path)


def test_spark_schema_has_the_contracts_order_types_nullability_and_comments(contract: Contract) -> None:
    schema = spark_schema(contract)
    assert schema.simpleString() == "struct<worker:string,hours:bigint,rating:double,paid:bigint>"
    assert [field.nullable for field in schema] == [False, False, True, True]
    assert schema["hours"].metadata == {"comment": "Time worked"}


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.name)
def test_schema_differences_of_its_own_schema_are_none(contract: Contract) -> None:
    assert schema_differences(spark_schema(contract), contract, nullability=True) == []


def test_schema_differences_ignore_column_order_and_nullability_unless_asked(contract: Contract) -> None:
    fields = [StructField(field.name, field.dataType, True) for field in reversed(spark_schema(contract).fields)]
    assert schema_differences(StructType(fields), contract) == []
    assert schema_differences(StructType(fields), contract, nullability=True) == [
        "wrong nullability: worker nullable (contract not null), hours nullable (contract not null)"
    ]


def test_schema_differences_of_absent_columns_are_none(contract: Contract) -> None:
    without_pay = StructType([field for field in spark_schema(contract) if field.name != "paid"])
    assert schema_differences(without_pay, contract, absent=["paid"]) == []


def test_require_schema_names_all_differences_and_both_lists_in_one_message(contract: Contract) -> None:
    actual = StructType(
        [
            StructField("worker", LongType()),
            StructField("hours", LongType()),
            StructField("paid", ArrayType(StringType())),
            StructField("bonus", LongType()),
        ]
    )
    message = (
        "sample: columns differ from contract 2.1.0 (sample.yaml): missing columns: rating; "
        "columns not in the contract: bonus; "
        "wrong type: worker BIGINT (contract STRING), paid ARRAY<STRING> (contract BIGINT). "
        "Got: worker BIGINT, hours BIGINT, paid ARRAY<STRING>, bonus BIGINT. "
        "Contract: worker STRING, hours BIGINT, rating DOUBLE, paid BIGINT."
    )
    with pytest.raises(TableGuardError, match=f"^{re.escape(message)}$") as raised:
        require_schema(actual, contract)
    assert isinstance(raised.value, InputError)


def test_stored_rows_gain_the_contracts_new_nullable_columns_as_null(spark: SparkSession, contract: Contract) -> None:
    stored = spark.createDataFrame([("ada", 3)], "worker string, hours bigint")

    rows = with_new_columns(stored, contract)

    require_schema(rows.schema, contract)
    assert rows.collect()[0].asDict() == {"worker": "ada", "hours": 3, "rating": None, "paid": None}
