"""Lines of JSON or CSV as columns of text: pure transforms of a frame with the one column `value`.

Every result has the wanted columns as text and the line itself in `raw_row`; a line that cannot be read has NULL in
all of them. Nothing is converted here but numbers written as ``3.0`` or ``8.64E7`` where whole ones are wanted: writers
that know only floating-point numbers write them so.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.ingest.fence import fenced

_MAP = "map<string,string>"
# Standard JSON only, on each engine; a bare NaN, which is not, gets quotes below so that a rule can name its column.
_STRICT = {"allowNonNumericNumbers": "false", "allowSingleQuotes": "false"}
_BARE_NUMBER_WORD = r":\s*(NaN|-?Infinity)\s*([,}])"
_NUMBER = r"^[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]{1,2})?$"


def json_columns(lines: DataFrame, contract: Contract, names: Sequence[str]) -> DataFrame:
    """JSON lines to text columns `names`; a nested value is its JSON text."""
    parsed = _without_blank_lines(lines).withColumn("fields", fenced(parsed_json(F.col(RAW_ROW))))
    return parsed.select(*(_delivered(F.col("fields")[name], name, contract) for name in names), RAW_ROW)


def json_keys(lines: DataFrame) -> DataFrame:
    """All keys of JSON lines, once each, in the column `key`."""
    keys = _without_blank_lines(lines).select(F.explode(F.map_keys(parsed_json(F.col(RAW_ROW)))).alias("key"))
    return keys.distinct()


def parsed_json(line: Column) -> Column:
    """A JSON object as a map of texts; NULL for anything else."""
    strict = F.from_json(line, _MAP, _STRICT)
    quoted = F.regexp_replace(line, _BARE_NUMBER_WORD, ':"$1"$2')
    # Twice, for words that follow each other share a comma.
    repaired = F.from_json(F.regexp_replace(quoted, _BARE_NUMBER_WORD, ':"$1"$2'), _MAP, _STRICT)
    return F.when(line.rlike(r"^\s*[{].*[}]\s*$"), F.coalesce(strict, repaired))


def csv_columns(lines: DataFrame, contract: Contract, header: str, names: Sequence[str]) -> DataFrame:
    """CSV lines under `header` to text columns `names`, which stand in its order; an empty unquoted field is NULL."""
    split = separated_columns(lines, header, names)
    return split.select(*(_delivered(F.col(name), name, contract) for name in names), RAW_ROW)


def separated_columns(lines: DataFrame, header: str, names: Sequence[str], separator: str = ",") -> DataFrame:
    """Lines under `header` to text columns `names` and `raw_row`; NULL where a line has another number of fields."""
    rows = _without_blank_lines(lines).where(F.col(RAW_ROW) != header)
    split = rows.withColumn("fields", fenced(_fields(F.col(RAW_ROW), separator)))
    readable = split.withColumn("fields", F.when(F.size("fields") == len(names), F.col("fields")))
    values = (fenced(_unquoted(F.col("fields")[i])).alias(name) for i, name in enumerate(names))
    return readable.select(*values, RAW_ROW)


def column_names(header: str, separator: str = ",") -> list[str]:
    """Names in a header line."""
    return [name.strip().strip('"') for name in header.split(separator)]


def _without_blank_lines(lines: DataFrame) -> DataFrame:
    line = F.regexp_replace("value", "^\ufeff|\r$", "")
    return lines.select(line.alias(RAW_ROW)).where(F.trim(RAW_ROW) != "")


def _fields(line: Column, separator: str) -> Column:
    """The fields of a line, quotes and all; none where quotes do not match."""
    prefixed = F.concat(F.lit(separator), line)
    # A field with the separator before it, so that no match is empty; quotes inside quotes are doubled.
    pattern = f'{separator}(?:"[^"]*(?:""[^"]*)*"|[^{separator}"]*)'
    found = F.regexp_extract_all(prefixed, F.lit(pattern), F.lit(0))
    kept = F.when(F.concat_ws("", found) == prefixed, found)
    return F.when(~line.contains('"'), F.split(line, separator)).otherwise(
        F.transform(kept, lambda field: F.substring(field, 2, 1 << 30))
    )


def _unquoted(text: Column) -> Column:
    quoted = F.regexp_replace(F.regexp_replace(text, '^"|"$', ""), '""', '"')
    return F.when(text.startswith('"'), quoted).when(text != "", text)


def _delivered(value: Column, name: str, contract: Contract) -> Column:
    is_whole = contract.column(name).type in {"BIGINT", "INT"}
    return fenced(_whole_number(value) if is_whole else value).alias(name)


def _whole_number(text: Column) -> Column:
    """`text` itself, or the digits of the whole number that it writes with a fraction or an exponent."""
    trimmed = F.trim(text)
    number = F.when(trimmed.rlike(_NUMBER), trimmed.try_cast("double"))
    whole = number.try_cast("decimal(38,0)")
    is_plain = trimmed.rlike("^[+-]?[0-9]+$")
    return F.when(~is_plain & (whole.cast("double") == number), whole.cast("string")).otherwise(text)
