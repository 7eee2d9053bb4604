"""Judges rows by all rules at once. Names of rules and JSON are made only for the few rows that break one.

An ingestion reads the rows twice: once for those that break a rule, which are kept, and once to write the good ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.conformance import raw_row_of
from creatorpool.contracts.row_rules import FAILED_RULES, RAW_ROW, breaks_none, require_conditions, with_failed_rules
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


def judged(
    rows: DataFrame,
    contract: Contract,
    rules: Sequence[RowRule],
    *,
    delivery: Delivery,
    folder: Place,
    counted: DataFrame | None = None,
) -> JudgedRows:
    """Judge `rows` of `conformed` by the contract's row rules and by `rules`.

    Parameters
    ----------
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
    broken = with_failed_rules(rows.where(~_breaks_none(rows, all_rules)), contract, rules)
    if delivery.is_text:
        broken = only_unreadable(broken, contract)
    names = dict.fromkeys([*contract.key, *(["date"] if "date" in contract.column_names else [])])
    shown = broken.select(*names, raw_row_of(broken, delivery.columns_of(contract)).alias(RAW_ROW), FAILED_RULES)
    few = materialized_if_small(shown, rows.sparkSession)
    kept = computed_once(shown, folder / f"{contract.name}-broken") if few.number is None else few.rows
    errors = [rule for rule in all_rules if rule.severity == "error"]
    return JudgedRows(rows, rows if counted is None else counted, _breaks_none(rows, errors), kept, few.number)


def _breaks_none(rows: DataFrame, rules: Sequence[RowRule]) -> Column:
    condition = breaks_none(rows, rules)
    # Sail 0.7 fails on a lambda (such as in `forall`) in a filter that it has moved into the scan of a file.
    return behind_barrier(condition) if any("->" in rule.expression for rule in rules) else condition
