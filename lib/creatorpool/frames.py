"""Frames by the values of a column, in plans that do not grow with the number of values: joins, balanced unions."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

MOST_UNIONS = 50

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def matching(rows: DataFrame, column: str, values: Collection[str]) -> DataFrame:
    """Rows whose `column` is one of `values`, however many: a list of literals would be part of the plan."""
    wanted = pa.table({column: pa.array(sorted(values), pa.string())})
    return rows.join(beside(rows, wanted), on=column, how="left_semi")


def beside(rows: DataFrame, few: pa.Table) -> DataFrame:
    """A few thousand rows as a frame to join with `rows`, in the same session, sent along to every executor."""
    return F.broadcast(rows.sparkSession.createDataFrame(few, from_arrow_schema(few.schema)))


def union_all(frames: Sequence[DataFrame]) -> DataFrame:
    """All rows of one frame or more, by name.

    Some hundred unions in a row overflow an engine's stack, and Sail 0.7 loses columns of a union whose right side is a
    union: up to `MOST_UNIONS` frames come in a row, more as a tree of such rows.
    """
    rows = [reduce(DataFrame.unionByName, frames[at : at + MOST_UNIONS]) for at in range(0, len(frames), MOST_UNIONS)]
    return rows[0] if len(rows) == 1 else union_all(rows)


def parts_by(rows: Rows, column: str) -> Iterator[tuple[str, Rows]]:
    """The rows of each value of a text column, values in ascending order, rows of a value in the order given."""
    if rows.num_rows == 0:
        return
    ordered = rows.take(pc.sort_indices(rows.column(column)))
    names = ordered.column(column)
    whole = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    is_new: NDArray[np.bool_] = pc.not_equal(whole.slice(1), whole.slice(0, len(whole) - 1)).to_numpy(False)
    for start, end in itertools.pairwise([0, *(np.flatnonzero(is_new) + 1).tolist(), len(whole)]):
        yield whole[start].as_py(), ordered.slice(start, end - start)
