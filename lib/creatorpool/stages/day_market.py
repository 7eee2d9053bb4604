"""A published day as a market: its videos with their signals, and its pools; audits and sensitivities start from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creatorpool.integrity.market import Market, MarketPool
from creatorpool.integrity.sensitivity import SCORES
from creatorpool.quality.formula import Columns, QualityFormula
from creatorpool.quality.frames.columns import SIGNAL_COLUMNS
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.settings import Settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.published_day import PublishedDay
from creatorpool.stages.signals import input_frames


@dataclass(frozen=True)
class DayVideos:
    """The day's videos with signals, in ascending order of their ids."""

    video: NDArray[Any]
    creator: NDArray[Any]
    columns: Columns

    @classmethod
    def read(cls, context: RunContext, day: PublishedDay) -> DayVideos:
        warehouse, versions, custom = context.warehouse, day.versions, sorted(context.settings.signals.custom)
        signals = warehouse.read_arrow(
            "video_signals", ("video_id", *SIGNAL_COLUMNS, *custom), day=context.day, version=versions["video_signals"]
        ).sort_by("video_id")
        quality = warehouse.read_arrow(
            "video_quality", ("video_id", "is_compliant"), day=context.day, version=versions["video_quality"]
        ).sort_by("video_id")
        names = ["video_id", "creator_id", "categories", *SCORES]
        described = warehouse.read_arrow("videos", names, version=versions["videos"])
        own = described.take(pc.index_in(signals.column("video_id"), value_set=described.column("video_id")))
        return cls(
            video=_objects(signals.column("video_id")),
            creator=_objects(own.column("creator_id")),
            columns=_numbers(signals, (*SIGNAL_COLUMNS, *custom))
            | _numbers(own, SCORES)
            | {
                "is_compliant": quality.column("is_compliant").to_numpy(),
                "category": np.array([names[0] for names in own.column("categories").to_pylist()], dtype=object),
            },
        )

    def market(self, settings: Settings, day: PublishedDay) -> Market:
        """The day's market as it was paid, without pools that paid nothing."""
        is_smoothed = settings.quality.is_smoothed
        formula = QualityFormula.of(settings.signals, is_smoothed=is_smoothed)
        place = {video: position for position, video in enumerate(self.video.tolist())}
        pools = {
            name: MarketPool(
                published.pool, published.policy, np.array([place[video] for video in published.pool.video.tolist()])
            )
            for name, published in day.pools.items()
            if published.pool.can_pay
        }
        return Market(self.columns, self.creator, formula, pools)

    def reweighted(self, context: RunContext, day: PublishedDay, market: Market, tiers: dict[str, float]) -> Market:
        """The market with other trust weights, with signals that the night's transform computes from the events."""
        settings = context.settings.signals.model_copy(update={"tiers": tiers})
        signals = video_signals(*input_frames(context, day.versions), settings)
        names = [*SIGNAL_COLUMNS, *sorted(settings.custom)]
        rows = signals.select("video_id", *names).toArrow().sort_by("video_id")
        columns = dict(self.columns) | _numbers(rows, names)
        return replace(market, columns=columns, formula=replace(market.formula, tiers=tiers))


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.array(column.to_pylist(), dtype=object)


def _numbers(rows: pa.Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    return {name: rows.column(name).to_numpy() for name in names}
