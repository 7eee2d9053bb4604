"""The interaction matrix in parcels: viewers in chunks by a hash of their ids, each with the videos seen and scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from creatorpool.recommend import Catalogue, interaction_matrix
from creatorpool.recommend.frames.parcels import PARCEL, gathered, parcel_rows
from creatorpool.recommend.frames.scored import CATALOGUE_COLUMNS

VIEWERS, CATALOGUE = "viewers", "catalogue"
"""Kinds of parcels."""

CHUNKS = 64
"""Fixed, so that viewers come in one order whatever the tasks."""


def catalogue_parcel(catalogue: DataFrame) -> DataFrame:
    """The catalogue as one parcel, its rows in order of `code`."""

    def pack(_: int, group: pa.Table) -> pa.Table:
        return parcel_rows([(CATALOGUE, 0, group.sort_by("code").drop_columns(["code", "part"]))])

    return gathered(catalogue.select(*CATALOGUE_COLUMNS).withColumn("part", F.lit(0)), "part", 1, pack, PARCEL)


def viewer_parcels(scored: DataFrame, viewers: DataFrame, *, include_inactive: bool, tasks: int) -> DataFrame:
    """Parcels of viewers in order of `viewer_id`: their `region`, `codes` of videos seen, and summed `scores`.

    Viewers without an event are left out unless `include_inactive`.
    """
    nothing = F.lit(None)
    known = viewers.select(
        "viewer_id", "region", nothing.cast("int").alias("code"), nothing.cast("double").alias("score")
    )
    events = scored.select("viewer_id", nothing.cast("string").alias("region"), "code", "score")
    chunk = F.pmod(F.xxhash64("viewer_id"), F.lit(CHUNKS)).cast("int")

    def pack(number: int, group: pa.Table) -> pa.Table:
        return parcel_rows([(VIEWERS, number, _viewer_table(group, include_inactive))])

    return gathered(events.unionByName(known).withColumn("chunk", chunk), "chunk", tasks, pack, PARCEL)


def _viewer_table(group: pa.Table, include_inactive: bool) -> pa.Table:
    ids, user = _positions(group.column("viewer_id"))
    is_event = group.column("code").is_valid().to_numpy()
    code = group.column("code").drop_null().to_numpy()
    items = int(code.max(initial=-1)) + 1
    by_item = interaction_matrix(
        code, user[is_event], group.column("score").drop_null().to_numpy(), shape=(items, len(ids))
    )
    by_user = by_item.T.tocsr()  # columns rise: they come from rows in order
    table = pa.table(
        {
            "viewer_id": ids,
            "region": _regions(group.column("region"), user, is_event, len(ids)),
            "codes": pa.ListArray.from_arrays(by_user.indptr.astype(np.int32), by_user.indices.astype(np.int32)),
            "scores": pa.ListArray.from_arrays(by_user.indptr.astype(np.int32), by_user.data),
        }
    )
    return table if include_inactive else table.filter(pa.array(np.diff(by_user.indptr) > 0))


def _positions(column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """Distinct ids in order, and each row's position among them."""
    coded = column.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return coded.dictionary.take(pa.array(order)), place[coded.indices.to_numpy()]


def _regions(column: pa.ChunkedArray, user: NDArray[np.int64], is_event: NDArray[np.bool_], users: int) -> pa.Array:
    """Each viewer's region, from the row that is no event; null for a viewer without one."""
    source = np.full(users, -1)
    source[user[~is_event]] = np.flatnonzero(~is_event)
    return column.combine_chunks().cast(pa.string()).take(pa.array(source, mask=source < 0))


def viewers_matrix(parcels: Sequence[pa.Table], items: int) -> sparse.csr_matrix:
    """(viewers, items) scores of the viewers in `parcels`, one after the other."""
    lists = [table.column("codes").combine_chunks() for table in parcels]
    sizes = np.concatenate([np.zeros(1, np.int64), *(column.value_lengths().to_numpy() for column in lists)])
    codes = np.concatenate([np.zeros(0, np.int32), *(column.flatten().to_numpy() for column in lists)])
    scores = [table.column("scores").combine_chunks().flatten().to_numpy() for table in parcels]
    start = np.cumsum(sizes)
    return sparse.csr_matrix((np.concatenate([np.zeros(0), *scores]), codes, start), shape=(start.size - 1, items))


def catalogue_arrays(table: pa.Table) -> tuple[Catalogue, list[str]]:
    """The catalogue as arrays, and the names of its categories, in order."""
    lists = table.column("categories").combine_chunks()
    names, place = _positions(pa.chunked_array([lists.flatten()]))
    start = np.concatenate([[0], np.cumsum(pc.fill_null(lists.value_lengths(), 0).to_numpy())])
    member = sparse.csr_matrix((np.ones(place.size), place, start), shape=(table.num_rows, len(names)))
    member.sum_duplicates()
    catalogue = Catalogue(
        np.ascontiguousarray(table.column("views").to_numpy()),
        table.column("is_compliant").combine_chunks().to_numpy(zero_copy_only=False),
        member,
    )
    return catalogue, names.to_pylist()
