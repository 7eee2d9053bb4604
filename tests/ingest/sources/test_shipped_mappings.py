"""The mappings of public data sets read files with the columns that their documentation names."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.tolerant import TOLERANT

from creatorpool.ingest.reading import Reading
from creatorpool.ingest.sources.check import check_source
from creatorpool.ingest.sources.findings import SourceFindings
from creatorpool.ingest.sources.mapping import load_mapping, mapping_names
from creatorpool.settings import Settings, load_settings


def _microlens(folder: Path) -> None:
    (folder / "MicroLens-100k_pairs.csv").write_text(
        "user,item,timestamp\n1,10,1583378629552\n2,10,1583378629553\n2,11,1583465029553\n"
    )


def _tenrec(folder: Path) -> None:
    header = "user_id,item_id,click,follow,like,share,video_category,watching_times,gender,age\n"
    (folder / "QB-video.csv").write_text(
        header + "1,10,1,0,1,0,3,2,1,4\n1,11,0,0,0,0,\\N,0,1,4\n2,10,1,1,0,1,3,1,2,3\n"
    )


def _yambda(folder: Path) -> None:
    rows = [
        (7, 70, 86_405, 1, "listen", 120, 200),
        (7, 70, 86_410, 1, "like", None, None),
        (8, 71, 86_500, 0, "listen", 40, 180),
        (8, 71, 999_995, 0, "listen", 40, 180),
    ]
    names = ("uid", "item_id", "timestamp", "is_organic", "event_type", "played_ratio_pct", "track_length_seconds")
    kinds = (pa.uint32(), pa.uint32(), pa.uint32(), pa.uint8(), pa.string(), pa.uint16(), pa.uint32())
    columns = {
        name: pa.array(values, kind) for name, values, kind in zip(names, zip(*rows, strict=True), kinds, strict=True)
    }
    columns["event_type"] = columns["event_type"].dictionary_encode()
    pq.write_table(pa.table(columns), folder / "multi_event.parquet")
    artists = {"artist_id": pa.array([5, 4, 6], pa.uint32()), "item_id": pa.array([70, 70, 71], pa.uint32())}
    pq.write_table(pa.table(artists), folder / "artist_item_mapping.parquet")


FILES = {
    "microlens": (_microlens, date(2020, 3, 5), (2, 2, 1)),
    "tenrec": (_tenrec, date(2022, 1, 1), (3, 2, 2)),
    "yambda": (_yambda, date(1970, 1, 2), (2, 2, 2)),
}
"""For each data set its files, a day, and the accepted events, viewers and videos of that day"""


def _checked(name: str, source: Path, day: date, spark: SparkSession, tmp_path: Path, conf: Settings) -> SourceFindings:
    reading = Reading(spark, tmp_path / "staging", conf.ingest)
    return check_source(reading, load_mapping(name), source, day, 100, conf)


# The real logs of KuaiRand go through both engines.
@pytest.mark.once
@pytest.mark.parametrize("name", FILES)
def test_shipped_mapping_reads_the_documented_files(
    name: str, spark: SparkSession, tmp_path: Path, configuration: Settings
) -> None:
    write, day, expected = FILES[name]
    source = tmp_path / "source"
    source.mkdir()
    write(source)

    found = _checked(name, source, day, spark, tmp_path, configuration)

    assert found.faults == []
    accepted = {table: sampled.counts.accepted for table, sampled in found.tables.items()}
    assert tuple(accepted[table] for table in ("events", "viewers", "videos")) == expected
    assert accepted["ad_revenue"] >= 1


def test_kuairand_mapping_reads_the_real_logs(kuairand: Path, spark: SparkSession, tmp_path: Path) -> None:
    # Of nine sampled videos two have no length.
    found = _checked("kuairand", kuairand, date(2022, 4, 10), spark, tmp_path, load_settings(assignments=[TOLERANT]))

    assert found.faults == []
    assert found.tables["events"].counts.quarantined == 0  # of known viewers and videos it knows nothing


def test_every_shipped_mapping_is_tried_here() -> None:
    assert mapping_names() == sorted([*FILES, "kuairand"])
