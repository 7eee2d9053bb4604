"""Checks SQL expressions before they are used, and says in words why an engine cannot compute one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.errors import ConfigurationError
from creatorpool.quoting import quoted, shortened_list
from creatorpool.spelling import did_you_mean

_KINDS = {"double": "number"}
_WORD = re.compile(r"`([^`]+)`|([^\W\d]\w*)")
_TEXT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_KEYWORDS = {
    *("and", "or", "not", "case", "when", "then", "else", "end", "is", "null", "in", "between", "like", "rlike", "as"),
    *("true", "false", "cast", "date", "timestamp", "interval"),
}
_UNRESOLVED = re.compile("cannot (be )?resolve|unresolved|unknown function|no field named", re.IGNORECASE)
_OTHER_TYPES = "data type mismatch"
_SYNTAX = re.compile("(?:invalid argument: found|syntax error at or near) (end of input|'[^']*'|\\S+)", re.IGNORECASE)
_SUGGESTED = re.compile("did you mean|valid fields", re.IGNORECASE)
_MARKS = re.compile(r"^\[[A-Z_.]+\] |\s*SQLSTATE: \w+")
_NAMES_SHOWN = 600
"""Most characters of the columns that a message lists"""


def words(expression: str) -> set[str]:
    """The words of an SQL expression outside of its texts; each may be the name of a column."""
    return set(_in_order(expression))


def require_computable(rows: DataFrame, key: str, expression: str, kind: str) -> None:
    """Check that the engine can compute `expression` from the columns of `rows` as the SQL type `kind`.

    Raises
    ------
    ConfigurationError
        If it cannot; the message begins with `key`, which names the place, and has the expression and the reason.
    """
    try:
        rows.select(F.expr(expression).cast(kind)).schema  # noqa: B018 - makes the engine analyse it
    except PySparkException as error:
        raise ConfigurationError(
            f"{key}: cannot compute a {_KINDS.get(kind, kind)} from {expression!r}: "
            f"{reason(str(error), expression, rows.columns)}"
        ) from error


def reason(message: str, expression: str, columns: Collection[str]) -> str:
    """Why an engine cannot compute `expression` from `columns`, after its `message`.

    For SQL that cannot be parsed and for a name that does not exist, this is the same for all engines, with what the
    name may stand for and which columns there are; else it is what the engine says.
    """
    said = message.strip().splitlines()[0]
    if found := _SYNTAX.search(said):
        return f"it is no valid SQL: {quoted(found[1])} is unexpected"
    name = _unknown(said, expression, columns)
    if name is None:
        return quoted(_MARKS.sub("", said))
    if re.search(rf"(?<!\w){re.escape(name)}\s*\(", _TEXT.sub(" ", expression)):
        return f"there is no function '{quoted(name)}'"
    guess = did_you_mean(name, columns) or "."
    return f"there is no column '{quoted(name)}'{guess} Columns are {shortened_list(columns, _NAMES_SHOWN)}"


def _in_order(expression: str) -> Iterator[str]:
    return (name or plain for name, plain in _WORD.findall(_TEXT.sub(" ", expression)))


def _unknown(said: str, expression: str, columns: Collection[str]) -> str | None:
    """The first word of `expression` that is no column and that the engine names as what it does not know."""
    if not _UNRESOLVED.search(said) or _OTHER_TYPES in said:
        return None
    named = {word.lower() for word in _in_order(_SUGGESTED.split(said)[0].replace('"', " ").replace("'", " "))}
    known = _KEYWORDS | {column.lower() for column in columns}
    return next((word for word in _in_order(expression) if word.lower() in named - known), None)
