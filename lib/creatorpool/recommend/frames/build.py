"""From events to similar videos and candidates: all steps, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.errors import InputError
from creatorpool.recommend.frames.matrix import catalogue_parcel, viewer_parcels
from creatorpool.recommend.frames.ranking import candidate_rows
from creatorpool.recommend.frames.scored import catalogue_rows, scored_events
from creatorpool.recommend.frames.similarity import NEIGHBOURS, similarity_parcels, similarity_rows
from creatorpool.settings import RecommendSettings, Settings
from creatorpool.storage.materialize import broadcast_if_small


@dataclass(frozen=True)
class MatrixParcels:
    """The interaction matrix, the catalogue and the neighbours, from which both tables are made."""

    viewers: DataFrame
    catalogue: DataFrame
    similar: DataFrame
    """neighbours of all videos, and the regions' interest prior"""
    settings: RecommendSettings
    tasks: int

    def similarity(self) -> DataFrame:
        """Rows of contract `item_similarity` without the date."""
        kind = self.similar["kind"]
        return similarity_rows(self.similar.where(kind == NEIGHBOURS), self.catalogue, self.tasks)

    def candidates(self) -> DataFrame:
        """Rows of contract `candidates` without the date."""
        return candidate_rows(self.viewers, self.catalogue, self.similar, self.settings, self.tasks)


@contextmanager
def matrix_parcels(
    events: DataFrame, viewers: DataFrame, videos: DataFrame, settings: Settings
) -> Iterator[MatrixParcels]:
    """The parcels of `events`, persisted until the block ends if the engine can persist; else computed at each use.

    Raises
    ------
    InputError
        If no event belongs to a known video.
    ConfigurationError
        If the engine cannot compute a rule of `recommend.interactions`.
    """
    own, tasks = settings.recommend, settings.engine.matrix_tasks
    with _keeping() as kept:
        catalogue = kept(catalogue_rows(events, videos, settings.signals.qualified_view))
        scored_events(events, catalogue, own)  # checks the rules before anything is computed
        number = catalogue.count()
        if number == 0:
            raise InputError(
                "no event of the window belongs to a video in table videos, so there is nothing to recommend: check "
                "that the videos of these days were ingested"
            )
        scored = scored_events(events, broadcast_if_small(catalogue, number), own)
        users = kept(viewer_parcels(scored, viewers, include_inactive=own.include_inactive, tasks=tasks))
        items = kept(catalogue_parcel(catalogue))
        similar = kept(similarity_parcels(users, items, own, tasks))
        yield MatrixParcels(users, items, similar, own, tasks)


@contextmanager
def _keeping() -> Iterator[Callable[[DataFrame], DataFrame]]:
    held: list[DataFrame] = []

    def kept(rows: DataFrame) -> DataFrame:
        held.append(rows.persist())
        return held[-1]

    try:
        yield kept
    finally:
        for rows in reversed(held):
            rows.unpersist()
