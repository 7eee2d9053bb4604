"""A standalone Spark cluster on loopback: a master and two workers from the installed PySpark."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyspark
from tests.processes import fresh_environment

SPARK_HOME = Path(pyspark.__file__).parent
_START_SECONDS = 90


@contextmanager
def standalone_cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Its master's address; all its processes are gone when the block ends."""
    port = _free_port()
    address = f"spark://127.0.0.1:{port}"
    master = _start("master.Master", folder, "master", "--port", str(port), "--webui-port", "0")
    daemons = [master]
    try:
        _await(folder / "master.log", r"I have been elected leader", master)
        for number in range(workers):
            name = f"worker-{number}"
            place = ["--work-dir", str(folder / name), "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            daemons.append(_start("worker.Worker", folder, name, *place, address))
        for number in range(workers):
            _await(folder / f"worker-{number}.log", r"Successfully registered with master", daemons[number + 1])
        yield address
    finally:
        for daemon in reversed(daemons):
            with suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait(timeout=30)


def spark_submit(address: str, python: Path, script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Submit a job to the cluster, in client mode, as a scheduler would; executors run `python`."""
    environment = fresh_environment(
        PYSPARK_PYTHON=str(python), PYSPARK_DRIVER_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1"
    )
    settings = ["--conf", "spark.executor.memory=900m", "--conf", "spark.sql.shuffle.partitions=2"]
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", address, *settings, str(script)]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=500, check=False
    )


def python_without_the_package(folder: Path) -> Path:
    """A Python that has this one's libraries but not creatorpool: the job has to ship it to such an executor."""
    venv.create(folder, symlinks=True)
    own, shared = (Path(sysconfig.get_path("purelib", vars={"base": str(base)})) for base in (folder, sys.prefix))
    # Folders named in a .pth file are importable, but .pth files in them, such as an editable install's, are not read.
    (own / "libraries.pth").write_text(f"{shared}\n")
    python = folder / "bin" / "python"
    probe = subprocess.run(
        [python, "-c", "import numpy; import creatorpool"], capture_output=True, text=True, check=False
    )
    if "No module named 'creatorpool'" not in probe.stderr:
        raise RuntimeError(f"{python} must have numpy and no creatorpool: {probe.stderr}")
    return python


def _start(kind: str, folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(SPARK_HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1"]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen([*command, *arguments], stdout=log, stderr=log, start_new_session=True, cwd=folder)


def _await(log: Path, sign: str, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while not re.search(sign, log.read_text(errors="replace")):
        if daemon.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{log.name}: no '{sign}'\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
