"""Lets Spark resolve the jars of its client of S3 once, some 600 MB, into this environment.

Only the test of Spark on an object store and `make object-store-demo` need them. A cluster has its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

PACKAGE = "org.apache.hadoop:hadoop-aws:3.4.2"
FOLDER = Path(sys.prefix) / "ivy-s3"


def s3_jars() -> list[Path]:
    """The jars, with those of Delta; empty if they are not resolved yet."""
    own, delta = (sorted((folder / "jars").glob("*.jar")) for folder in (FOLDER, Path(sys.prefix) / "ivy"))
    return [*own, *delta] if any("hadoop-aws" in jar.name for jar in own) else []


def main() -> None:
    """Resolve the jars, unless they are here."""
    if not s3_jars():
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.jars.ivy", str(FOLDER))
            .config("spark.jars.packages", PACKAGE)
            .getOrCreate()
        )
        session.stop()
    print(f"{len(s3_jars())} jars for Spark on S3, Java at {os.environ.get('JAVA_HOME', 'its default')}")


if __name__ == "__main__":
    main()
