"""What the made-up platform finds out names its bots, and a creator who pays them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.day import generate_day
from creatorpool.synthetic.findings import write_findings

DAY = date(2026, 11, 30)


def test_findings_name_every_bot_and_a_creator_who_pays_them(tmp_path: Path) -> None:
    market = SyntheticMarket(seed=3, n_events=60_000, bot_share=0.1, dirty_share=0.0)
    truth = generate_day(tmp_path, DAY, market)
    number, creator = write_findings(tmp_path, DAY, market)

    invalid = pq.read_table(tmp_path / "invalid_viewers.parquet").to_pylist()
    assert {row["viewer_id"] for row in invalid} == set(truth.bot_viewers)
    assert {(row["from_date"], row["until_date"]) for row in invalid} == {(DAY, None)}
    assert number == len(invalid) > 0

    creators = {row["video_id"]: row["creator_id"] for row in pq.read_table(tmp_path / "videos.parquet").to_pylist()}
    bots = set(truth.bot_viewers)
    events = pq.read_table(tmp_path / "events", columns=["viewer_id", "video_id"]).to_pylist()
    views, fakes = Counter[str](), Counter[str]()
    for row in events:
        views[creators[row["video_id"]]] += 1
        fakes[creators[row["video_id"]]] += row["viewer_id"] in bots
    assert fakes[creator] / views[creator] > 2 * fakes.total() / views.total()
    (hold,) = pq.read_table(tmp_path / "holds.parquet").to_pylist()
    assert (hold["subject_kind"], hold["subject_id"], hold["share_ppm"]) == ("payee", creator, 1_000_000)
