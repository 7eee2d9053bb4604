"""Payouts of whole pools without an engine: one Arrow batch, with ties settled in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa

from creatorpool.allocation.frames.payouts import fill_rows
from creatorpool.allocation.split import PoolSplit


def batch_of(impressions: np.ndarray, creator: np.ndarray, video_id: list[str] | None = None) -> pa.RecordBatch:
    """Members of the pool 'music'; ids ascend with the position unless given."""
    ids = video_id or [f"v{v:04d}" for v in range(impressions.size)]
    columns = {"category": ["music"] * impressions.size, "video_id": ids, "creator_id": creator.tolist()}
    return pa.RecordBatch.from_pydict(columns | {"effective_impressions": impressions})


def settled(split: PoolSplit, batch: pa.RecordBatch) -> PoolSplit:
    """The split of a whole pool with the ids that cut its ties, one group of tied rows after another."""
    own = split.creators
    if own is not None and own.has_open_ties:
        ids = np.full(own.creator.size, "", dtype=object)
        for creator, last in _last_raised(split, batch).items():
            if creator is not None:
                ids[own.creator.tolist().index(creator)] = last
        split = replace(split, creators=replace(own, last_raised_id=ids))
    return replace(split, last_raised_id=_last_raised(split, batch).get(None)) if split.open_ties else split


def _last_raised(split: PoolSplit, batch: pa.RecordBatch) -> dict[str | None, str]:
    tied = defaultdict(list)
    for row in fill_rows(batch, split).to_pylist():
        if row["is_tied"]:
            tied[row["tied_creator"]].append((row["video_id"], row["raised_ties"]))
    return {creator: sorted(rows)[rows[0][1] - 1][0] for creator, rows in tied.items()}


def filled(split: PoolSplit, impressions: np.ndarray, creator: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of the whole pool's rows, ties settled."""
    batch = batch_of(impressions, creator)
    rows = fill_rows(batch, settled(split, batch))
    assert not any(rows.column("is_tied").to_pylist())
    return {name: np.array(rows.column(name).to_pylist()) for name in ("payout_micros", "bound", "floor_micros")}
