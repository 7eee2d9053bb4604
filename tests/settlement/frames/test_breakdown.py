"""What payees are booked of pools and videos, beside plain Python: pools and lines of the journal sum, to the micro."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from pyspark.sql import SparkSession

from creatorpool.settlement.frames.breakdown import payee_parts, rows_of_payees, settled_rows, settled_steps
from creatorpool.settlement.rights import WHOLE_PPM, divided

DAYS = (date(2026, 11, 29), date(2026, 11, 30))
POOLS = ("art", "comedy", "pulse")
VIDEOS = {"v1": "ann", "v2": "ann", "v3": "ben"}
RIGHTS = (
    ("v1", "label", date(2026, 11, 1), 333_333),
    ("v1", "band", date(2026, 11, 1), 333_333),
    ("v1", "band", DAYS[1], 0),
    ("v2", "label", DAYS[1], WHOLE_PPM),
    ("v3", "label", date(2026, 12, 1), 500_000),
)


def shares_on(video: str, day: date) -> dict[str, int]:
    standing = {payee: share for name, payee, since, share in sorted(RIGHTS) if name == video and since <= day}
    given = {payee: share for payee, share in standing.items() if share}
    rest = WHOLE_PPM - sum(given.values())
    return given | ({VIDEOS[video]: rest} if rest else {})


@pytest.mark.engine
def test_parts_sum_to_the_journal_and_to_the_pools(spark: SparkSession) -> None:
    draw = random.Random(1)
    settled: Counter[tuple[date, str]] = Counter()
    earned, changes = [], []
    expected: Counter[tuple[str, str]] = Counter()
    by_pool: Counter[tuple[str, str, str]] = Counter()
    for day in DAYS:
        pools = {(video, pool): draw.choice((0, 1, draw.randrange(9_000_000))) for video in VIDEOS for pool in POOLS}
        earned += [(day, pool, video, VIDEOS[video], micros, "interior") for (video, pool), micros in pools.items()]
        for sequence in range(3):
            if sequence:
                steps = {key: draw.randrange(-pools[key], 2_000_000) for key in draw.sample(sorted(pools), 5)}
                changes += [
                    (day, pool, video, VIDEOS[video], micros, sequence, "cap")
                    for (video, pool), micros in steps.items()
                ]
            else:
                steps = dict(pools)
            for video in VIDEOS:
                before = settled[day, video]
                settled[day, video] += sum(micros for (name, _), micros in steps.items() if name == video)
                old, new = (divided(micros, shares_on(video, day)) for micros in (before, settled[day, video]))
                for payee in new:
                    expected[f"{day}/{sequence}", payee] += new[payee] - old[payee]
            for (video, pool), micros in steps.items():
                by_pool[f"{day}/{sequence}", pool, video] += micros
                pools[video, pool] = micros + (pools[video, pool] if sequence else 0)

    settled_frame = settled_rows(
        spark.createDataFrame(
            earned, "date date, category string, video_id string, creator_id string, micros bigint, bound string"
        ),
        spark.createDataFrame(
            changes,
            "date date, category string, video_id string, creator_id string, change_micros bigint, sequence bigint, "
            "bound string",
        ),
    )
    entries = spark.createDataFrame(
        [(f"{day}/{sequence}", day, sequence) for day in DAYS for sequence in range(3)],
        "entry_id string, service_date date, sequence bigint",
    )
    rights = spark.createDataFrame([*RIGHTS], "video_id string, payee_id string, valid_from date, share_ppm bigint")
    rows = payee_parts(settled_steps(settled_frame), entries, rights).collect()

    found: Counter[tuple[str, str]] = Counter()
    of_pools: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        found[row["entry_id"], row["payee_id"]] += row["micros"]
        of_pools[row["entry_id"], row["category"], row["video_id"]] += row["micros"]
        assert row["bound"] == ("interior" if row["entry_id"].endswith("/0") else "cap")
    assert {key: micros for key, micros in found.items() if micros} == {
        key: micros for key, micros in expected.items() if micros
    }
    assert {key: micros for key, micros in of_pools.items() if micros} == {
        key: micros for key, micros in by_pool.items() if micros
    }
    payees = ["ann", "band"]
    own_steps = settled_steps(rows_of_payees(settled_frame, rights, payees))
    own = [row for row in payee_parts(own_steps, entries, rights).collect() if row["payee_id"] in payees]
    assert sorted(map(tuple, own), key=str) == sorted(
        (tuple(row) for row in rows if row["payee_id"] in payees), key=str
    )
