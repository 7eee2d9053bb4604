"""Why an expression cannot be computed, in the same words on every engine."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from creatorpool.errors import ConfigurationError
from creatorpool.expressions import reason, require_computable, words

SCHEMA = "watch_ms bigint, length_ms bigint, liked boolean, name string"
COLUMNS = "Columns are ['watch_ms', 'length_ms', 'liked', 'name']"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("watch_mss / length_ms", f"there is no column 'watch_mss': did you mean 'watch_ms'? {COLUMNS}"),
        ("CASE WHEN name = 'x' OR likd THEN 1 END", f"there is no column 'likd': did you mean 'liked'? {COLUMNS}"),
        ("if(name = 'watched', lenght_ms, 1)", f"there is no column 'lenght_ms': did you mean 'length_ms'? {COLUMNS}"),
        ("coalesce(zzz, 1)", f"there is no column 'zzz'. {COLUMNS}"),
        ("no_such_function(watch_ms)", "there is no function 'no_such_function'"),
        ("watch_ms +", "it is no valid SQL: end of input is unexpected"),
    ],
)
def test_reasons_are_the_same_on_every_engine(spark: SparkSession, expression: str, why: str) -> None:
    rows = spark.createDataFrame([], SCHEMA)

    with pytest.raises(ConfigurationError) as caught:
        require_computable(rows, "own.key", expression, "double")

    assert str(caught.value) == f"own.key: cannot compute a number from {expression!r}: {why}"


def test_reason_that_is_no_missing_name_is_the_engines() -> None:
    said = (
        '[DATATYPE_MISMATCH.X] Cannot resolve "array(1)" due to data type mismatch: cannot cast. SQLSTATE: 42K09\nPlan'
    )

    assert reason(said, "array(1)", ["a"]) == 'Cannot resolve "array(1)" due to data type mismatch: cannot cast.'


def test_words_are_those_outside_of_texts() -> None:
    assert words("concat('made up', `a b`, x_1) || \"text\"") == {"concat", "a b", "x_1"}
