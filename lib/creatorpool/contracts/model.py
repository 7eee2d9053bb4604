"""The content of a data contract as frozen values: columns, key, rules on rows and rules on the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning"]
RowFault = Literal["quarantine", "stop"]


@dataclass(frozen=True)
class Column:
    """One column; `type` is a Spark DDL type such as ``BIGINT``."""

    name: str
    type: str
    nullable: bool
    description: str
    unit: str | None = None


@dataclass(frozen=True)
class RowRule:
    """A rule for each row: the Spark SQL `expression` must be true. False and NULL both break the rule."""

    name: str
    expression: str
    severity: Severity
    hint: str
    line: int = 0  # line in the contract's file; 0 for a rule that is in no file


@dataclass(frozen=True)
class TableRule:
    """A rule for the whole table: a great-expectations expectation (in snake case) with its arguments."""

    name: str
    expectation: str
    arguments: Mapping[str, Any]
    severity: Severity
    hint: str
    line: int = 0


@dataclass(frozen=True)
class Contract:
    """One table's contract. `row_rules` includes the rules that follow from columns, such as `<column>_not_null`."""

    name: str
    version: str
    description: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...]
    row_rules: tuple[RowRule, ...]
    table_rules: tuple[TableRule, ...]
    on_row_fault: RowFault
    path: Path
    published_by: str | None = None
    """The stage that publishes the table's days; readers take the version that the ledger names. None if rows are valid
    as soon as they are committed: deliveries, quarantines and ledgers"""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the file and of the table."""
        return tuple(column.name for column in self.columns)

    @property
    def rules(self) -> tuple[RowRule | TableRule, ...]:
        """All rules, with the rules on rows first."""
        return (*self.row_rules, *self.table_rules)

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]
