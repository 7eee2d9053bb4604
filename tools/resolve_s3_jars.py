"""Lets Spark resolve the jars of its client of S3 once, some 600 MB, into this environment.

Only the test of Spark on an object store and `make object-store-demo` need them. A cluster has its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession

PACKAGE = "org.apache.hadoop:hadoop-aws:3.4.2"
FOLDER = Path(sys.prefix) / "ivy-s3"


def has_s3_jars() -> bool:
    """Whether the jars are resolved."""
    return any((FOLDER / "jars").glob("*hadoop-aws*.jar"))


def s3_setting() -> str:
    """The assignment, for `--set`, that gives the jars to a Spark on this machine, beside those of Delta."""
    # versitygw has no ETag for files that were laid into its folder; a bucket has one for each object.
    detection = "spark.hadoop.fs.s3a.change.detection.version.required: 'false'"
    return f"engine.spark={{spark.driver.extraClassPath: '{FOLDER / 'jars'}/*', {detection}}}"


def main() -> None:
    """Resolve the jars, unless they are here."""
    if not has_s3_jars():
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.jars.ivy", str(FOLDER))
            .config("spark.jars.packages", PACKAGE)
            .getOrCreate()
        )
        session.stop()
    if not has_s3_jars():
        sys.exit(f"Spark resolved no jar of {PACKAGE} into {FOLDER}")
    print(f"Spark's client of S3 is in {FOLDER}")


if __name__ == "__main__":
    main()
