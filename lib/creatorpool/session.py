"""Starts sessions on the engines. Only this module knows which engine runs.

- ``embedded``: Sail, a Spark Connect server inside this process. No Java.
- ``spark``: Apache Spark: the session of spark-submit, or one on this machine.
- ``sc://host:port``: any Spark Connect server. If it accepts no packages (Sail), creatorpool must be in its Python.

One process uses one engine: PySpark binds its functions to classic or Connect when the first session starts.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakSet

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    PySparkException,
    SparkRuntimeException,
    UnsupportedOperationException,
)
from pyspark.sql import SparkSession

from creatorpool.errors import ConfigurationError, CreatorpoolError
from creatorpool.settings import EngineSettings
from creatorpool.storage.clients import prepare_embedded, spark_conf
from creatorpool.storage.places import remove_aliases

logger = logging.getLogger("creatorpool")

EMBEDDED, SPARK = "embedded", "spark"
CONNECT_PORT = 15002
"""Port of a Spark Connect server whose address names none"""
ANSWER_SECONDS = 10

READ_ERRORS: tuple[type[Exception], ...] = (CreatorpoolError, PySparkException, Py4JError, OSError, pa.ArrowException)
"""Errors that reading a table may raise if a file is missing or damaged"""

SQL_ERRORS: tuple[type[Exception], ...] = (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    IllegalArgumentException,
    NumberFormatException,
    SparkRuntimeException,
    UnsupportedOperationException,
)
"""Errors that a query raises through its own fault: its SQL, or the values that it computes with"""

_embedded_sessions: WeakSet[SparkSession] = WeakSet()

# Every result depends on these settings, so neither a cluster's defaults nor `engine.spark` can change them.
_SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A file is read completely, or reading it is an error.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # How values are read. Times before 1900 keep their instants, whichever calendar the writer used.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96AsTimestamp": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.fieldId.read.enabled": "false",
    "spark.sql.parquet.mergeSchema": "false",
    # Spark's own default writes times as INT96, which other readers misread outside a range of years.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # How expressions are computed.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    # Spark 4.1 may take a union for partitioned as its children are, leave out an exchange, and compute windows and
    # groups over parts of their rows (SPARK-59141).
    "spark.sql.unionOutputPartitioning": "false",
    "spark.sql.jsonGenerator.ignoreNullFields": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Which rows a write replaces.
    "spark.sql.sources.partitionOverwriteMode": "STATIC",
}
# PySpark notes the line of each call of a function for errors of Spark's own server, and tries to import IPython each
# time: a tenth of a small night.
_WITHOUT_CALL_SITES = ("spark.python.sql.dataFrameDebugging.enabled", "false")
_DELTA_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A day's log is small: two tasks replay it faster than the default fifty.
    "spark.databricks.delta.snapshotPartitions": "2",
}


def resolve_engine(asked: str | None, settings: EngineSettings) -> str:
    """The engine to use: `asked` if given, else Spark under spark-submit, else the configured one.

    Raises
    ------
    ConfigurationError
        If it is neither 'embedded' nor 'spark' nor an address 'sc://host:port'.
    """
    engine = asked or (SPARK if under_spark_submit() else settings.name)
    if engine not in (EMBEDDED, SPARK) and not engine.startswith("sc://"):
        raise ConfigurationError(f"engine must be '{EMBEDDED}', '{SPARK}' or 'sc://host:port', got '{engine}'")
    return engine


@contextmanager
def open_session(engine: str, settings: EngineSettings, name: str = "creatorpool") -> Iterator[SparkSession]:
    """Open a session on `engine`; when the block ends, the session and all that it started are stopped.

    Raises
    ------
    ConfigurationError
        If `engine` is 'spark', this process starts it, and Delta's jars are not installed; or no server answers at the
        address that `engine` names.
    """
    try:
        if engine == EMBEDDED:
            with _embedded_server(settings) as address, _connected(address) as session:
                _embedded_sessions.add(session)
                session.conf.set(*_WITHOUT_CALL_SITES)
                yield session
        elif engine == SPARK:
            yield from _spark(settings, name)
        else:
            _require_answer(engine)
            with _connected(engine) as session:
                _ship_package(session)
                yield session
    finally:
        remove_aliases()


def is_embedded(session: SparkSession) -> bool:
    """Whether `session` uses the engine inside this process."""
    return session in _embedded_sessions


def _require_answer(address: str) -> None:
    """Raise ConfigurationError if nothing listens at a Connect address: its client would ask again for minutes."""
    try:
        place = urlsplit(address)
        server = (place.hostname or "", place.port or CONNECT_PORT)
        with socket.create_connection(server, timeout=ANSWER_SECONDS):
            pass
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"engine '{address}': no server answers there ({error}): start it, or correct --engine or engine.name"
        ) from error


def under_spark_submit() -> bool:
    """Whether spark-submit started this process, whose session is then Spark's own."""
    # spark-submit starts Python as the child of a JVM whose port it passes on.
    return "PYSPARK_GATEWAY_PORT" in os.environ


@contextmanager
def _connected(address: str) -> Iterator[SparkSession]:
    session = SparkSession.builder.remote(address).getOrCreate()
    for key, value in _SESSION_CONF.items():
        session.conf.set(key, value)
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def _embedded_server(settings: EngineSettings) -> Iterator[str]:
    # Sail reads its settings from the environment when the server starts. A greedy pool spills when all of it is in
    # use. A fair pool gives each operator of a plan an equal part: with 20 M events it spilled while most was free.
    pool_bytes = int(settings.memory_share * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    os.environ.setdefault("SAIL_RUNTIME__MEMORY_POOL__TYPE", "greedy")
    os.environ.setdefault("SAIL_RUNTIME__MEMORY_POOL__GREEDY__MAX_SIZE", str(pool_bytes))
    os.environ.setdefault("RUST_LOG", "error")
    prepare_embedded()
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        host, port = server.listening_address
        yield f"sc://{host}:{port}"
    finally:
        server.stop()


def _spark(settings: EngineSettings, name: str) -> Iterator[SparkSession]:
    # Without this the workers run the system's Python, which lacks our libraries.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = {
        "spark.app.name": name,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        # Enough for some million viewers: a broadcast is cheaper than sorting every viewer-video pair for the join.
        "spark.sql.autoBroadcastJoinThreshold": "32m",
        # Late events make a partition for each day. Without this all rows are sorted by day before they are written.
        "spark.sql.maxConcurrentOutputFileWriters": "64",
        **_DELTA_CONF,
        **spark_conf(),
        **settings.spark,
    }
    if under_spark_submit():
        # Settings of the spark-submit command line and of the cluster's defaults win: they fit the cluster.
        SparkContext._ensure_initialized()  # without its JVM, SparkConf() is empty
        submitted = SparkConf()
        conf = {key: value for key, value in conf.items() if not submitted.contains(key)}
    else:
        require_delta_jars()
        conf = {"spark.master": "local[*]", "spark.driver.memory": settings.driver_memory, **conf}
    builder = SparkSession.builder
    for key, value in (conf | _SESSION_CONF).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if not str(session.sparkContext.master).startswith("local"):
        session.sparkContext.addPyFile(str(_package_archive()))
    try:
        yield session
    finally:
        session.stop()


def _ship_package(session: SparkSession) -> None:
    try:
        session.addArtifacts(str(_package_archive()), pyfile=True)
    except UnsupportedOperationException:
        logger.warning("the server accepts no packages (Sail does not): install creatorpool in the server's Python")


def _spark_conf_folder() -> Path:
    spec = importlib.util.find_spec("pyspark")
    return Path(os.environ.get("SPARK_HOME") or Path(str(spec and spec.origin)).parent) / "conf"


def java_version() -> int | None:
    """The main version of the Java that a Spark of this environment starts; None if there is none."""
    chosen = _spark_conf_folder() / "spark-env.sh"  # what setup chose comes first, as in Spark's own scripts
    named = re.search(r'JAVA_HOME="([^"]+)"', chosen.read_text()) if chosen.is_file() else None
    home = named[1] if named else os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r'version "(\d+)', said)
    return int(version[1]) if version else None


def require_delta_jars() -> None:
    """Raise ConfigurationError if this environment's Spark does not name Delta's jars."""
    defaults = _spark_conf_folder() / "spark-defaults.conf"
    if not defaults.is_file() or "delta-spark" not in defaults.read_text():
        raise ConfigurationError(f"Delta's jars for the Spark engine are missing ({defaults}): run `make setup` first")


def _package_archive() -> Path:
    """The package as a zip, for executors on other machines."""
    package = Path(__file__).resolve().parent
    archive = Path(tempfile.mkdtemp(prefix="creatorpool-")) / "creatorpool.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted(package.rglob("*.py")):
            out.write(path, path.relative_to(package.parent))
    return archive
