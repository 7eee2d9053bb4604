"""Sums by viewer depth, from pairs, against loops."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from creatorpool.comparison.frames.viewing import pool_viewing


def test_pool_viewing_counts_depth_within_each_pool(spark) -> None:
    rng = np.random.default_rng(4)
    pairs = [(f"v{v}", f"u{u}", int(rng.integers(0, 4))) for v in range(8) for u in range(12) if rng.random() < 0.5]
    members = [("music", f"v{v}") for v in range(5)] + [("news", f"v{v}") for v in range(3, 7)]  # v7 shares no pool
    depth: dict[tuple[str, str], int] = defaultdict(int)
    for category, member in members:
        for video, viewer, views in pairs:
            depth[category, viewer] += views if video == member else 0
    expected: dict[tuple[str, str, int], int] = defaultdict(int)
    for category, member in members:
        for video, viewer, views in pairs:
            if video == member and views:
                expected[category, video, depth[category, viewer]] += views

    found = pool_viewing(
        spark.createDataFrame(pairs, "video_id string, viewer_id string, views long"),
        spark.createDataFrame(members, "category string, video_id string"),
    ).collect()

    assert {(row.category, row.video_id, row.depth): row.views for row in found} == expected
    assert len(found) == len(expected)
