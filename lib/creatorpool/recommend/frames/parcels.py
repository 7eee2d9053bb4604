"""Arrow tables as single binary values: how parts of a matrix travel between tasks without a row for each entry.

A table is packed where it is made, moved as one value, and read without a copy where it is used. Every task of a step
gets its own parts of one thing and all parts of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_FIELDS = ("kind", "number", "payload")

PARCEL = "kind string, number int, payload binary"
"""A part: what it is of, which one it is, and its packed table."""

Parcels = Mapping[str, Sequence[pa.Table]]
"""By kind, in order of their numbers."""


def packed(table: pa.Table) -> bytes:
    """`table` as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def unpacked(payload: pa.Scalar) -> pa.Table:
    """The table of one parcel."""
    return pa.ipc.open_stream(payload.as_buffer()).read_all()


def parcel_rows(parcels: Iterable[tuple[str, int, pa.Table]]) -> pa.Table:
    """Parcels as rows of `PARCEL`."""
    rows = [{"kind": kind, "number": number, "payload": packed(table)} for kind, number, table in parcels]
    kinds = pa.schema([("kind", pa.string()), ("number", pa.int32()), ("payload", pa.binary())])
    return pa.Table.from_pylist(rows, kinds)


def gathered(
    rows: DataFrame, key: str, partitions: int, make: Callable[[int, pa.Table], pa.Table], schema: str
) -> DataFrame:
    """What ``make(value, group)`` gives of all rows with one value of the INT column `key`, as rows of `schema`.

    As `applyInArrow`, which on Sail holds every group at once and more than once, and on Spark sorts.
    """

    def made(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = list(batches)
        if held:
            table = pa.Table.from_batches(held)
            held.clear()
            for value in sorted(table.column(key).unique().to_pylist()):
                yield from make(value, table.filter(pc.field(key) == value)).to_batches()

    return rows.repartition(partitions, key).mapInArrow(made, schema)


def in_tasks(
    own: Mapping[str, DataFrame],
    shared: Mapping[str, DataFrame],
    tasks: int,
    run: Callable[[int, Parcels], pa.Table],
    schema: str,
) -> DataFrame:
    """What ``run(task, parcels)`` gives in each of `tasks` tasks, as rows of `schema`.

    Parcels of `own` go to the task of their number, modulo `tasks`, those of `shared` to all; `run` gets both by kind,
    all kinds that are named here.
    """
    placed = [frame.select((F.col("number") % F.lit(tasks)).alias("task"), *_FIELDS) for frame in own.values()]
    every = F.explode(F.array(*(F.lit(task) for task in range(tasks)))).alias("task")
    placed += [frame.select(every, *_FIELDS) for frame in shared.values()]
    kinds = (*own, *shared)
    return gathered(
        reduce(DataFrame.unionAll, placed), "task", tasks, lambda task, group: run(task, _by_kind(group, kinds)), schema
    )


def _by_kind(group: pa.Table, kinds: Sequence[str]) -> Parcels:
    names = list(zip(group["kind"].to_pylist(), group["number"].to_pylist(), strict=True))
    if len(set(names)) < len(names):  # rows of one chunk were not brought together: its viewers would count twice
        raise RuntimeError(f"the engine gave a parcel twice: {max(names, key=names.count)}")
    found: dict[str, list[pa.Table]] = {kind: [] for kind in kinds}
    for row in sorted(range(len(names)), key=names.__getitem__):
        found.setdefault(names[row][0], []).append(unpacked(group["payload"][row]))
    return found
