"""Evaluates all row rules in one pass, and makes the rows of the quarantine. Pure transforms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType

from creatorpool.contracts.model import Contract, RowRule
from creatorpool.errors import ContractError
from creatorpool.expressions import reason

FAILED_RULES = "failed_rules"
RAW_ROW = "raw_row"


def with_failed_rules(df: DataFrame, contract: Contract, extra_rules: Sequence[RowRule] = ()) -> DataFrame:
    """Add `failed_rules`, the names of all rules that the row breaks, in the contract's order, then `extra_rules`.

    One row in, one row out, in one pass. If the frame already has `failed_rules` (from `conform`), its names come
    first. A rule whose condition is NULL is broken. `extra_rules` are rules of the caller, such as a bound that depends
    on the day. `require_conditions` finds rules that the engine cannot run.
    """
    kept = [F.col(FAILED_RULES)] if FAILED_RULES in df.columns else []
    return df.withColumn(FAILED_RULES, F.concat(*kept, broken_names((*contract.row_rules, *extra_rules))))


def breaks_none(df: DataFrame, rules: Sequence[RowRule]) -> Column:
    """Whether a row of `df` breaks none of `rules`, and has no name in `failed_rules` if `df` has this column.

    It costs a fraction of the names.
    """
    conditions = [F.expr(rule.expression) for rule in rules]
    if FAILED_RULES in df.columns:
        conditions.append(F.size(FAILED_RULES) == 0)
    return F.coalesce(reduce(and_, conditions), F.lit(False))


def broken_names(rules: Sequence[RowRule]) -> Column:
    """Array of the names of the rules that a row breaks; empty if it breaks none."""
    return names_where({rule.name: ~_holds(rule) for rule in rules})


def names_where(conditions: Mapping[str, Column]) -> Column:
    """Array of the names whose condition is true; empty if none is."""
    # Joining and splitting text takes a third of the time of an array of twenty entries, nearly all NULL, on Spark,
    # which does not compile the function that drops them.
    joined = F.concat_ws(",", *(F.when(condition, F.lit(name)) for name, condition in conditions.items()))
    return F.when(joined != "", F.split(joined, ",")).otherwise(F.array().cast("array<string>"))


def quarantined_rows(
    flagged: DataFrame,
    contract: Contract,
    *,
    day: dt.date,
    ingested_at: dt.datetime,
    extra_rules: Sequence[RowRule] = (),
) -> DataFrame:
    """Rows of `with_failed_rules` that break a rule of severity `error`: contract `<table>_quarantine`.

    Parameters
    ----------
    day : date
        Day of the run, which is the partition of the rows.
    ingested_at : datetime
        Time of the run, with a time zone.
    """
    # A frame from `conform` has the delivered row; otherwise its columns are the row.
    raw_row = F.col(RAW_ROW) if RAW_ROW in flagged.columns else row_as_json(flagged, contract.column_names)
    return flagged.where(is_refused(contract, extra_rules)).select(
        F.lit(day).alias("date"),
        _row_key(contract),
        raw_row.alias(RAW_ROW),
        F.col(FAILED_RULES),
        F.lit(contract.version).alias("contract_version"),
        F.lit(ingested_at).alias("ingested_at"),
    )


def row_as_json(df: DataFrame, names: Sequence[str], sources: Mapping[str, str] | None = None) -> Column:
    """Columns `names` of a row as one JSON object, without NULL values; times as ``2026-11-20 10:00:00``.

    `sources` names other columns that hold the values of some of `names`.
    """
    times = {field.name for field in df.schema.fields if field.dataType.typeName().startswith("timestamp")}
    # In JSON the engines write fractions of seconds with different numbers of digits; a cast gives the same text.
    values = {name: F.col("`" + (sources or {}).get(name, name).replace("`", "``") + "`") for name in names}
    return F.to_json(F.struct(*((v.cast("string") if n in times else v).alias(n) for n, v in values.items())))


def _holds(rule: RowRule) -> Column:
    return F.coalesce(F.expr(rule.expression), F.lit(False))


def is_refused(contract: Contract, extra_rules: Sequence[RowRule] = ()) -> Column:
    """Whether a row of `with_failed_rules` breaks a rule of severity `error`."""
    warnings = [rule.name for rule in (*contract.row_rules, *extra_rules) if rule.severity == "warning"]
    if not warnings:
        return F.size(FAILED_RULES) > 0
    return F.exists(FAILED_RULES, lambda name: ~name.isin(warnings))


def _row_key(contract: Contract) -> Column:
    if contract.name == "events":
        return F.col("event_id")
    parts = F.concat_ws("|", *(F.col(name).cast("string") for name in contract.key))
    return F.nullif(parts, F.lit("")).alias("row_key")


def require_conditions(df: DataFrame, rules: Sequence[RowRule], contract: Contract) -> None:
    """Check, in one analysis by the engine, that every rule is a condition on the columns of `df`; no query is run.

    Raises
    ------
    ContractError
        If a rule is not; the message names the contract's file and line, the rule and the engine's reason.
    """
    try:
        _analyse(df, rules, contract)
    except PySparkException as error:
        for rule in rules:
            _analyse_one(df, rule, contract)
        raise error


def _analyse_one(df: DataFrame, rule: RowRule, contract: Contract) -> None:
    try:
        _analyse(df, [rule], contract)
    except PySparkException as error:
        columns = [name for name in df.columns if name not in (FAILED_RULES, RAW_ROW)]
        raise _unusable(rule, contract, reason(str(error), rule.expression, columns)) from error


def _analyse(df: DataFrame, rules: Sequence[RowRule], contract: Contract) -> None:
    fields = df.select(*(F.expr(rule.expression).alias(rule.name) for rule in rules)).schema.fields
    for rule, field in zip(rules, fields, strict=True):
        # Sail would accept a number as a condition.
        if not isinstance(field.dataType, BooleanType):
            raise _unusable(rule, contract, f"it is {field.dataType.simpleString().upper()}, not a condition")


def _unusable(rule: RowRule, contract: Contract, why: str) -> ContractError:
    return ContractError(f"{contract.path}:{rule.line}: rule '{rule.name}' ({rule.expression}): {why}")
