"""From events to similar videos and candidates: the steps of `creatorpool.candidates` in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame

from creatorpool.errors import InputError
from creatorpool.ingest.materialize import broadcast_if_small
from creatorpool.recommend.frames.matrix import catalogue_parcel, viewer_parcels
from creatorpool.recommend.frames.ranking import candidate_rows
from creatorpool.recommend.frames.scored import catalogue_rows, scored_events
from creatorpool.recommend.frames.similarity import NEIGHBOURS, similarity_parcels, similarity_rows
from creatorpool.settings import RecommendSettings, Settings


@dataclass(frozen=True)
class MatrixParcels:
    """What everything after the counting of events starts from."""

    viewers: DataFrame
    catalogue: DataFrame
    similar: DataFrame
    """neighbours of all videos, and the regions' prior"""
    settings: RecommendSettings
    tasks: int

    def similarity(self) -> DataFrame:
        """Contract `item_similarity` without its day."""
        kind = self.similar["kind"]
        return similarity_rows(self.similar.where(kind == NEIGHBOURS), self.catalogue, self.tasks)

    def candidates(self) -> DataFrame:
        """Contract `candidates` without its day."""
        return candidate_rows(self.viewers, self.catalogue, self.similar, self.settings, self.tasks)


@contextmanager
def matrix_parcels(
    events: DataFrame, viewers: DataFrame, videos: DataFrame, settings: Settings
) -> Iterator[MatrixParcels]:
    """The parcels of `events`, kept where the engine keeps anything until the block ends; else computed at each use.

    Raises
    ------
    InputError
        If no event is of a known video.
    ConfigurationError
        If a rule of the interactions cannot be computed.
    """
    own, tasks = settings.recommend, settings.engine.matrix_tasks
    with _keeping() as kept:
        catalogue = kept(catalogue_rows(events, videos, settings.signals.qualified_view))
        scored_events(events, catalogue, own)  # refuses wrong rules before anything is computed
        number = catalogue.count()
        if number == 0:
            raise InputError("no event of the window is of a video in table videos: there is nothing to recommend")
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
