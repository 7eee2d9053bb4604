"""Parses the part of the Open Data Contract Standard that creatorpool enforces, and refuses the rest.

The standard's own classes ignore unknown keys below the top level, and accept keys that creatorpool does not enforce
(``unique``, ``enum``, …). In both cases a contract would promise something that nobody checks, so both are errors.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pydantic
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    Description,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from creatorpool.contracts.source import ContractSource, Place

LOGICAL_TYPES = {
    "STRING": "string",
    "BIGINT": "integer",
    "INT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "ARRAY<STRING>": "array",
}
"""Physical types that a contract may use (Spark DDL), each with the standard's logical type for it."""

_TOP = {
    "apiVersion",
    "kind",
    "id",
    "name",
    "version",
    "status",
    "domain",
    "dataProduct",
    "tags",
    "description",
    "schema",
}
_DESCRIPTION = {"purpose", "usage", "limitations"}
_TABLE = {
    *("name", "businessName", "logicalType", "physicalType", "description", "dataGranularityDescription", "tags"),
    *("customProperties", "properties", "quality"),
}
_COLUMN = {
    *("name", "businessName", "logicalType", "physicalType", "description", "required", "examples", "tags"),
    *("primaryKey", "primaryKeyPosition", "partitioned", "partitionKeyPosition", "logicalTypeOptions"),
    *("classification", "customProperties"),
}
_OPTIONS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "pattern"}
_RULE = {
    *("name", "description", "severity", "type", "engine", "implementation"),
    *("dimension", "businessImpact", "tags"),
}


def parse_standard(source: ContractSource) -> tuple[OpenDataContractStandard, SchemaObject]:
    """Parse `source` with the standard's own library, after refusing every key that creatorpool does not enforce.

    Returns
    -------
    tuple
        The document and its one table.

    Raises
    ------
    ContractError
        If a key is unknown, a value has the wrong type, there is not exactly one table, or a required entry is missing;
        the message names file and line.
    """
    _refuse_unknown_keys(source)
    try:
        document = OpenDataContractStandard.model_validate(source.data)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = first["loc"]
        raise source.error(place, f"{_dotted(place)}: {first['msg']}, got {first['input']!r}") from error
    return document, _only_table(document, source)


def custom_properties(
    items: list[CustomProperty] | None, known: set[str], source: ContractSource, place: Place
) -> dict[str, Any]:
    """Values of `customProperties` by name; ContractError for a name not in `known` or given twice."""
    values: dict[str, Any] = {}
    for position, item in enumerate(items or []):
        here = (*place, "customProperties", position)
        if item.property is None or item.property not in known:
            raise source.error(here, f"unknown custom property {item.property!r}; known: {sorted(known)}")
        if item.property in values:
            raise source.error(here, f"custom property '{item.property}' is given twice")
        values[item.property] = item.value
    return values


def _only_table(document: OpenDataContractStandard, source: ContractSource) -> SchemaObject:
    if document.kind != "DataContract" or not str(document.apiVersion).startswith("v3."):
        raise source.error(("apiVersion",), "a contract has kind DataContract and apiVersion v3.x")
    tables = document.schema_ or []
    if len(tables) != 1:
        raise source.error(("schema",), f"a contract describes one table, got {len(tables)}")
    names = {"contract": document.name, "table": tables[0].name, "file": source.path.stem}
    if len(set(names.values())) > 1:
        raise source.error(("name",), f"contract, table and file must share one name, got {names}")
    return tables[0]


def _refuse_unknown_keys(source: ContractSource) -> None:
    data = source.data
    _refuse(data, _TOP, OpenDataContractStandard, source, ())
    _refuse(data.get("description"), _DESCRIPTION, Description, source, ("description",))
    for t, table in _items(data.get("schema")):
        at_table: Place = ("schema", t)
        _refuse(table, _TABLE, SchemaObject, source, at_table)
        _refuse_custom(table, source, at_table)
        for c, column in _items(table.get("properties")):
            at_column = (*at_table, "properties", c)
            _refuse(column, _COLUMN, SchemaProperty, source, at_column)
            _refuse_custom(column, source, at_column)
            _refuse(column.get("logicalTypeOptions"), _OPTIONS, None, source, (*at_column, "logicalTypeOptions"))
        for r, rule in _items(table.get("quality")):
            _refuse(rule, _RULE, DataQuality, source, (*at_table, "quality", r))


def _refuse_custom(owner: dict[str, Any], source: ContractSource, place: Place) -> None:
    for position, item in _items(owner.get("customProperties")):
        at_item = (*place, "customProperties", position)
        _refuse(item, {"property", "value", "description"}, CustomProperty, source, at_item)


def _refuse(
    mapping: Any, acted_on: set[str], model: type[pydantic.BaseModel] | None, source: ContractSource, place: Place
) -> None:
    if not isinstance(mapping, dict):
        return  # the standard's library refuses another type of value
    for key in mapping:
        if key in acted_on:
            continue
        of_standard = model is not None and key in {field.alias or name for name, field in model.model_fields.items()}
        what = "is in the standard, but creatorpool does not enforce it" if of_standard else "is unknown"
        raise source.error((*place, key), f"key '{key}' {what}; known: {sorted(acted_on)}")


def _items(value: Any) -> list[tuple[int, dict[str, Any]]]:
    return [(i, item) for i, item in enumerate(value) if isinstance(item, dict)] if isinstance(value, list) else []


def _dotted(place: tuple[Hashable, ...]) -> str:
    return ".".join(str(part) for part in place)
