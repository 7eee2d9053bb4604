"""The environment of processes that tests and tools start: the same as if a scheduler started them."""

from __future__ import annotations

import os


def fresh_environment(**own: str) -> dict[str, str]:
    """This process's environment with `own`, and without the variables that PySpark set for its own session."""
    noted = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "PYSPARK_GATEWAY_PORT")
    return {name: value for name, value in os.environ.items() if name not in noted} | own
