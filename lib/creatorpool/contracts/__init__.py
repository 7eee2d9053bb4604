"""Data contracts: what each table promises, read from data_contracts/, and the checks that follow from it."""

from __future__ import annotations

from creatorpool.contracts.model import Column, Contract, RowRule, TableRule
from creatorpool.contracts.reader import load_contract, load_contracts, stage_tables

__all__ = [
    "Column",
    "Contract",
    "RowRule",
    "TableRule",
    "load_contract",
    "load_contracts",
    "stage_tables",
]
