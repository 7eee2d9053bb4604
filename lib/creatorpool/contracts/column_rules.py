"""Row rules that follow from a column's definition: nullability, finite numbers, range, length, pattern, printable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from creatorpool.contracts.model import Column, RowRule

_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
_WORDS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
_NUMERIC = {"BIGINT", "INT", "DOUBLE"}
# All characters but controls, the line breaks U+2028 and U+2029, U+FFFE and U+FFFF: XML, and so SVG, cannot contain
# most of these. Lone surrogates cannot occur in a table, because UTF-8 cannot encode them. Raw strings and \x{…} mean
# the same in the SQL parsers and the regular expressions of both engines. A search for the other characters would be
# slower on Java, which tries one range after the other, so ASCII comes first.
_PRINTABLE = r"r'^[ -~\x{A0}-\x{2027}\x{202A}-\x{FFFD}\x{10000}-\x{10FFFF}]*\z'"


def rules_of_column(
    column: Column, options: Mapping[str, Any], line: int, *, is_delivered: bool = False
) -> tuple[RowRule, ...]:
    """Rules of severity `error` for one column; `options` are the standard's logicalTypeOptions.

    A NULL breaks only `<column>_not_null`, or no rule if the column is nullable. In a delivered table (`is_delivered`),
    names, which are ids and required text, must be printable; other text, such as `surface`, may be any text. Tables
    that are computed have no such rule, because days that were published before the rule existed keep their names.

    Raises
    ------
    ValueError
        If an option does not fit the column's type, or its value has the wrong type.
    """
    return tuple(
        RowRule(name=f"{column.name}_{suffix}", expression=expression, severity="error", hint=hint, line=line)
        for suffix, expression, hint in (*_conditions(column, options), *(_printable(column) if is_delivered else ()))
    )


def _conditions(column: Column, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    name = f"`{column.name}`"
    if not column.nullable:
        yield "not_null", f"{name} IS NOT NULL", f"{column.name} is required: {column.description}."
    if column.type == "DOUBLE":
        # Both engines sort NaN above infinity, so one comparison refuses both.
        finite = f"{name} IS NULL OR abs({name}) < double('infinity')"
        yield "finite", finite, f"{column.name} is a finite number; NULL means that there is none."
    bounds = {option: options[option] for option in _BOUNDS if option in options}
    if bounds:
        yield "in_range", _null_passes(name, _range(name, column, bounds)), _range_hint(column, bounds)
    if "minLength" in options:
        length = _int_option(column, "minLength", options["minLength"], "STRING")
        hint = f"{column.name} has at least {length} characters, without blanks around it."
        yield "min_length", _null_passes(name, f"char_length(trim({name})) >= {length}"), hint
    if "pattern" in options:
        pattern = _pattern(column, options["pattern"])
        yield "pattern", _null_passes(name, f"{name} RLIKE '{pattern}'"), f"{column.name} matches {pattern}."


def _printable(column: Column) -> Iterator[tuple[str, str, str]]:
    texts = {"STRING": f"`{column.name}`", "ARRAY<STRING>": f"array_join(`{column.name}`, ' ')"}
    is_name = not column.nullable or column.name.endswith("_id")
    if is_name and column.type in texts:
        condition = f"{texts[column.type]} RLIKE {_PRINTABLE}"
        hint = f"{column.name} has no control characters, line breaks or noncharacters."
        yield "printable", _null_passes(f"`{column.name}`", condition), hint


def _null_passes(name: str, condition: str) -> str:
    return f"{name} IS NULL OR {condition}"


def _range(name: str, column: Column, bounds: Mapping[str, Any]) -> str:
    if column.type not in _NUMERIC:
        raise ValueError(f"{'/'.join(bounds)} needs a numeric column, got {column.type}")
    for option, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ValueError(f"{option} must be a number, got {bound!r}")
    return "(" + " AND ".join(f"{name} {_BOUNDS[option]} {_literal(bound)}" for option, bound in bounds.items()) + ")"


def _literal(bound: float) -> str:
    return f"{bound}" if isinstance(bound, int) else f"{bound!r}D"


def _range_hint(column: Column, bounds: Mapping[str, Any]) -> str:
    unit = f" {column.unit}" if column.unit else ""
    return (
        f"{column.name} is " + " and ".join(f"{_WORDS[_BOUNDS[o]]} {bound}" for o, bound in bounds.items()) + f"{unit}."
    )


def _int_option(column: Column, option: str, value: Any, needed: str) -> int:
    if column.type != needed or isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{option} needs a {needed} column and a whole number from 1, got {column.type}, {value!r}")
    return value


def _pattern(column: Column, value: Any) -> str:
    # The engines' SQL parsers read backslashes and quotes in different ways; no pattern here needs them.
    if column.type != "STRING" or not isinstance(value, str) or not value or {"\\", "'"} & set(value):
        raise ValueError(f"pattern needs a STRING column and a regular expression without \\ and ', got {value!r}")
    return value
