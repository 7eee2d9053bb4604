"""Data contracts: reads the contract of each table from data_contracts/, and checks rows and tables against it."""

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
