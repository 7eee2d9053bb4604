"""Writes one synthetic day in the native layout."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.errors import InputError
from creatorpool.synthetic.event_rows import WINDOW_N, event_chunks
from creatorpool.synthetic.faults import (
    CONFLICT,
    VIDEO_FAULTS,
    VIEWER_FAULTS,
    BrokenEvents,
    broken_events,
    with_broken_rows,
)
from creatorpool.synthetic.market import ALL_TABLES, SyntheticMarket
from creatorpool.synthetic.population import Population, draw_population
from creatorpool.synthetic.side_tables import entrants_table, revenue_table, videos_table, viewers_table
from creatorpool.synthetic.truth import KnownTruth

_ROW_GROUP = 1 << 18


def generate_day(
    folder: Path, day: date, market: SyntheticMarket, *, tables: tuple[str, ...] = ALL_TABLES
) -> KnownTruth:
    """Write `day` of `market` to `folder` as Parquet in the native layout, and return its true values.

    Equal markets and days give equal bytes. Events are written in files of about a million each, so that memory does
    not grow with their number.

    Parameters
    ----------
    tables : tuple of str
        Tables to write. Entrants are written only if there are any.

    Raises
    ------
    InputError
        If `tables` names a table that the native layout does not have, or `folder` already holds a table.
    """
    _require_empty(folder, tables)
    population = draw_population(market)
    broken = _write_events(folder / "events", market, population, day) if "events" in tables else None
    is_dirty = market.dirty_share > 0
    if "viewers" in tables:
        _write(_with_faults(viewers_table(population), VIEWER_FAULTS, is_dirty), folder / "viewers.parquet")
    if "videos" in tables:
        _write(_with_faults(videos_table(market, population), VIDEO_FAULTS, is_dirty), folder / "videos.parquet")
    if "ad_revenue" in tables:
        _write(revenue_table(market, population, day), folder / "ad_revenue.parquet")
    if "entrants" in tables and market.n_entrants:
        _write(entrants_table(market, population, day), folder / "entrants.parquet")
    return _truth(market, population, broken)


def _require_empty(folder: Path, tables: tuple[str, ...]) -> None:
    unknown = sorted(set(tables) - set(ALL_TABLES))
    if unknown:
        raise InputError(f"tables must be among {ALL_TABLES}, got {unknown}")
    present = [name for name in ALL_TABLES if (folder / name).exists() or (folder / f"{name}.parquet").exists()]
    if present:
        raise InputError(f"{folder} already holds {present}: choose an empty folder")


def _write_events(folder: Path, market: SyntheticMarket, population: Population, day: date) -> BrokenEvents | None:
    broken = None
    for number, chunk in enumerate(event_chunks(market, population, day)):
        if number == 0:
            broken = broken_events(market, day, chunk)
        _write(chunk, folder / f"part-{number:05d}.parquet")
    if broken is not None:
        _write(broken.rows, folder / "part-99999.parquet")
    return broken


def _write(rows: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, row_group_size=_ROW_GROUP, compression="zstd")


def _with_faults(rows: pa.Table, faults: tuple[tuple[str, dict[str, object]], ...], is_dirty: bool) -> pa.Table:
    return with_broken_rows(rows, faults) if is_dirty else rows


def _truth(market: SyntheticMarket, population: Population, broken: BrokenEvents | None) -> KnownTruth:
    viewers, videos = population.viewers, population.videos
    creator_ids = population.creator_ids.to_numpy(zero_copy_only=False)
    faults = {"events": Counter[str]() if broken is None else broken.faults}
    if market.dirty_share > 0:
        faults |= {"viewers": Counter(rule for rule, _ in VIEWER_FAULTS)}
        faults |= {"videos": Counter(rule for rule, _ in VIDEO_FAULTS)}
    # Entrants' test impressions are clean. Of two events with one id and different contents, both are quarantined.
    contradicted = faults["events"][CONFLICT] // 2
    return KnownTruth(
        video_id=videos.ids.to_numpy(zero_copy_only=False),
        video_quality=videos.quality,
        creator_id=creator_ids,
        creator_quality=population.creator_quality,
        bot_viewers=viewers.ids.to_numpy(zero_copy_only=False)[np.flatnonzero(viewers.is_liker | viewers.is_looper)],
        clean_events=market.n_events + market.n_entrants * WINDOW_N - contradicted,
        late=0 if broken is None else broken.late,
        duplicates=0 if broken is None else broken.duplicates,
        faults=faults,
    )
