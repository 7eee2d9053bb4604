"""Starts a standalone Spark cluster on loopback: a master and two workers from the installed PySpark."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark
from tools.processes import end_group, free_port, fresh_environment

SPARK_HOME = Path(pyspark.__file__).parent
_START_SECONDS = 90
_SECONDS_BEFORE_KILL = 1.0
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A JVM of a minute spends most on compiling itself"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its master's address, its workers' processes, and the folder of their logs."""

    address: str
    workers: tuple[subprocess.Popen[bytes], ...]
    folder: Path

    def kill_worker(self, number: int) -> None:
        """Kill one worker and its executors with SIGKILL, as if its machine failed."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)

    def workers_that_took_part(self) -> set[str]:
        """Names of the workers on which an executor was started."""
        return {re.search(r"worker-\d", str(path))[0] for path in self.folder.glob("worker-*/app-*/*/stdout")}


@contextmanager
def standalone_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster whose logs are in `folder`; its processes are killed when the block ends.

    Raises
    ------
    RuntimeError
        If the master or a worker does not start in time; the message has the end of its log.
    """
    port = free_port()
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
        yield Cluster(address, tuple(daemons[1:]), folder)
    finally:
        for daemon in reversed(daemons):
            end_group(daemon)


def spark_submit(address: str, python: Path, script: Path, *arguments: object) -> subprocess.Popen[str]:
    """Submit a job to the cluster, in client mode, as a scheduler would; executors run `python`."""
    environment = fresh_environment(
        PYSPARK_PYTHON=str(python), PYSPARK_DRIVER_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1"
    )
    conf = {
        "spark.executor.memory": "900m",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.extraJavaOptions": _JVM,
        "spark.executor.extraJavaOptions": _JVM,
    }
    settings = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", address, *settings, str(script)]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def run_while_a_worker_dies(cluster: Cluster, job: subprocess.Popen[str], sign: str) -> tuple[int, list[str]]:
    """Kill worker 0 when a line of the job's output contains `sign`; return the job's exit code and output lines.

    Raises
    ------
    RuntimeError
        If no line contains `sign`.
    """
    lines, killed = [], False
    with job:
        for line in job.stdout or ():
            lines.append(line.rstrip())
            if not killed and sign in line:
                time.sleep(_SECONDS_BEFORE_KILL)
                cluster.kill_worker(0)
                killed = True
    if not killed:
        raise RuntimeError("no worker was killed: no line of the job has '{}'\n{}".format(sign, "\n".join(lines[-40:])))
    return job.returncode, lines


def python_without_the_package(folder: Path) -> Path:
    """A Python with the libraries of this one but without creatorpool, so that a job must ship the package to it."""
    venv.create(folder, symlinks=True)
    own, shared = (Path(sysconfig.get_path("purelib", vars={"base": str(base)})) for base in (folder, sys.prefix))
    # Modules in folders that a .pth file names can be imported, but .pth files in these folders (such as that of an
    # editable install) are not read.
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
        return subprocess.Popen(
            [*command, *arguments],
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
            env=os.environ | {"SPARK_DAEMON_JAVA_OPTS": _JVM},
        )


def _await(log: Path, sign: str, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while not re.search(sign, log.read_text(errors="replace")):
        if daemon.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{log.name}: no '{sign}'\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)
