"""Examines the engine: Java and jars for Spark, and whether the engine reaches the tables."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from creatorpool.contracts.schema import spark_schema
from creatorpool.doctor.findings import Finding, examined
from creatorpool.session import EMBEDDED, SPARK, java_version, open_session, require_delta_jars, under_spark_submit
from creatorpool.settings import EngineSettings
from creatorpool.storage.places import Place
from creatorpool.storage.probe import probe_folder
from creatorpool.storage.records import arrow_schema
from creatorpool.tables import Warehouse

_TABLE, _DAY = "creator_payouts", date(2000, 1, 1)
_JAVA = (17, 21)


def engine_findings(engine: str, settings: EngineSettings, root: Place) -> list[Finding]:
    """Java and jars, if this process starts Spark, and a table that the engine writes and reads beside the tables."""
    found = []
    if engine == SPARK and not under_spark_submit():
        found += [examined("java", _java), examined("jars", _jars)]
    if any(finding.state == "fault" for finding in found):
        return found
    return [*found, examined("engine", lambda: _engine(engine, settings, root))]


def _java() -> Finding:
    version = java_version()
    if version not in _JAVA:
        had = "no Java is found" if version is None else f"Java {version} is found"
        return Finding("java", "fault", f"{had}: install Java 17 or 21 and run `make setup`, or set JAVA_HOME")
    return Finding("java", "ok", f"Java {version}")


def _jars() -> Finding:
    require_delta_jars()
    return Finding("jars", "ok", "Delta's jars are named in this environment's Spark")


def _engine(engine: str, settings: EngineSettings, root: Place) -> Finding:
    """Let the engine write and read a row under the root, as a night does."""
    with open_session(engine, settings) as session, probe_folder(root) as folder:
        warehouse = Warehouse(session, folder)
        contract = warehouse.contract(_TABLE)
        row = {"creator_id": "probe", "payout_micros": 1, "pulse_micros": 0, "total_micros": 1, "videos_paid": 1}
        rows = pa.Table.from_pylist([row | {"date": _DAY, "currency": "XXX"}], schema=arrow_schema(contract))
        warehouse.replace_day(session.createDataFrame(rows, spark_schema(contract)), _TABLE, _DAY)
        number = warehouse.read_by_log(_TABLE, days=[_DAY]).count()
    if number != 1:
        return Finding("engine", "fault", f"{engine} wrote one row and read {number}: report this as a fault")
    name = "embedded (Sail)" if engine == EMBEDDED else engine
    return Finding("engine", "ok", f"{name} wrote and read a table under the root")
