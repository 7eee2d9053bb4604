"""A small contract for tests that break it: the library reads it from YAML."""

from __future__ import annotations

from pathlib import Path

from creatorpool.contracts import Contract, load_contract

SAMPLE = """\
apiVersion: v3.1.0
kind: DataContract
id: test.sample
name: sample
version: 2.1.0
description:
  purpose: Pay of workers, for tests.
schema:
  - name: sample
    logicalType: object
    physicalType: delta
    dataGranularityDescription: one worker
    customProperties:
      - {property: onRowFault, value: quarantine}
    properties:
      - name: worker
        logicalType: string
        physicalType: STRING
        description: Who works
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        logicalTypeOptions: {minLength: 1}
      - name: hours
        logicalType: integer
        physicalType: BIGINT
        description: Time worked
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 24}
        customProperties: [{property: unit, value: h}]
      - name: rating
        logicalType: number
        physicalType: DOUBLE
        description: Satisfaction
        required: false
        logicalTypeOptions: {exclusiveMinimum: 0, maximum: 1}
      - name: paid
        logicalType: integer
        physicalType: BIGINT
        description: Pay
        required: false
    quality:
      - name: paid_for_hours
        description: Nobody is paid for no hours.
        severity: error
        type: custom
        engine: sparkSql
        implementation: hours > 0 OR paid = 0
      - name: usual_hours
        description: More than ten hours are rare.
        severity: warning
        type: custom
        engine: sparkSql
        implementation: hours <= 10
      - name: not_empty
        description: Somebody works.
        severity: error
        type: custom
        engine: greatExpectations
        implementation:
          type: expect_table_row_count_to_be_between
          kwargs: {min_value: 1}
"""
COLUMNS = "worker string, hours bigint, rating double, paid bigint"


def write_sample(folder: Path, old: str = "", new: str = "", name: str = "sample") -> Path:
    """The sample contract in a file, with `old` replaced by `new`."""
    if old not in SAMPLE:
        raise LookupError(f"the sample has no {old!r}")
    path = folder / f"{name}.yaml"
    path.write_text(SAMPLE.replace(old, new), encoding="utf-8")
    return path


def sample_contract(folder: Path, old: str = "", new: str = "") -> Contract:
    """The sample contract, as the library reads it."""
    write_sample(folder, old, new)
    return load_contract("sample", folder)


def line_of(text: str) -> int:
    """Number of the sample's first line with `text`."""
    return SAMPLE[: SAMPLE.index(text)].count("\n") + 1
