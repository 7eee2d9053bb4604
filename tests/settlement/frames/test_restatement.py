"""The worked examples of docs/settlement.md, computed again from what the policies book."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.checkout import project_root

from creatorpool.errors import InputError
from creatorpool.money import round_to_total
from creatorpool.settlement.frames.restatement import BOUNDS, booked_change, compared_rows
from creatorpool.settlement.restatement import Policy, PoolMoney, booked_money, require_goodwill_within

pytestmark = pytest.mark.once

POOL, BEFORE, NOW = 60_000_000, (30, 20, 10), (15, 20, 10)
VIDEOS = ("A", "B", "C")
PAGE = project_root() / "docs" / "settlement.md"
_ROWS = "category string, video_id string, creator_id string, micros bigint, {} bigint, {} bigint, bound string"


def split(impressions: tuple[int, ...]) -> list[int]:
    """The pool in proportion to effective impressions."""
    return [*map(int, round_to_total(POOL * np.array(impressions) / sum(impressions), POOL))]


def booked(spark: SparkSession, policy: Policy) -> tuple[list[int], PoolMoney]:
    """What the policy books for each video, of which only the first has other inputs, and for the pool."""
    schema = _ROWS.format(*BOUNDS)
    before, now = (
        [("comedy", video, "own", micros, 0, POOL, "interior") for video, micros in zip(VIDEOS, paid, strict=True)]
        for paid in (split(BEFORE), split(NOW))
    )
    touched = spark.createDataFrame([(VIDEOS[0],)], "video_id string")
    rows = compared_rows(spark.createDataFrame(before, schema), None, spark.createDataFrame(now, schema), touched)
    changes = {
        row["video_id"]: row["change"] for row in rows.select("*", booked_change(policy).alias("change")).collect()
    }
    own = [changes[video] for video in VIDEOS]
    settled = PoolMoney(POOL, 0, POOL, 0)
    return own, booked_money(policy, settled, settled, sum(own))


def shown(micros: int, *, signed: bool = False) -> str:
    if not micros:
        return "0"
    sign = "−" if micros < 0 else "+" if signed else ""
    return f"{sign}{abs(micros) / 1_000_000:.6f}"


def cells(*amounts: int, signed: bool = False) -> list[str]:
    return [shown(micros, signed=signed) for micros in amounts]


def rows_of(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading of the page, by their first cell."""
    (text,) = re.findall(rf"^#+ {heading}\n(.*?)^#", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
    return {name: own for name, *own in lines[2:]}


@pytest.mark.parametrize("policy", ["claw_back", "hold_harmless"])
def test_worked_examples_of_the_page_settlement_are_what_the_policies_book(spark: SparkSession, policy: Policy) -> None:
    changes, pool = booked(spark, policy)

    after = PoolMoney(POOL, 0, POOL, 0) + pool
    assert after.gross + after.goodwill == sum(split(BEFORE)) + sum(changes) + after.unallocated
    settled = [earned + change for earned, change in zip(split(BEFORE), changes, strict=True)]
    assert rows_of(f"Worked example: {policy}") == {
        f"`{policy}` books": cells(*changes, pool.unallocated, pool.goodwill, signed=True),
        "settled then": cells(*settled, after.unallocated, after.goodwill),
    }


def test_the_page_settlement_shows_what_the_pool_would_pay_and_what_full_books(spark: SparkSession) -> None:
    changes, pool = booked(spark, "full")

    assert rows_of("The policies in money") == {
        "earned": cells(*split(BEFORE), 0, 0),
        "would be paid now": cells(*split(NOW), 0, 0),
        "`full` books": cells(*changes, pool.unallocated, pool.goodwill, signed=True),
    }


def test_the_cap_that_the_page_settlement_names_is_the_goodwill_of_its_example(spark: SparkSession) -> None:
    _, pool = booked(spark, "hold_harmless")
    (cap,) = re.findall(r"with `restate.goodwill_cap_micros` below ([\d,]+) the run", PAGE.read_text("utf-8"))

    require_goodwill_within(int(cap.replace(",", "")), 0, pool.goodwill)
    with pytest.raises(InputError, match="raise the cap"):
        require_goodwill_within(int(cap.replace(",", "")) - 1, 0, pool.goodwill)
