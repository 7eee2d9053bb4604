"""Processes that tests and tools start: as a scheduler would, and not as children of a session."""

from __future__ import annotations

import os


def fresh_environment(**own: str) -> dict[str, str]:
    """This process's environment without what PySpark noted there about its own session, and with `own`."""
    noted = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "PYSPARK_GATEWAY_PORT")
    return {name: value for name, value in os.environ.items() if name not in noted} | own
