"""Judges rows by all rules at once. Names of rules and JSON are made only for the few rows that break one.

An ingestion reads the rows twice: once for those that break a rule, which are kept, and once to write the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.conformance import raw_row_of
from creatorpool.contracts.row_rules import (
    FAILED_RULES,
    RAW_ROW,
    breaks_none,
    is_refused,
    require_conditions,
    with_failed_rules,
)
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.optimization_barrier import behind_barrier
from creatorpool.ingest.rules import only_unreadable
from creatorpool.storage.materialize import computed_once, materialized_if_small
from creatorpool.storage.places import Place


@dataclass(frozen=True)
class JudgedRows:
    """Rows, and those of them that break a rule."""

    rows: DataFrame
    counted: DataFrame
    """As many rows of each day as `rows`, cheaper to count"""
    is_good: Column
    """Whether a row of `rows` breaks no rule of severity `error`"""
    broken: DataFrame
    """Rows that break a rule of any severity: the table's key, `date`, `raw_row` and `failed_rules`"""
    number: int | None
    """Number of `broken`; None if there are many"""

    key: tuple[str, ...]
    """Columns that no two rows share, unless both are refused or lack a value in one of them"""

    def good(self, contract: Contract) -> DataFrame:
        """The rows that break no rule of severity `error`."""
        if not self.is_told_by_key(contract):
            return self.rows.where(self.is_good)
        refused = self.broken.where(is_refused(contract)).select(*self.key)
        keyed = self.rows.where(reduce(and_, (F.col(name).isNotNull() for name in self.key)))
        return keyed.join(F.broadcast(refused), [*self.key], "left_anti")

    def is_told_by_key(self, contract: Contract) -> bool:
        """Whether keys tell the rows that are refused. They cost a fraction of the rules, and need no other table.

        They do if few rows are broken and the contract refuses all rows without a key.
        """
        errors = {rule.name for rule in contract.row_rules if rule.severity == "error"}
        columns = [contract.column(name) for name in self.key if name in contract.column_names]
        needed = {f"{column.name}_not_null" for column in columns}
        needed |= {f"{column.name}_min_length" for column in columns if column.type == "STRING"}
        return self.number is not None and {*self.key} <= {*self.broken.columns} and needed <= errors


def judged(
    rows: DataFrame,
    contract: Contract,
    rules: Sequence[RowRule],
    *,
    key: Sequence[str],
    delivery: Delivery,
    folder: Place,
    counted: DataFrame | None = None,
) -> JudgedRows:
    """Judge `rows` of `conformed` by the contract's row rules and by `rules`.

    Parameters
    ----------
    key : sequence of str
        The columns by which repetitions were dropped.
    delivery : Delivery
        Where the rows come from: its columns make `raw_row`, and lines of text may be unreadable.
    folder : Place
        The run's folder, in which the engine keeps the broken rows if there are many.
    counted : DataFrame, optional
        See `JudgedRows`; by default `rows`.

    Raises
    ------
    ContractError
        If the engine cannot resolve a rule's expression.
    """
    all_rules = (*contract.row_rules, *rules)
    require_conditions(rows, all_rules, contract)
    found = rows.where(~_breaks_none(rows, all_rules))
    few = materialized_if_small(found, rows.sparkSession)
    # Names and JSON are made in queries of their own: in one with the rules, Spark's code for a row is too long to be
    # compiled.
    place = folder / f"{contract.name}-broken"
    broken = with_failed_rules(computed_once(found, place) if few.number is None else few.rows, contract, rules)
    if delivery.is_text:
        broken = only_unreadable(broken, contract)
    names = dict.fromkeys([*contract.key, *(["date"] if "date" in contract.column_names else [])])
    shown = broken.select(*names, raw_row_of(broken, delivery.columns_of(contract)).alias(RAW_ROW), FAILED_RULES)
    if few.number is None:
        kept = computed_once(shown, folder / f"{contract.name}-refused")
    else:
        kept = materialized_if_small(shown, rows.sparkSession).rows if few.number else shown
    errors = [rule for rule in all_rules if rule.severity == "error"]
    is_good = _breaks_none(rows, errors)
    return JudgedRows(rows, rows if counted is None else counted, is_good, kept, few.number, tuple(key))


def _breaks_none(rows: DataFrame, rules: Sequence[RowRule]) -> Column:
    condition = breaks_none(rows, rules)
    # Sail 0.7 fails on a lambda (such as in `forall`) in a filter that it has moved into the scan of a file.
    return behind_barrier(condition) if any("->" in rule.expression for rule in rules) else condition
