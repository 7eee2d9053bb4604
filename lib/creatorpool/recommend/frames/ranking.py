"""Candidates of each viewer: the engine hands out viewers, each task ranks its own with all neighbours at hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from creatorpool.recommend import (
    Candidates,
    ScoreWeights,
    category_counts,
    interest_rates,
    rank_candidates,
    top_interests,
)
from creatorpool.recommend.frames.matrix import CATALOGUE, VIEWERS, catalogue_arrays, viewers_matrix
from creatorpool.recommend.frames.parcels import Parcels, in_tasks
from creatorpool.recommend.frames.similarity import NEIGHBOURS, PRIOR, joined_neighbours, prior_of, region_positions
from creatorpool.settings import RecommendSettings

CANDIDATE_SCHEMA = (
    "viewer_id string, rank int, video_id string, final_score double, similarity_score double, views bigint, "
    "is_interest boolean"
)
_SCHEMA = pa.schema(
    [
        ("viewer_id", pa.string()),
        ("rank", pa.int32()),
        ("video_id", pa.string()),
        ("final_score", pa.float64()),
        ("similarity_score", pa.float64()),
        ("views", pa.int64()),
        ("is_interest", pa.bool_()),
    ]
)


def candidate_rows(
    viewers: DataFrame, catalogue: DataFrame, similar: DataFrame, settings: RecommendSettings, tasks: int
) -> DataFrame:
    """Contract `candidates` without its day, from the parcels of viewers and catalogue, and `similarity_parcels`."""
    weights = ScoreWeights(**settings.weights.model_dump())
    interests, limit, pool = settings.interests, settings.candidates, settings.pool

    def run(_: int, parcels: Parcels) -> pa.Table:
        known, _categories = catalogue_arrays(parcels[CATALOGUE][0])
        ids = parcels[CATALOGUE][0].column("video_id").combine_chunks().cast(pa.string())
        neighbours = joined_neighbours(parcels[NEIGHBOURS])
        prior, regions = prior_of(parcels[PRIOR][0])
        parts = [_SCHEMA.empty_table()]
        for table in parcels[VIEWERS]:
            matrix = viewers_matrix([table], known.views.size)
            counts = category_counts(matrix, known.categories)
            wanted = top_interests(interest_rates(counts, region_positions(table, regions), prior), interests)
            found = rank_candidates(matrix, neighbours, known, wanted, weights, limit=limit, pool=pool)
            parts.append(_named(found, table.column("viewer_id").combine_chunks(), ids, known.views))
        return pa.concat_tables(parts)

    shared = {CATALOGUE: catalogue, NEIGHBOURS: similar}
    return in_tasks({VIEWERS: viewers}, shared, tasks, run, CANDIDATE_SCHEMA)


def _named(found: Candidates, viewers: pa.Array, ids: pa.Array, views: NDArray[np.int64]) -> pa.Table:
    """A row a candidate, by ids."""
    user, place = np.nonzero(found.item >= 0)
    item = found.item[user, place]
    columns = (
        viewers.take(pa.array(user)),
        pa.array((place + 1).astype(np.int32)),
        ids.take(pa.array(item)),
        pa.array(found.final_score[user, place]),
        pa.array(found.similarity_score[user, place]),
        pa.array(views[item]),
        pa.array(found.is_interest[user, place]),
    )
    return pa.table(columns, schema=_SCHEMA)
