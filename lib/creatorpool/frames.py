"""Filters, unions and splits of frames by the values of a column, without plans that grow with the number of values."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import reduce
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

MAX_UNIONS = 50

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def covering(day: date) -> Column:
    """Whether a row's `from_date` to `until_date`, both included, cover `day`; without `until_date` it lasts."""
    begun = F.col("from_date") <= F.lit(day)
    return begun & (F.col("until_date").isNull() | (F.col("until_date") >= F.lit(day)))


def matching(rows: DataFrame, column: str, values: Collection[str]) -> DataFrame:
    """Rows whose text `column` is one of `values`. A join does it: a long list of literals would enlarge the plan."""
    wanted = pa.table({column: pa.array(sorted(values), pa.string())})
    return rows.join(broadcast_table(rows, wanted), on=column, how="left_semi")


def broadcast_table(rows: DataFrame, few: pa.Table) -> DataFrame:
    """`few` (up to some thousand rows) as a frame in the session of `rows`, marked for a broadcast join with it."""
    return F.broadcast(rows.sparkSession.createDataFrame(few, from_arrow_schema(few.schema)))


def union_all(frames: Sequence[DataFrame]) -> DataFrame:
    """All rows of one or more frames; columns are matched by name.

    A chain of some hundred unions overflows an engine's stack, and Sail 0.7 loses columns of a union whose right side
    is a union. So up to `MAX_UNIONS` frames form a chain, and the chains are joined in the same way.
    """
    chains = [reduce(DataFrame.unionByName, frames[at : at + MAX_UNIONS]) for at in range(0, len(frames), MAX_UNIONS)]
    return chains[0] if len(chains) == 1 else union_all(chains)


def parts_by(rows: Rows, column: str) -> Iterator[tuple[str, Rows]]:
    """Each value of a text column, in ascending order, with its rows, in their original order."""
    if rows.num_rows == 0:
        return
    ordered = rows.take(pc.sort_indices(rows.column(column)))
    names = ordered.column(column)
    whole = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    is_new: NDArray[np.bool_] = pc.not_equal(whole.slice(1), whole.slice(0, len(whole) - 1)).to_numpy(False)
    for start, end in itertools.pairwise([0, *(np.flatnonzero(is_new) + 1).tolist(), len(whole)]):
        yield whole[start].as_py(), ordered.slice(start, end - start)
