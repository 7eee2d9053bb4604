"""Lets Spark resolve Delta's jars once, and names them in the defaults of this environment's Spark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyspark
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession


def main() -> None:
    """Write spark-defaults.conf and spark-env.sh beside this environment's Spark."""
    home = Path(pyspark.__file__).parent
    ivy = Path(sys.prefix) / "ivy"
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = configure_spark_with_delta_pip(builder.config("spark.jars.ivy", str(ivy))).getOrCreate()
    session.stop()

    jars = sorted((ivy / "jars").glob("*.jar"))
    if not any("delta-spark" in jar.name for jar in jars):
        sys.exit(f"Spark resolved no Delta jar into {ivy / 'jars'}")
    conf = home / "conf"
    conf.mkdir(exist_ok=True)
    lines = [
        f"spark.jars {','.join(map(str, jars))}",
        "spark.sql.extensions io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog org.apache.spark.sql.delta.catalog.DeltaCatalog",
    ]
    (conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (conf / "spark-env.sh").write_text(
        # Use the Java that setup chose: the environment of a job may name one that Spark cannot run on.
        f'export JAVA_HOME="{os.environ["JAVA_HOME"]}"\nexport PYSPARK_PYTHON="${{PYSPARK_PYTHON:-{sys.executable}}}"\n'
    )
    print(f"Spark {pyspark.__version__} is ready: {len(jars)} jars, Java at {os.environ['JAVA_HOME']}")


if __name__ == "__main__":
    main()
