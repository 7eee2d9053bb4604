"""Reads data_contracts/<table>.yaml into a `Contract`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import (
    DataQuality,
    Description,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from creatorpool.contracts.column_rules import rules_of_column
from creatorpool.contracts.model import Column, Contract, RowRule, TableRule
from creatorpool.contracts.source import ContractSource, Place, read_source
from creatorpool.contracts.standard import LOGICAL_TYPES, custom_properties, parse_standard
from creatorpool.errors import ContractError
from creatorpool.project import contracts_directory

_TABLE: Place = ("schema", 0)


def load_contract(name: str, directory: Path | str | None = None) -> Contract:
    """The contract of table `name`, from `directory` (default: the project's).

    Raises
    ------
    ContractError
        If there is no such file, a key, type or kind of rule is unknown, a key or name is given twice, or the table has
        no primary key; the message names file and line.
    """
    path = Path(directory or contracts_directory()) / f"{name}.yaml"
    if not path.is_file():
        return _read_contract(name, path, 0)  # raises the error about the missing file
    return _read_contract(name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read_contract(name: str, path: Path, changed_at: int) -> Contract:
    """The contract in file `path`; `changed_at`, its modification time in ns, is part of the cache's key."""
    source = read_source(path)
    document, table = parse_standard(source)
    properties = custom_properties(table.customProperties, {"onRowFault", "publishedBy", "uniqueKey"}, source, _TABLE)
    on_row_fault = _choice(properties.get("onRowFault"), "onRowFault", ("quarantine", "stop"), source, _TABLE)
    columns = tuple(_column(item, i, source) for i, item in enumerate(table.properties or []))
    _refuse_twice([column.name for column in columns], source, "column", "properties")

    # Revenue is delivered, too, but stops the run: only its quarantine distinguishes it from a computed table.
    is_delivered = on_row_fault == "quarantine" or source.path.with_name(f"{name}_quarantine.yaml").is_file()
    row_rules = (*_rules_of_columns(table, columns, source, is_delivered), *_row_rules(table, source))
    key = _positioned(table, "primaryKey", "primaryKeyPosition", source)
    if not key:
        raise source.error((*_TABLE, "properties"), "no column is marked as primaryKey")
    table_rules = (*_table_rules(table, source), *_key_rules(key, properties, source))
    names = [rule.name for rule in row_rules] + [rule.name for rule in table_rules]
    _refuse_twice(names, source, "rule", "quality")
    return Contract(
        name=name,
        version=_required(document.version, "version", source, ("version",)),
        description=_purpose(document, source),
        grain=_required(table.dataGranularityDescription, "dataGranularityDescription", source, _TABLE),
        columns=columns,
        key=key,
        partition_by=_positioned(table, "partitioned", "partitionKeyPosition", source),
        row_rules=row_rules,
        table_rules=table_rules,
        on_row_fault=on_row_fault,
        path=source.path,
        published_by=properties.get("publishedBy"),
    )


@cache
def stage_tables(stage: str | None = None) -> tuple[str, ...]:
    """Names of the tables whose contracts say that `stage` (default: any stage) publishes their days."""
    contracts = load_contracts().values()
    own = (c.name for c in contracts if c.published_by is not None and stage in (None, c.published_by))
    return tuple(own)


def load_contracts(directory: Path | str | None = None) -> dict[str, Contract]:
    """All contracts of a directory (default: the project's) by table name, sorted; ContractError if there are none."""
    folder = Path(directory or contracts_directory())
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if not names:
        raise ContractError(f"{folder}: no contracts (*.yaml) here")
    return {name: load_contract(name, folder) for name in names}


def _column(item: SchemaProperty, position: int, source: ContractSource) -> Column:
    place = (*_TABLE, "properties", position)
    kind = _choice(item.physicalType, "physicalType", tuple(LOGICAL_TYPES), source, place)
    if item.logicalType != LOGICAL_TYPES[kind]:
        raise source.error((*place, "logicalType"), f"{kind} is '{LOGICAL_TYPES[kind]}', got '{item.logicalType}'")
    if item.required is None:
        raise source.error(place, f"column '{item.name}' must say whether it is required")
    unit = custom_properties(item.customProperties, {"unit"}, source, place).get("unit")
    return Column(
        name=_required(item.name, "name", source, place),
        type=kind,
        nullable=not item.required,
        description=_required(item.description, "description", source, place),
        unit=None if unit is None else str(unit),
    )


def _rules_of_columns(
    table: SchemaObject, columns: tuple[Column, ...], source: ContractSource, is_delivered: bool
) -> Iterator[RowRule]:
    for position, (item, column) in enumerate(zip(table.properties or [], columns, strict=True)):
        place = (*_TABLE, "properties", position)
        try:
            options, line = item.logicalTypeOptions or {}, source.line(place)
            yield from rules_of_column(column, options, line, is_delivered=is_delivered)
        except ValueError as error:
            raise source.error((*place, "logicalTypeOptions"), f"column '{column.name}': {error}") from error


def _row_rules(table: SchemaObject, source: ContractSource) -> Iterator[RowRule]:
    for item, common, place in _rules(table, source, engine="sparkSql"):
        if not isinstance(item.implementation, str) or not item.implementation.strip():
            raise source.error(place, f"rule '{item.name}': implementation must be a Spark SQL condition")
        yield RowRule(expression=item.implementation, **common)


def _table_rules(table: SchemaObject, source: ContractSource) -> Iterator[TableRule]:
    for item, common, place in _rules(table, source, engine="greatExpectations"):
        made = item.implementation
        if (
            not isinstance(made, dict)
            or set(made) - {"type", "kwargs"}
            or not str(made.get("type")).startswith("expect_")
        ):
            raise source.error(place, f"rule '{item.name}': implementation must be {{type: expect_…, kwargs: {{…}}}}")
        yield TableRule(expectation=made["type"], arguments=made.get("kwargs") or {}, **common)


def _key_rules(key: tuple[str, ...], properties: dict[str, Any], source: ContractSource) -> Iterator[TableRule]:
    is_unique = properties.get("uniqueKey", True)
    if not isinstance(is_unique, bool):
        raise source.error((*_TABLE, "customProperties"), f"uniqueKey must be true or false, got {is_unique!r}")
    if is_unique:
        yield TableRule(
            name="key_unique",
            expectation="expect_key_to_be_unique",
            arguments={"columns": list(key)},
            severity="error",
            hint="Two rows share the key " + ", ".join(key) + ".",
            line=source.line((*_TABLE, "properties")),
        )


def _rules(
    table: SchemaObject, source: ContractSource, engine: str
) -> Iterator[tuple[DataQuality, dict[str, Any], Place]]:
    """Rules that `engine` runs, each with the fields that all rules have and with its place in the file."""
    for position, item in enumerate(table.quality or []):
        place = (*_TABLE, "quality", position)
        if item.type != "custom":
            raise source.error((*place, "type"), f"rule '{item.name}': type must be 'custom', got {item.type!r}")
        if _choice(item.engine, "engine", ("sparkSql", "greatExpectations"), source, place) == engine:
            common = {
                "name": _rule_name(item, source, place),
                "severity": _choice(item.severity, "severity", ("error", "warning"), source, place),
                "hint": _required(item.description, "description", source, place),
                "line": source.line(place),
            }
            yield item, common, place


def _rule_name(item: DataQuality, source: ContractSource, place: Place) -> str:
    name = _required(item.name, "name", source, place)
    if not re.fullmatch(r"\w+", name):
        # Names of broken rules are joined by commas.
        raise source.error((*place, "name"), f"a rule's name has letters, digits and _ only, got '{name}'")
    return name


def _positioned(table: SchemaObject, flag: str, position: str, source: ContractSource) -> tuple[str, ...]:
    """Names of the columns with `flag`, in the order of `position`, which must be 1, 2, …"""
    marked = [(getattr(item, position), str(item.name)) for item in table.properties or [] if getattr(item, flag)]
    positions = sorted((p or 0, name) for p, name in marked)
    if [p for p, _ in positions] != list(range(1, len(marked) + 1)):
        raise source.error((*_TABLE, "properties"), f"{position} must count 1 to {len(marked)}, got {positions}")
    return tuple(name for _, name in positions)


def _purpose(document: OpenDataContractStandard, source: ContractSource) -> str:
    about = document.description
    return _required(about.purpose if isinstance(about, Description) else None, "purpose", source, ("description",))


def _required(value: str | None, key: str, source: ContractSource, place: Place) -> str:
    if value is None or not value.strip():
        raise source.error(place, f"'{key}' is missing or empty")
    return value


def _choice(value: Any, key: str, choices: tuple[str, ...], source: ContractSource, place: Place) -> Any:
    if value not in choices:
        raise source.error((*place, key), f"{key} must be one of {list(choices)}, got {value!r}")
    return value


def _refuse_twice(names: list[str], source: ContractSource, what: str, key: str) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            place = (*_TABLE, key, position) if what == "column" else (*_TABLE, key)
            raise source.error(place, f"{what} '{name}' is given twice")
