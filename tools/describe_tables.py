"""Writes docs/tables.md from the contracts: `python tools/describe_tables.py > docs/tables.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from creatorpool.contracts import Contract, load_contracts

INTRODUCTION = """\
# Tables

The tables are Delta tables under one root, each at `<root>/<table>`. `tools/describe_tables.py` writes this page from
[data_contracts/](../data_contracts), which also hold the rules that the rows obey. Money is whole micros (a millionth
of the currency's unit), times are UTC, an undefined number is NULL. Columns marked with * are the key.

Every published version of a day stays readable; [operations](operations.md) says which version counts. The
[glossary](glossary.md) explains the words."""

QUARANTINE = "_quarantine"


def tables_page(contracts: Mapping[str, Contract]) -> str:
    """The whole page, one section per table; a quarantine table is one line in the section of its table."""
    described = [contract for name, contract in contracts.items() if not name.endswith(QUARANTINE)]
    sections = ["\n".join(_section(contract, contracts)) for contract in described]
    return "\n\n".join([INTRODUCTION, *sections]) + "\n"


def _section(contract: Contract, contracts: Mapping[str, Contract]) -> Iterator[str]:
    yield f"## {contract.name}"
    yield ""
    yield _sentence(contract.description)
    yield ""
    yield f"- One row: {_sentence(contract.grain)}"
    yield f"- Key: {_names(contract.key)}; " + (
        f"partitioned by {_names(contract.partition_by)}" if contract.partition_by else "not partitioned"
    )
    refused = contracts.get(contract.name + QUARANTINE)
    if refused is not None:
        yield f"- Rows that break a rule: `{refused.name}`, columns {_names(refused.column_names)}"
    yield ""
    yield "| column | type | may be NULL | unit | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    for column in contract.columns:
        mark = "*" if column.name in contract.key else ""
        cells = (f"`{column.name}`{mark}", column.type, "yes" if column.nullable else "", column.unit or "")
        yield "| " + " | ".join((*cells, column.description.replace("|", "\\|"))) + " |"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words if words.endswith(".") else f"{words}."


if __name__ == "__main__":
    sys.stdout.write(tables_page(load_contracts()))
