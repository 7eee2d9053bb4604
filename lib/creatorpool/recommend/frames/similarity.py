"""Similar videos and the regions' interests, from all parcels of the matrix; each task takes a block of the videos."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from scipy import sparse

from creatorpool.recommend import InterestPrior, Neighbours, category_counts, interest_prior, region_sums, top_similar
from creatorpool.recommend.frames.matrix import CATALOGUE, VIEWERS, catalogue_arrays, viewers_matrix
from creatorpool.recommend.frames.parcels import PARCEL, Parcels, in_tasks, parcel_rows
from creatorpool.settings import RecommendSettings

NEIGHBOURS, PRIOR = "neighbours", "prior"
"""Kinds of parcels: a block of videos with their neighbours; the regions' rates of response by category."""

SIMILARITY_SCHEMA = "video_id string, rank int, neighbour_id string, similarity double"


def similarity_parcels(viewers: DataFrame, catalogue: DataFrame, settings: RecommendSettings, tasks: int) -> DataFrame:
    """Parcels `NEIGHBOURS`, one a task, and `PRIOR`, from those of all viewers and of the catalogue."""
    k, min_common, most = settings.neighbours, settings.min_common_viewers, settings.max_videos_per_viewer

    def run(task: int, parcels: Parcels) -> pa.Table:
        known, categories = catalogue_arrays(parcels[CATALOGUE][0])
        items = known.views.size
        first, end = items * task // tasks, items * (task + 1) // tasks
        matrix = _moderate(viewers_matrix(parcels[VIEWERS], items), most)
        found = top_similar(matrix.T, k, rows=(first, end), min_common=min_common)
        made = [(NEIGHBOURS, task, _neighbour_table(first, found))]
        if task == 0:  # one is enough
            made.append((PRIOR, 0, _prior_table(parcels[VIEWERS], known.categories, len(categories))))
        return parcel_rows(made)

    return in_tasks({}, {VIEWERS: viewers, CATALOGUE: catalogue}, tasks, run, PARCEL)


def similarity_rows(neighbours: DataFrame, catalogue: DataFrame, tasks: int) -> DataFrame:
    """Contract `item_similarity` without its day, from parcels `NEIGHBOURS`."""

    def run(_: int, parcels: Parcels) -> pa.Table:
        ids = parcels[CATALOGUE][0].column("video_id").combine_chunks().cast(pa.string())
        return pa.concat_tables([_named(table, ids) for table in parcels[NEIGHBOURS]] or [_NO_ROWS])

    return in_tasks({NEIGHBOURS: neighbours}, {CATALOGUE: catalogue}, tasks, run, SIMILARITY_SCHEMA)


def joined_neighbours(parcels: Sequence[pa.Table]) -> Neighbours:
    """The neighbours of all videos, from their blocks in order."""
    index, similarity = (
        np.concatenate([_matrix(table, name) for table in parcels]) for name in ("index", "similarity")
    )
    return Neighbours(index, similarity)


def prior_of(parcel: pa.Table) -> tuple[InterestPrior, list[str]]:
    """The regions' prior, and their names in order."""
    rate, strength = _matrix(parcel, "rate"), _matrix(parcel, "strength")
    return InterestPrior(rate, strength[0]), parcel.column("region").to_pylist()[:-1]


def region_positions(viewers: pa.Table, names: Sequence[str]) -> NDArray[np.int64]:
    """Position of each viewer's region in `names`, -1 where it is null."""
    coded = viewers.column("region").combine_chunks().dictionary_encode()
    place = {name: position for position, name in enumerate(names)}
    table = np.array([*(place[name] for name in coded.dictionary.to_pylist()), -1], dtype=np.int64)
    return np.asarray(table[coded.indices.fill_null(table.size - 1).to_numpy()])


def _moderate(matrix: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Without viewers of more than `most` videos: each video gains little by them, and the work grows as the square."""
    is_moderate = np.diff(matrix.indptr) <= most
    return matrix if is_moderate.all() else matrix[is_moderate]


def _neighbour_table(first: int, found: Neighbours) -> pa.Table:
    k = found.index.shape[1]
    return pa.table(
        {
            "code": pa.array(np.arange(first, first + found.index.shape[0])),
            "index": pa.FixedSizeListArray.from_arrays(found.index.ravel(), k),
            "similarity": pa.FixedSizeListArray.from_arrays(found.similarity.ravel(), k),
        }
    )


def _prior_table(viewers: Sequence[pa.Table], categories: sparse.csr_matrix, width: int) -> pa.Table:
    """A row a region, in order of names, and one of no name for all of them."""
    names = sorted({name for table in viewers for name in table.column("region").unique().drop_null().to_pylist()})
    items = categories.shape[0]
    parts = (
        region_sums(
            category_counts(viewers_matrix([table], items), categories), region_positions(table, names), len(names)
        )
        for table in viewers
    )
    prior = interest_prior(reduce(add, parts))
    strength = np.broadcast_to(prior.strength, prior.rate.shape)
    return pa.table(
        {
            "region": pa.array([*names, None], pa.string()),
            "rate": pa.FixedSizeListArray.from_arrays(prior.rate.ravel(), width),
            "strength": pa.FixedSizeListArray.from_arrays(strength.ravel(), width),
        }
    )


def _matrix(table: pa.Table, name: str) -> NDArray[Any]:
    column = table.column(name).combine_chunks()
    return np.asarray(column.flatten().to_numpy()).reshape(-1, column.type.list_size)


_NO_ROWS = pa.table(
    {
        "video_id": pa.array([], pa.string()),
        "rank": pa.array([], pa.int32()),
        "neighbour_id": pa.array([], pa.string()),
        "similarity": pa.array([], pa.float64()),
    }
)


def _named(table: pa.Table, ids: pa.Array) -> pa.Table:
    """A row a neighbour, by ids."""
    index, similarity = _matrix(table, "index"), _matrix(table, "similarity")
    row, place = np.nonzero(index >= 0)
    code = table.column("code").to_numpy()
    columns = (
        ids.take(pa.array(code[row])),
        pa.array((place + 1).astype(np.int32)),
        ids.take(pa.array(index[row, place])),
        pa.array(similarity[row, place]),
    )
    return pa.table(columns, schema=_NO_ROWS.schema)
