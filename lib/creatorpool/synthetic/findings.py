"""What a made-up platform finds out about a day later: its fake viewers, and a creator who pays for them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.synthetic.market import SyntheticMarket
from creatorpool.synthetic.population import Population, draw_population


def write_findings(folder: Path, since: date, market: SyntheticMarket) -> tuple[int, str]:
    """Add `invalid_viewers` and `holds` to the delivery in `folder`, from day `since` on.

    All bots of the market are invalid, and the money of the creator who pays them for the most videos is held.

    Returns
    -------
    (number of bots, id of the creator)
    """
    population = draw_population(market)
    viewers = population.viewers
    bots = viewers.ids.filter(pa.array(viewers.is_liker | viewers.is_looper))
    creator = str(population.creator_ids[_most_boosted(population)])
    invalid = {"viewer_id": bots, "from_date": _days(since, len(bots)), "until_date": pa.nulls(len(bots), pa.date32())}
    _write(folder / "invalid_viewers.parquet", invalid, reason_code="bot", note="")
    hold = {"subject_id": pa.array([creator]), "share_ppm": pa.array([1_000_000])}
    dates = {"from_date": _days(since, 1), "until_date": pa.nulls(1, pa.date32())}
    note = "pays for fake views; under review"
    _write(
        folder / "holds.parquet",
        hold | dates,
        hold_id="h-1",
        subject_kind="payee",
        reason_code="invalid_views",
        note=note,
    )
    return len(bots), creator


def _most_boosted(population: Population) -> int:
    videos = population.videos
    return int(np.bincount(videos.creator[videos.is_boosted]).argmax())


def _days(day: date, number: int) -> pa.Array:
    return pa.array([day] * number, pa.date32())


def _write(path: Path, columns: dict[str, pa.Array], **constants: str) -> None:
    number = len(next(iter(columns.values())))
    pq.write_table(pa.table(columns | {name: pa.array([text] * number) for name, text in constants.items()}), path)
