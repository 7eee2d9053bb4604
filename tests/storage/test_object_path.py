"""Paths in object stores are named and matched as pathlib does it; no store is needed for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from creatorpool.storage.object_path import ObjectPath, _matches
from creatorpool.storage.places import engine_path, is_plain_name, relative_name


def test_names_and_suffixes_are_those_of_pathlib() -> None:
    file = ObjectPath("s3", "bucket", "raw/day") / "events" / "part-1.csv.gz"
    like = Path("/raw/day/events/part-1.csv.gz")

    assert (file.name, file.stem, file.suffix, file.suffixes) == (like.name, like.stem, like.suffix, like.suffixes)
    assert str(file.parent) == "s3://bucket/raw/day/events"
    assert relative_name(file, file.parent.parent) == "events/part-1.csv.gz"
    assert str(ObjectPath("s3", "bucket", "")) == str(ObjectPath("s3", "bucket", "a").parent) == "s3://bucket"


def test_every_engine_is_given_the_client_of_s3_that_it_knows() -> None:
    assert engine_path(ObjectPath("s3", "bucket", "a")) == "s3a://bucket/a"
    assert engine_path(ObjectPath("gs", "bucket", "a")) == "gs://bucket/a"
    assert engine_path(Path("/a b")) == "/a b"
    assert not is_plain_name(ObjectPath("s3", "bucket", "a b/x*.parquet"))


@pytest.mark.parametrize("pattern", ["*.csv", "**/*.csv", "*/x.csv", "**/log_?.csv", "a/**/x.csv", "[ab]/*"])
def test_patterns_match_as_in_a_folder(tmp_path: Path, pattern: str) -> None:
    names = ["x.csv", "y.json", "a/x.csv", "b/y.csv", "a/b/x.csv", "a/b/log_1.csv", ".hidden.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(pattern) if path.is_file()}

    assert {name for name in names if _matches(name.split("/"), pattern.split("/"))} == found
