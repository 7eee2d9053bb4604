"""What a data contract says, as frozen values: columns, key, rules on rows and rules on the whole table."""

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
    """A rule that each row obeys: Spark SQL `expression` is true. False and NULL both break it."""

    name: str
    expression: str
    severity: Severity
    hint: str
    line: int = 0  # in the contract's file; 0 for a rule that no file states


@dataclass(frozen=True)
class TableRule:
    """A rule on the whole table: a great-expectations expectation (snake case) with its arguments."""

    name: str
    expectation: str
    arguments: Mapping[str, Any]
    severity: Severity
    hint: str
    line: int = 0


@dataclass(frozen=True)
class Contract:
    """One table's contract, resolved: rules that follow from columns (`<column>_not_null`, …) are in `row_rules`."""

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
    """The stage that publishes the table's days, so that readers take the version that the ledger names; None where
    rows count as soon as they are committed: deliveries, quarantines and ledgers"""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order of the file, which is the order of the table."""
        return tuple(column.name for column in self.columns)

    @property
    def rules(self) -> tuple[RowRule | TableRule, ...]:
        """All rules, those on rows first."""
        return (*self.row_rules, *self.table_rules)

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]
