"""An S3 server on loopback, versitygw, which keeps each bucket as a folder of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.processes import free_port

BUCKET = "creatorpool"
KEY, SECRET = "a-key-of-tests", "a-secret-of-tests"
_START_SECONDS = 30


def server_program() -> str | None:
    """The path of versitygw, which `tools/setup_object_store.sh` builds; None if it is not here."""
    built = Path(sys.prefix) / "bin" / "versitygw"
    return str(built) if built.is_file() else shutil.which("versitygw")


class ObjectStore:
    """A server with one bucket, which can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        """The bucket is `folder` / `BUCKET`."""
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / BUCKET).mkdir(parents=True, exist_ok=True)

    @property
    def bucket(self) -> Path:
        """The folder whose files are the objects of the bucket."""
        return self.folder / BUCKET

    def uri(self, name: str) -> str:
        """The URI of an object or folder of the bucket."""
        return f"s3://{BUCKET}/{name}"

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What a client must know: endpoint (another `port` if a proxy is in between), region and credentials."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start the server, and return once it answers.

        Raises
        ------
        RuntimeError
            If it is not here, or does not answer in time.
        """
        program = server_program()
        if program is None:
            raise RuntimeError("versitygw is not here: run tools/setup_object_store.sh .venv")
        command = [program, "--port", f"127.0.0.1:{self.port}", "--quiet", "posix"]
        secrets = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        log = (self.folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [*command, str(self.folder)], stdout=log, stderr=log, env=os.environ | secrets, start_new_session=True
        )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"versitygw does not answer:\n{(self.folder / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End the server at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def object_store(folder: Path | None = None) -> Iterator[ObjectStore]:
    """A running server whose buckets are in `folder`, or in a temporary one; it ends with the block."""
    with TemporaryDirectory(prefix="creatorpool-store-") as scratch:
        store = ObjectStore(folder or Path(scratch) / "store")
        store.start()
        try:
            yield store
        finally:
            store.stop()
