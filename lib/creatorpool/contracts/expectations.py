"""Four expectations that great-expectations lacks, each cheap on Spark.

`expect_rows_to_satisfy`, `expect_aggregate_to_satisfy` and `expect_key_hashes_to_differ` are single aggregates:
great-expectations computes any number of them, and the row count, in one Spark job. `expect_key_to_be_unique` is one
grouping, whereas the library's own expectation is a window over all rows. Each returns its count even in a boolean
result, and all but the one on hashes an example in longer ones.

Importing this module imports great-expectations, which takes seconds. So only `suite` and `data_docs` import it, late.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial, metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.row_rules import row_as_json

_aggregate = metric_partial(
    engine=SparkDFExecutionEngine,
    partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
    domain_type=MetricDomainTypes.TABLE,
)


def _frame(execution_engine: SparkDFExecutionEngine, domain: dict[str, Any]) -> DataFrame:
    frame: DataFrame = execution_engine.get_compute_domain(domain, domain_type=MetricDomainTypes.TABLE)[0]
    return frame


def _is_broken(condition: str) -> Column:
    return ~F.coalesce(F.expr(condition), F.lit(False))


class BrokenRows(TableMetricProvider):
    """Number of rows for which `condition` is false or NULL."""

    metric_name = "creatorpool.broken_rows"
    value_keys = ("condition",)

    @_aggregate
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        count = F.count(F.when(_is_broken(metric_value_kwargs["condition"]), True))
        return count, metric_domain_kwargs, {}


class BrokenRowExample(TableMetricProvider):
    """A broken row as JSON, with its `key` and the columns of `condition`: the first in text order, in every run."""

    metric_name = "creatorpool.broken_row_example"
    value_keys = ("condition", "key")

    @_aggregate
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        condition, key = metric_value_kwargs["condition"], metric_value_kwargs["key"]
        df = _frame(execution_engine, metric_domain_kwargs)
        words = set(re.findall(r"\w+", condition))
        shown = [name for name in df.columns if name in key or name in words]
        example = F.min(F.when(_is_broken(condition), row_as_json(df, shown)))
        return example, metric_domain_kwargs, {}


class BrokenAggregate(TableMetricProvider):
    """1 if `condition`, over aggregates of the table, is false or NULL, else 0."""

    metric_name = "creatorpool.broken_aggregate"
    value_keys = ("condition",)

    @_aggregate
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        return F.when(_is_broken(metric_value_kwargs["condition"]), 1).otherwise(0), metric_domain_kwargs, {}


class ObservedAggregate(TableMetricProvider):
    """The aggregate `observed` as text."""

    metric_name = "creatorpool.observed_aggregate"
    value_keys = ("observed",)

    @_aggregate
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        return F.expr(metric_value_kwargs["observed"]).cast("string"), metric_domain_kwargs, {}


class RepeatedHashes(TableMetricProvider):
    """Number of rows whose hash of `columns` is that of another row."""

    metric_name = "creatorpool.repeated_hashes"
    value_keys = ("columns",)

    @_aggregate
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        hashes = F.xxhash64(*metric_value_kwargs["columns"])
        return F.count(F.lit(1)) - F.count_distinct(hashes), metric_domain_kwargs, {}


class RepeatedKeys(TableMetricProvider):
    """Number of rows that repeat the key of another row, and the first such key as JSON."""

    metric_name = "creatorpool.repeated_keys"
    value_keys = ("columns",)

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):  # type: ignore[no-untyped-def]  # noqa: N805
        columns = metric_value_kwargs["columns"]
        df = _frame(execution_engine, metric_domain_kwargs).select(*columns)
        # Keys with different hashes differ, so this cheaper grouping is nearly always enough. Spark takes twice as long
        # to look for one group of several rows and stop.
        most = _grouped(df.select(F.xxhash64(*columns).alias("hash")), ["hash"]).agg(F.max("rows")).collect()[0][0]
        if most is None or most == 1:
            return {"count": 0, "example": None}
        repeated = _grouped(df, columns).where(F.col("rows") > 1)
        found = repeated.agg(F.sum(F.col("rows") - 1), F.min(row_as_json(df, columns))).collect()[0]
        return {"count": found[0] or 0, "example": found[1]}


def _grouped(df: DataFrame, columns: list[str]) -> DataFrame:
    """The groups of rows with equal `columns`, with their number of `rows`."""
    return df.groupBy(*columns).agg(F.count(F.lit(1)).alias("rows"))


class _ContractExpectation(BatchExpectation):
    """Expects a count of 0; returns the count even in a boolean result, and an example in longer ones."""

    success_keys: ClassVar[tuple[str, ...]] = ()
    example_metric: ClassVar[str | None] = None

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        if dependencies.result_format["result_format"] == "BOOLEAN_ONLY":
            # Keep the count, which is known already; otherwise it would be computed a second time.
            dependencies.result_format["result_format"] = "BASIC"
        elif self.example_metric:
            kwargs = get_metric_kwargs(self.example_metric, self.configuration, runtime_configuration)
            metric = MetricConfiguration(
                metric_name=self.example_metric,
                metric_domain_kwargs=kwargs["metric_domain_kwargs"],
                metric_value_kwargs=kwargs["metric_value_kwargs"],
            )
            dependencies.set_metric_configuration(self.example_metric, metric)
        return dependencies

    def _validate(self, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
        count, example = self._finding(metrics)
        result = {
            "element_count": metrics["table.row_count"],
            "unexpected_count": count,
            "partial_unexpected_list": [] if example is None else [example],
        }
        return {"success": count == 0, "result": result}

    @abstractmethod
    def _finding(self, metrics: dict[str, Any]) -> tuple[int, str | None]:
        """The number of rows that break the rule, and an example if there is one."""


class ExpectRowsToSatisfy(_ContractExpectation):
    """Expect `condition`, Spark SQL over one row, to be true for each row; `key` names the row in an example."""

    condition: str
    key: tuple[str, ...] = ()

    metric_dependencies = ("creatorpool.broken_rows", "table.row_count")
    example_metric = "creatorpool.broken_row_example"
    success_keys = ("condition", "key")

    def _finding(self, metrics: dict[str, Any]) -> tuple[int, str | None]:
        return int(metrics["creatorpool.broken_rows"]), metrics.get("creatorpool.broken_row_example")


class ExpectAggregateToSatisfy(_ContractExpectation):
    """Expect `condition`, Spark SQL over aggregates of the table, to be true; report aggregate `observed` if not."""

    condition: str
    observed: str

    metric_dependencies = ("creatorpool.broken_aggregate", "table.row_count")
    example_metric = "creatorpool.observed_aggregate"
    success_keys = ("condition", "observed")

    def _finding(self, metrics: dict[str, Any]) -> tuple[int, str | None]:
        return int(metrics["creatorpool.broken_aggregate"]), metrics.get("creatorpool.observed_aggregate")


class ExpectKeyToBeUnique(_ContractExpectation):
    """Expect no two rows to have the same values in `columns`; NULL equals NULL."""

    columns: list[str]

    metric_dependencies = ("creatorpool.repeated_keys", "table.row_count")
    success_keys = ("columns",)

    def _finding(self, metrics: dict[str, Any]) -> tuple[int, str | None]:
        found = metrics["creatorpool.repeated_keys"]
        return int(found["count"]), found["example"]


class ExpectKeyHashesToDiffer(_ContractExpectation):
    """Expect no two rows to have the same hash of the values in `columns`: then no two have the same values."""

    columns: list[str]

    metric_dependencies = ("creatorpool.repeated_hashes", "table.row_count")
    success_keys = ("columns",)

    def _finding(self, metrics: dict[str, Any]) -> tuple[int, str | None]:
        return int(metrics["creatorpool.repeated_hashes"]), None
