"""A source mapping, conf/sources/<name>.yaml: which files feed which tables, and how each column is made.

Mappings are validated like the configuration, and all faults of a file are reported at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from creatorpool.contracts import Contract, load_contract
from creatorpool.contracts.source import ContractSource, FileKind, read_source
from creatorpool.errors import ConfigurationError
from creatorpool.expressions import words
from creatorpool.ingest.delivery import OPTIONAL_TABLES, REQUIRED_TABLES, optional_columns
from creatorpool.project import conf_directory
from creatorpool.quoting import quoted
from creatorpool.settings import Section, fault_message
from creatorpool.spelling import did_you_mean

SOURCE_MAPPING = FileKind("source mapping", "inputs: {plays: {files: plays.csv}}", ConfigurationError)
NATIVE = "native"
"""The format without a mapping: files that have the tables' own columns"""

TABLES = (*REQUIRED_TABLES, *OPTIONAL_TABLES)
EVENT_TIME, EVENT_DAY, INGEST_DAY = "event_time", "event_day", "ingest_day"
"""Columns that expressions may use: the moment and the platform's day of an input with `time`, and the run's day"""
INPUT_FILE = "input file"
"""Column with the number of the record's file, in the order of their names; expressions do not see it"""

_ORIGINS = ("column", "sql", "value", "joined")


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"'{zone}' is no time zone{did_you_mean(zone, available_timezones())}; write an IANA name")
    return zone


def _spelled_out(value: Any) -> Any:
    """A column's mapping; the name of a column alone stands for ``{column: name}``."""
    return {"column": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


Zone = Annotated[str, AfterValidator(_known_zone)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[list[Name], BeforeValidator(_as_list)]
Constant = str | bool | int | float | list[str] | None


class ColumnMapping(Section):
    """How one column is made: from a column, an expression, a constant, or several columns joined by ``-``."""

    column: Name | None = None
    sql: Name | None = None
    value: Constant = None
    joined: Annotated[list[Name], Field(min_length=1)] | None = None
    default: Constant = None
    epoch: Literal["seconds", "milliseconds", "microseconds"] | None = None
    time_zone: Zone | None = None
    multiply: Annotated[int, Field(ge=1, le=10**9)] | None = None
    round: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in _ORIGINS if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_ORIGINS)}, got {given or 'none'}")
        changes = [name for name in ("epoch", "time_zone", "multiply") if name in self.model_fields_set]
        if len(changes) > 1 or (changes and given != ["column"]):
            raise ValueError(f"{', '.join(changes)}: give one of them at the most, and only beside `column`")
        if self.round and self.multiply is None:
            raise ValueError("round rounds the product of `multiply`, which is missing")
        return self

    def names(self) -> set[str]:
        """Words of this mapping that may be columns of the files."""
        return words(self.sql or "") | {self.column or ""} | set(self.joined or ())

    def origin(self) -> str:
        """What the column is made from, for messages: ``column 'gross_usd' times 1,000,000``."""
        if self.sql is not None:
            return quoted(self.sql)
        if self.joined is not None:
            return f"columns {', '.join(map(quoted, self.joined))} joined"
        if self.column is None:
            return f"the constant {json.dumps(self.value)}"
        return f"column '{quoted(self.column)}'" + (f" times {self.multiply:,}" if self.multiply else "")


Column = Annotated[ColumnMapping, BeforeValidator(_spelled_out)]


class InputMapping(Section):
    """Files of the delivery's folder that have one layout."""

    files: Annotated[Names, Field(min_length=1)]
    format: Literal["csv", "jsonl", "parquet", "delta"] | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: list[Name] | None = None
    optional: bool = False
    optional_columns: list[Name] = Field(default_factory=list)
    time: Column | None = None
    computed: dict[Name, Name] = Field(default_factory=dict)

    def names(self) -> set[str]:
        """Words of this input's own expressions that may be columns of its files."""
        found = set(self.optional_columns).union(*map(words, self.computed.values()))
        return found | (self.time.names() if self.time else set())


class TableMapping(Section):
    """One part of a table: the rows of an input, filtered, joined, grouped, and made into the table's columns."""

    input: Name
    where: Name | None = None
    other_days: Literal["judge", "leave_out"] = "judge"
    lookups: dict[Name, Name] = Field(default_factory=dict)
    one_row_per: list[Name] | None = None
    columns: dict[Name, Column]

    def names(self) -> set[str]:
        """Words of this part that may be columns of its input."""
        found = words(self.where or "").union(*map(words, self.one_row_per or ()))
        return found.union(self.lookups.values(), *(column.names() for column in self.columns.values()))


class SourceMapping(Section):
    """A whole mapping; tables that it does not name are read from the same folder in the native layout."""

    description: str = ""
    time_zone: Zone = "UTC"
    viewer_columns: Names = Field(default_factory=list)
    inputs: Annotated[dict[Name, InputMapping], Field(min_length=1)]
    tables: dict[Literal[TABLES], Annotated[list[TableMapping], BeforeValidator(_as_list), Field(min_length=1)]]  # type: ignore[valid-type]

    def names(self, name: str) -> set[str]:
        """Words of all expressions over input `name`: those that are columns of its files are the ones it needs."""
        found = self.inputs[name].names()
        for part in chain.from_iterable(self.tables.values()):
            if part.input == name:
                found |= part.names()
            if name in part.lookups:
                found |= {word.removeprefix(f"{name}_") for word in part.names()} | {part.lookups[name]}
        return found - {""}


@dataclass(frozen=True)
class MappedPart:
    """One part of a table, and its place in the mapping's file."""

    keys: tuple[Hashable, ...]
    part: TableMapping


@dataclass(frozen=True)
class LoadedMapping:
    """A mapping, the file that it was read from, and a fingerprint of its content."""

    mapping: SourceMapping
    source: ContractSource
    sha256: str

    def parts(self, table: str) -> list[MappedPart]:
        """The parts of a table."""
        return _parts(self.mapping, self.source, table)

    def origins(self, table: str) -> dict[str, str]:
        """For each column of a table that the mapping makes, from what and where in the file, for messages."""
        made: dict[str, list[str]] = {}
        for found in self.parts(table):
            for name, how in found.part.columns.items():
                line = self.source.line((*found.keys, "columns", name))
                made.setdefault(name, []).append(f"{how.origin()} ({self.source.path}:{line})")
        return {name: f"{name} is made from {' or '.join(ways)}" for name, ways in made.items()}

    def place(self, *keys: Hashable) -> str:
        """``file:line: dotted.key`` of an entry, for messages."""
        return f"{self.source.path}:{self.source.line(keys)}: {'.'.join(map(str, keys))}"


def mapping_names() -> list[str]:
    """Names of the project's mappings."""
    return sorted(path.stem for path in (conf_directory() / "sources").glob("*.yaml"))


def mapping_path(name: str) -> Path:
    """The file of mapping `name`, which is a name in conf/sources/ or a path that ends in .yaml.

    Raises
    ------
    ConfigurationError
        If there is no such mapping.
    """
    path = Path(name) if name.endswith(".yaml") else conf_directory() / "sources" / f"{name}.yaml"
    if not path.is_file():
        known = [NATIVE, *mapping_names()]
        raise ConfigurationError(
            f"ingest.format: there is no mapping {path}{did_you_mean(name, known) or '.'} Formats are "
            f"{', '.join(known)}, or the path of a mapping that ends in .yaml; `creatorpool init-source` writes one"
        )
    return path


def load_mapping(name: str) -> LoadedMapping:
    """Read and validate mapping `name`.

    Raises
    ------
    ConfigurationError
        If the file has a fault; the message has all of its faults, each with file, line and key.
    """
    path = mapping_path(name)
    source = read_source(path, SOURCE_MAPPING)
    try:
        mapping = SourceMapping.model_validate(source.data)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(dict(fault), source) for fault in error.errors())) from error
    if faults := list(_contradictions(mapping, source)):
        raise ConfigurationError("; ".join(faults))
    return LoadedMapping(mapping, source, hashlib.sha256(path.read_bytes()).hexdigest())


def _explain(fault: dict[str, Any], source: ContractSource) -> str:
    keys = list(_written(fault["loc"], source.data))
    place = f"{source.path}:{source.line(tuple(keys))}"
    key = ".".join(map(str, keys))
    if fault["type"] == "literal_error" and keys[:-1] == ["tables"]:
        fault = fault | {"type": "extra_forbidden"}
    return fault_message(fault, place, key, did_you_mean(str(keys[-1]), _known_keys()) if keys else "")


def _written(keys: Sequence[Hashable], data: Any) -> Iterator[Hashable]:
    """The keys as the file has them: a table of one part is no list there."""
    for key in keys:
        if key == "[key]" or (key == 0 and isinstance(data, dict)):
            continue
        yield key
        is_inside = (isinstance(data, dict) and key in data) or (isinstance(data, list) and isinstance(key, int))
        data = data[key] if is_inside else None


def _known_keys() -> set[str]:
    sections = (SourceMapping, InputMapping, TableMapping, ColumnMapping)
    return set(TABLES).union(*(section.model_fields for section in sections))


def _parts(mapping: SourceMapping, source: ContractSource, table: str) -> list[MappedPart]:
    parts = mapping.tables[table]
    is_list = isinstance(source.data["tables"][table], list)
    return [MappedPart(("tables", table, *([n] if is_list else [])), part) for n, part in enumerate(parts)]


def _contradictions(mapping: SourceMapping, source: ContractSource) -> Iterator[str]:
    """What a mapping says against itself, or against the contracts of its tables."""
    for name, given in mapping.inputs.items():
        if (given.header or given.separator) and given.format not in (None, "csv"):
            yield _fault(source, ("inputs", name), "header and separator are for CSV only")
    for table in mapping.tables:
        for found in _parts(mapping, source, table):
            yield from _input_faults(found, mapping, source)
            yield from _column_faults(found, load_contract(table), source)


def _input_faults(found: MappedPart, mapping: SourceMapping, source: ContractSource) -> Iterator[str]:
    part, known = found.part, mapping.inputs
    for key, name in (("input", part.input), *(("lookups", lookup) for lookup in part.lookups)):
        if name not in known:
            yield _fault(source, (*found.keys, key), f"there is no input '{name}'{did_you_mean(name, known)}")
    if part.other_days == "leave_out" and part.input in known and known[part.input].time is None:
        yield _fault(source, (*found.keys, "other_days"), f"leave_out needs `time` at input '{part.input}'")


def _column_faults(found: MappedPart, contract: Contract, source: ContractSource) -> Iterator[str]:
    keys, given, known = (*found.keys, "columns"), found.part.columns, contract.column_names
    for name in (name for name in given if name not in known):
        yield _fault(source, (*keys, name), f"{contract.name} has no such column{did_you_mean(name, known)}")
    optional = optional_columns(contract)
    for column in contract.columns:
        if column.name not in given and not column.nullable and column.name not in optional:
            yield _fault(source, keys, f"column {column.name} is missing: {column.description}")


def _fault(source: ContractSource, keys: tuple[Hashable, ...], message: str) -> str:
    return f"{source.path}:{source.line(keys)}: {'.'.join(map(str, keys))}: {message}"
