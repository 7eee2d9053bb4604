"""Fingerprints of the published rows under a root, to compare the rows that two versions of the code publish.

Tables are read only with deltalake and by the promised names of the ledger and its columns, so that a fingerprint does
not depend on the code under test. Three kinds of columns are not compared exactly:

- Columns that differ from run to run are left out.
- For sentences for people, only their presence is compared.
- Measures are compared within `MEASURE_TOLERANCE`, estimates within `ESTIMATE_TOLERANCE`: their last digits depend on
  the processor, whose vector units and linear algebra round in different ways. Money, shares, signals and quality do
  not depend on it, and are compared exactly.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

VOLATILE = frozenset(
    {
        *("run_id", "allocation_run_id", "code_version", "contract_version", "config_sha256", "config_json"),
        *("input_versions", "output_versions", "ingested_at", "started_at", "finished_at", "seconds"),
        "max_kkt_residual",  # rounding noise, which other tests bound
    }
)
PROSE = frozenset({"reason", "statement", "warning"})
MEASURE_TABLES = frozenset({"allocation_frontier", "allocation_runs", "rule_comparison"})
"""Tables whose DOUBLE columns are measures of published money."""
ESTIMATE_TABLES = frozenset(
    {"cohort_incentives", "continuation_values", "policy_advice", "delivery_plan", "p2c_parameters"}
)
"""Tables whose DOUBLE columns are estimates, or follow from estimates."""
MEASURE_COLUMNS = frozenset({("pool_payouts", "weight")})
MEASURES_AS_JSON = frozenset({"pass_curve", "nearby_bars"})
DIGITS = 9
MEASURE_TOLERANCE = 1e-6
"""Relative. Between processors, measures differ by 1e-13."""
ESTIMATE_TOLERANCE = 1e-5
"""Relative. Between processors with and without AVX-512 or AVX, fitted parameters differ by 1.2e-6."""
PLAN_TOLERANCE = 1e-2
"""Relative, for the impressions of a delivery plan. Where curves are flat, plans of the same views and clicks differ in
impressions, and the last digits of the curves decide which one is found: 1.6e-3 between processors."""
WHOLE = "all"
"""Replaces the day for a table that is not partitioned by day"""

_STAGES, _POOLS, _CHECKS = "stage_runs", "allocation_runs", "contract_results"
_CHECK_COLUMNS = ["contract", "rule", "severity", "passed", "rows_checked", "rows_failed"]

_ENCODER = json.JSONEncoder(default=str, sort_keys=True, ensure_ascii=False)

Document = dict[str, Any]
_Fingerprint = Mapping[str, Any]


def fingerprints(root: Path, like: Mapping[str, Any] | None = None) -> Document:
    """Fingerprint every published day of every table under `root`.

    Parameters
    ----------
    root : Path
        Folder of the tables.
    like : mapping, optional
        An earlier result. Only the tables, columns and rules that it has are read, because newer code may have more.

    Returns
    -------
    dict
        ``tables``: table -> day -> ``rows`` (their number), ``sums`` (of each column of micros), ``columns`` (column ->
        digest of its values in any order), ``sha256`` of the rows without measures, and ``measures`` (column
        -> values in the order of the rows). ``rules``: contract -> names of the rules that were checked. Tables come
        in the order in which the ledger names them, ingested ones first.
    """
    rules = _checked_rules(root)
    covered = None if like is None else {table: _covered(days) for table, days in like["tables"].items()}
    tables = {
        table: {
            day: _fingerprint(table, rows, None if covered is None else covered[table])
            for day, rows in sorted(days.items())
        }
        for table, days in _published(root, rules if like is None else like["rules"]).items()
        if covered is None or table in covered
    }
    return {"rules": rules, "tables": tables}


def differences(stored: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The differences between `stored` and `found`, one line per table and day."""
    pairs = [
        (table, day, days.get(day), found["tables"].get(table, {}).get(day))
        for table, days in stored["tables"].items()
        for day in sorted({*days, *found["tables"].get(table, {})})
    ]
    complaints = [
        (f"{table} of {day}", "; ".join(_difference(before, now, table))) for table, day, before, now in pairs
    ]
    lost = [
        (contract, sorted({*rules} - {*found["rules"].get(contract, ())}))
        for contract, rules in stored["rules"].items()
    ]
    return [
        *(f"{place}: {complaint}" for place, complaint in complaints if complaint),
        *(f"{_CHECKS}: rules {rules} of {contract} are not checked any more" for contract, rules in lost if rules),
    ]


def as_text(document: Mapping[str, Any]) -> str:
    """The fingerprints as JSON, with one line per table and day."""
    rules = _object((name, json.dumps(rules)) for name, rules in document["rules"].items())
    tables = _object(
        (table, _object((day, json.dumps(one)) for day, one in days.items()))
        for table, days in document["tables"].items()
    )
    return _object([("rules", rules), ("tables", tables)]) + "\n"


def _object(items: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"\n{json.dumps(name)}: {value}" for name, value in items) + "}"


def _published(root: Path, rules: Mapping[str, Sequence[str]]) -> dict[str, dict[str, pa.Table]]:
    """Published rows by table and day."""
    found: dict[str, dict[str, pa.Table]] = {}
    runs = [run for run in _read(root, _STAGES).to_pylist() if run["status"] == "published"]
    for run in sorted(runs, key=lambda run: run["sequence"]):
        for table, version in json.loads(run["output_versions"]).items():
            if run["stage"] == "ingest":
                # A later day adds late events to earlier days, so readers take all days from the last ingestion.
                found[table] = _by_day(_read(root, table, version))
            else:
                found.setdefault(table, {})[str(run["date"])] = _read(root, table, version, run["date"])
    pools = _read(root, _POOLS)
    # Every published pool of a day names the same versions.
    paid = {pool["date"]: pool["output_versions"] for pool in pools.to_pylist() if pool["status"] == "published"}
    for day, versions in paid.items():
        for table, version in json.loads(versions).items():
            found.setdefault(table, {})[str(day)] = _read(root, table, version, day)
    return found | {_POOLS: _by_day(pools), _CHECKS: _by_day(_checks(root, rules))}


def _read(root: Path, table: str, version: int | None = None, day: date | None = None) -> pa.Table:
    filters = None if day is None else [("date", "=", day)]
    return DeltaTable(str(root / table), version=version).to_pyarrow_table(filters=filters)


def _by_day(rows: pa.Table) -> dict[str, pa.Table]:
    if "date" not in rows.column_names:
        return {WHOLE: rows}
    return {str(day): rows.filter(pc.equal(rows["date"], day)) for day in pc.unique(rows["date"])}


def _checks(root: Path, rules: Mapping[str, Sequence[str]]) -> pa.Table:
    """The results of the checks of `rules`, each once: several runs may check the same rows."""
    known = {(contract, rule) for contract, names in rules.items() for rule in names}
    rows = _read(root, _CHECKS).select(["date", *_CHECK_COLUMNS])
    pairs = zip(rows["contract"].to_pylist(), rows["rule"].to_pylist(), strict=True)
    return rows.filter(pa.array(pair in known for pair in pairs)).group_by(rows.column_names).aggregate([])


def _checked_rules(root: Path) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for row in _read(root, _CHECKS).to_pylist():
        found.setdefault(row["contract"], set()).add(row["rule"])
    return {contract: sorted(found[contract]) for contract in sorted(found)}


def _covered(days: Mapping[str, _Fingerprint]) -> set[str]:
    """Columns that the fingerprints of a table cover."""
    return {name for one in days.values() for name in (*one["columns"], *one["measures"])}


def _fingerprint(table: str, rows: pa.Table, covered: set[str] | None) -> _Fingerprint:
    names = sorted(set(rows.column_names) - VOLATILE)
    if covered is not None:
        names = [name for name in names if name in covered]
    columns = {name: rows[name].to_pylist() for name in names}
    is_measure = {name: _is_measure(table, rows.schema.field(name)) for name in names}
    measures = {name: [_rounded(value) for value in columns[name]] for name in names if is_measure[name]}
    texts = {name: [_text(name, value) for value in columns[name]] for name in names if not is_measure[name]}
    lines = ["[" + ",".join(column[row] for column in texts.values()) + "]" for row in range(rows.num_rows)]
    # Sort by rounded measures: otherwise the last digit of one measure would decide the order of all rows.
    order = sorted(
        range(rows.num_rows), key=lambda row: (lines[row], [_rank(column[row]) for column in measures.values()])
    )
    return {
        "rows": rows.num_rows,
        "sums": {name: pc.sum(rows[name]).as_py() or 0 for name in texts if name.endswith("_micros")},
        "columns": {name: _digest(sorted(values))[:8] for name, values in texts.items()},
        "sha256": _digest(lines[row] for row in order),
        "measures": {name: [values[row] for row in order] for name, values in measures.items()},
    }


def _is_measure(table: str, field: pa.Field) -> bool:
    is_of_table = table in MEASURE_TABLES | ESTIMATE_TABLES and pa.types.is_floating(field.type)
    return is_of_table or (table, field.name) in MEASURE_COLUMNS


def _text(name: str, value: object) -> str:
    """A value as JSON; a float by its `repr`, which tells every bit."""
    if name in PROSE:
        value = value is not None
    if name in MEASURES_AS_JSON and isinstance(value, str):
        value = json.loads(value, parse_float=lambda number: _rounded(float(number)))
    return _ENCODER.encode(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _rank(value: float | None) -> float:
    return -math.inf if value is None else value


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _tolerance(table: str, column: str) -> float:
    if (table, column) == ("delivery_plan", "impressions"):
        return PLAN_TOLERANCE
    return ESTIMATE_TOLERANCE if table in ESTIMATE_TABLES else MEASURE_TOLERANCE


def _difference(stored: _Fingerprint | None, found: _Fingerprint | None, table: str) -> Iterator[str]:
    """Short descriptions of the differences in one day of a table."""
    if stored is None or found is None:
        yield "is published now and was not before" if stored is None else "is not published any more"
        return
    if missing := [name for name in _covered({"": stored}) if name not in _covered({"": found})]:
        yield f"columns {sorted(missing)} are gone"
    is_as_long = stored["rows"] == found["rows"]
    if not is_as_long:
        yield f"{stored['rows']:,} rows before, {found['rows']:,} now"
    for name, total in stored["sums"].items():
        now = found["sums"].get(name, total)
        if now != total:
            yield f"{name} sums to {now:,} micros, before to {total:,} ({now - total:+,})"
    if is_as_long:
        changed = [name for name, digest in stored["columns"].items() if found["columns"].get(name, digest) != digest]
        if changed:
            yield f"values of {changed} differ"
        elif stored["sha256"] != found["sha256"] and not missing:
            yield "the same values are in other rows"
        yield from _differing_measures(stored, found, table)


def _differing_measures(stored: _Fingerprint, found: _Fingerprint, table: str) -> Iterator[str]:
    are_paired = stored["sha256"] == found["sha256"]
    for name, values in stored["measures"].items():
        both = values, found["measures"].get(name, values)
        pairs = zip(*(both if are_paired else (sorted(column, key=_rank) for column in both)), strict=True)
        off = [(before, now) for before, now in pairs if not _is_near(before, now, _tolerance(table, name))]
        if off:
            before, now = off[0]
            yield f"{name} differs in {len(off)} rows, for example {now} for {before}"


def _is_near(stored: float | None, found: float | None, tolerance: float) -> bool:
    if stored is None or found is None:
        return stored is found
    return math.isclose(stored, found, rel_tol=tolerance, abs_tol=1e-12)
