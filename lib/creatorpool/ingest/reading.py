"""Reads and stages the files of one delivery; all readers share this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW, row_as_json
from creatorpool.ingest.plain_values import PlainValues
from creatorpool.ingest.pseudonyms import Pseudonyms
from creatorpool.ingest.records import Records, record_schema
from creatorpool.settings import IngestSettings
from creatorpool.storage.files import arrow_place, plain_link
from creatorpool.storage.places import Place, engine_path, is_plain_name

_GROUP_ROWS = 1 << 17


@dataclass(frozen=True)
class StagedText:
    """The staged copies of a file: records in the contract's types, and records as text; None if there are none."""

    plain: Place | None
    text: Place | None


@dataclass(frozen=True)
class Reading:
    """Parameters for reading one delivery. Copies go to folder `staging`; with `pseudonyms` they have no real ids."""

    session: SparkSession
    staging: Place
    settings: IngestSettings
    pseudonyms: Pseudonyms | None = None

    @property
    def may_quote(self) -> bool:
        """Whether messages may show delivered text."""
        return self.pseudonyms is None

    def parquet(self, paths: Iterable[Place]) -> DataFrame:
        """The rows of Parquet files, which must have one schema."""
        return self.session.read.parquet(*(engine_path(self._readable(path)) for path in paths))

    def stage(
        self, records: Iterable[Records], names: Sequence[str], target: str, extra: Mapping[str, int] | None = None
    ) -> Place:
        """Write columns `names` and `raw_row` of `records`, all text, to file `target` in the staging folder.

        `extra` are further columns, each with one number for all rows.
        """
        own = record_schema(names)
        constants = dict(extra or {})
        schema = pa.schema([*own, *(pa.field(name, pa.int32()) for name in constants)])
        with plain_writer(self.staging / target, schema) as writer:
            for rows in self._grouped(records):
                columns = [pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows) for number in constants.values()]
                writer.write_table(pa.Table.from_arrays([*rows.select(own.names).columns, *columns], schema=schema))
        return self.staging / target

    def stage_plain(
        self, records: Iterable[Records], names: Sequence[str], contract: Contract, target: str
    ) -> StagedText:
        """The same in two files: records whose values are all plain in the contract's types, others as text.

        Plain values are those of `plain_values`. A file without records is not written, unless there are none at all.
        """
        values = PlainValues(contract, tuple(names))
        if not values.is_possible:
            return StagedText(None, self.stage(records, names, target))
        places = (self.staging / f"plain-{target}", self.staging / target)
        own = record_schema(names).names
        with ExitStack() as files:
            writers: dict[Place, pq.ParquetWriter] = {}
            for rows in self._grouped(records):
                for place, part in zip(places, values.split(rows.select(own)), strict=True):
                    if part.num_rows and place not in writers:
                        writers[place] = files.enter_context(plain_writer(place, part.schema))
                    if part.num_rows:
                        writers[place].write_table(part)
        if not writers:
            return StagedText(None, self.stage([], names, target))
        return StagedText(*(place if place in writers else None for place in places))

    def staged(self, paths: Iterable[Place], names: Sequence[str]) -> DataFrame:
        """The rows of staged files with columns `names`; where `raw_row` is NULL it gets the columns as JSON."""
        rows = self.parquet(paths)
        return rows.withColumn(RAW_ROW, F.coalesce(F.col(RAW_ROW), row_as_json(rows, names)))

    def _grouped(self, records: Iterable[Records]) -> Iterator[pa.Table]:
        """Batches joined to tables of many rows, because each table becomes one row group of the file."""
        waiting: list[pa.RecordBatch] = []
        for found in records:
            waiting.append((found if self.pseudonyms is None else self.pseudonyms.records(found)).batch)
            if sum(batch.num_rows for batch in waiting) >= _GROUP_ROWS:
                yield pa.Table.from_batches(waiting)
                waiting = []
        if waiting:
            yield pa.Table.from_batches(waiting)

    def _readable(self, path: Place) -> Place:
        """`path`, or a link to it in the staging folder if an engine would read its name as a pattern."""
        return path if is_plain_name(path) else plain_link(path, self.staging)


def plain_writer(target: Place, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of Parquet files that every engine reads in the same way.

    It writes no statistics, so that no engine infers constants, and no Arrow schema, so that none restores other types;
    and no dictionaries, which took half of the time.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    storage, path = arrow_place(target)
    return pq.ParquetWriter(
        path, schema, filesystem=storage, write_statistics=False, store_schema=False, use_dictionary=False
    )
