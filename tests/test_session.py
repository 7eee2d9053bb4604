"""The choice of engine, the precedence of settings, and sessions on a remote server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest
from tools.processes import end_group, fresh_environment

from creatorpool.errors import ConfigurationError
from creatorpool.session import resolve_engine
from creatorpool.settings import load_settings

GATEWAY = "PYSPARK_GATEWAY_PORT"
START_SECONDS = 60

SERVER = """
import sys
from pysail.spark import SparkConnectServer
SparkConnectServer("127.0.0.1", int(sys.argv[1])).start(background=False)
"""

CLIENT = """
import sys
from creatorpool.quality.frames.score import video_quality
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.session import open_session
from creatorpool.settings import load_settings

settings = load_settings()
columns = f"video_id string, {' double, '.join(COMPONENT_NAMES)} double"
with open_session(sys.argv[1], settings.engine) as session:
    signals = session.createDataFrame([("v", *[0.25] * len(COMPONENT_NAMES))], columns)
    gates = "video_id string, categories array<string>, is_compliant boolean"
    videos = session.createDataFrame([("v", ["music"], True)], gates)
    (row,) = video_quality(signals, videos, settings.signals).collect()
    print("quality", row.quality_score, session.conf.get("spark.sql.session.timeZone"))
"""

SUBMITTED = """
READING = ("files.ignoreCorruptFiles", "files.ignoreMissingFiles", "parquet.int96RebaseModeInRead", "ansi.enabled")

from creatorpool.session import open_session, resolve_engine
from creatorpool.settings import load_settings

own = "engine.spark={spark.sql.files.maxRecordsPerFile: '7', spark.sql.files.ignoreMissingFiles: 'true'}"
settings = load_settings(assignments=[own]).engine
with open_session(resolve_engine(None, settings), settings) as session:
    for key in ("shuffle.partitions", "files.maxRecordsPerFile", "session.timeZone", *READING):
        print(key, session.conf.get(f"spark.sql.{key}"))
    print("ui", session.conf.get("spark.ui.enabled"))
"""


@pytest.mark.parametrize(
    ("asked", "is_submitted", "configured", "engine"),
    [
        ("embedded", True, "spark", "embedded"),
        ("sc://server:15002", False, "embedded", "sc://server:15002"),
        (None, True, "embedded", "spark"),
        (None, False, "embedded", "embedded"),
        (None, False, "sc://server:15002", "sc://server:15002"),
    ],
)
def test_resolve_engine_takes_the_argument_then_spark_submit_then_the_settings(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, is_submitted: bool, configured: str, engine: str
) -> None:
    monkeypatch.delenv(GATEWAY, raising=False)
    if is_submitted:
        monkeypatch.setenv(GATEWAY, "4711")

    assert resolve_engine(asked, load_settings(assignments=[f"engine.name={configured}"]).engine) == engine


@pytest.mark.parametrize("asked", ["flink", "Spark", "http://server:15002"])
def test_resolve_engine_of_an_unknown_name_is_a_wrong_configuration(asked: str) -> None:
    with pytest.raises(ConfigurationError, match=f"engine must be .* got '{asked}'") as caught:
        resolve_engine(asked, load_settings().engine)
    assert caught.value.exit_code == 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a Sail server in its own process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port)], stdout=log, stderr=log, cwd=tmp_path, start_new_session=True
        )
    try:
        _await_port(port, process, tmp_path / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        end_group(process)


@pytest.mark.slow
def test_open_session_on_a_sail_server_computes_there_and_names_the_servers_needs(server: str, tmp_path: Path) -> None:
    ended = _run(tmp_path, CLIENT, [sys.executable], server)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["quality", "0.25", "UTC"]
    assert "install creatorpool in the server's Python" in ended.stderr


@pytest.mark.slow
def test_open_session_under_spark_submit_keeps_the_submitters_settings(tmp_path: Path, java: None) -> None:
    theirs = [
        "spark.sql.shuffle.partitions=400",
        "spark.sql.session.timeZone=Asia/Tokyo",
        "spark.sql.files.ignoreCorruptFiles=true",
        "spark.sql.parquet.int96RebaseModeInRead=LEGACY",
        "spark.sql.ansi.enabled=false",
    ]
    submit = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[1]"]

    ended = _run(tmp_path, SUBMITTED, [*submit, *(part for entry in theirs for part in ("--conf", entry))])

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "shuffle.partitions 400",
        "files.maxRecordsPerFile 7",
        # Every number depends on these settings, so neither the submitter nor the configuration can change them.
        "session.timeZone UTC",
        "files.ignoreCorruptFiles false",
        "files.ignoreMissingFiles false",
        "parquet.int96RebaseModeInRead CORRECTED",
        "ansi.enabled true",
        "ui false",
    ]


@pytest.fixture
def java() -> None:
    """Tests with this fixture need the Spark engine; without it they are skipped."""
    if not (Path(pyspark.__file__).parent / "conf" / "spark-defaults.conf").is_file():
        pytest.skip("the Spark engine is not set up here: make setup")


def _run(folder: Path, script: str, command: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(script)
    own = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.run(
        [*command, str(path), *arguments],
        capture_output=True,
        text=True,
        env=fresh_environment(**own),
        cwd=folder,
        timeout=300,
        check=False,
    )


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"no server on port {port}\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
