"""Runs job scripts to their end, each in its own process, without repeating the slow start.

A job's process is forked from a server that has done the slow imports (`job_server.py`). On Spark it connects to a
shared Java process, like a script under `spark-submit`: each job starts and stops its own Spark context there, and the
next job uses the compiled code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from py4j.java_gateway import JavaGateway
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway
from tests.checkout import project_root
from tests.tolerant import TOLERANT
from tools.processes import fresh_environment

SERVER = Path(__file__).with_name("job_server.py")
JOB_SECONDS = 500
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's second compiler saves time only after minutes, and uses a core until then."""


class Jobs:
    """Starts job scripts and owns the processes that they share."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._java: JavaGateway | None = None

    def run(self, script: str, *arguments: object, engine: str = "embedded") -> subprocess.CompletedProcess[str]:
        """Run one job script to its end: `run("allocate_pool.py", "--date", …)`."""
        command = [str(project_root() / "jobs" / script), *map(str, arguments)]
        command += ["--set", "engine.shuffle_partitions=2", "--set", TOLERANT, "--engine", engine]
        return self._completed(command, self._gateway() if engine == "spark" else {})

    def verb(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run one verb of the command line, as it is given, to its end."""
        return self._completed([str(project_root() / "lib" / "creatorpool" / "cli" / "__main__.py"), *map(str, words)])

    def _completed(self, command: list[str], own: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = fresh_environment(PYSPARK_PYTHON=sys.executable) | dict(own or {})
        with TemporaryDirectory() as folder:
            outputs = [Path(folder) / name for name in ("stdout", "stderr")]
            code = self._ended(command, environment, [str(output) for output in outputs])
            stdout, stderr = (output.read_text("utf-8") for output in outputs)
        return subprocess.CompletedProcess(command, code, stdout, stderr)

    def close(self) -> None:
        """End the shared processes."""
        if self._server is not None:
            self._server.communicate()
            self._server = None
        if self._java is not None:
            self._java.shutdown()
            self._java.proc.communicate()
            self._java = None

    def _ended(self, command: list[str], environment: dict[str, str], outputs: list[str]) -> int:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        print(json.dumps([command, environment, outputs, JOB_SECONDS]), file=self._server.stdin, flush=True)
        code: int | None = json.loads(self._server.stdout.readline())
        if code is None:
            self.close()  # the Spark context of a killed job stays in the Java process
            raise subprocess.TimeoutExpired(command, JOB_SECONDS)
        return code

    def _gateway(self) -> dict[str, str]:
        if self._java is None:
            conf = SparkConf(loadDefaults=False).setMaster("local[2]").set("spark.driver.memory", "2g")
            self._java = launch_gateway(conf.set("spark.driver.extraJavaOptions", JAVA_OPTIONS))
        parameters = self._java.gateway_parameters
        return {"PYSPARK_GATEWAY_PORT": str(parameters.port), "PYSPARK_GATEWAY_SECRET": parameters.auth_token}


@contextmanager
def running_jobs() -> Iterator[Jobs]:
    """Yield `Jobs`, and end its shared processes."""
    jobs = Jobs()
    try:
        yield jobs
    finally:
        jobs.close()
