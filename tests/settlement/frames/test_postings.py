"""Lines of the journal and balances of a month from a few bookings, on either engine, by hand."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from creatorpool.ingest.merge_rules import excessive_shares
from creatorpool.settlement.frames.balances import closed_balances, month_changes, open_balances, payments_due
from creatorpool.settlement.frames.holds import added_holds, changed_holds, held_rows
from creatorpool.settlement.frames.postings import hold_lines, numbered, payee_lines
from creatorpool.settlement.frames.rights import payee_rows
from creatorpool.settlement.journal import HOLD, NIGHT, Entry

DAY = date(2026, 11, 30)


def test_bookings_become_lines_balances_and_payments(spark: SparkSession) -> None:
    amounts = spark.createDataFrame(
        [(DAY, "v1", "ann", 0, 10_000_001), (DAY, "v2", "ben", 3, 3_000_003)],
        "service_date date, video_id string, creator_id string, before_micros bigint, after_micros bigint",
    )
    rights = spark.createDataFrame(
        [("v1", "label", DAY, 333_333), ("v1", "band", DAY, 333_333), ("v2", "label", date(2026, 12, 1), 1_000_000)],
        "video_id string, payee_id string, valid_from date, share_ppm bigint",
    )
    holds = spark.createDataFrame(
        [("h1", "video", "v1", 100_000), ("h2", "payee", "label", 500_000), ("h3", "creator", "ben", 250_000)],
        "hold_id string, subject_kind string, subject_id string, share_ppm bigint",
    )
    bookings = payee_rows(amounts, rights)

    parts = {row["payee_id"]: row["micros"] for row in bookings.collect()}
    # The thirds of 10,000,001 leave one micro, which goes to the largest remainder, the creator's.
    assert parts == {"ann": 3_333_341, "band": 3_333_330, "label": 3_333_330, "ben": 3_000_000}
    held = held_rows(bookings, holds)
    kept = {row["payee_id"]: (row["hold_id"], row["held_micros"]) for row in held.collect()}
    assert kept == {
        "ann": ("h1", 333_334),
        "band": ("h1", 333_333),
        "label": ("h2", 1_666_665),
        "ben": ("h3", 750_000),
    }
    added = {row["payee_id"]: row["held_micros"] for row in added_holds(bookings, holds, ["h2"]).collect()}
    assert added == {"label": 1_666_665 - 333_333}
    had = numbered(payee_lines(held_rows(bookings, holds.where("hold_id <> 'h2'")), Entry(NIGHT, DAY), DAY, "USD"))
    changed = changed_holds(held, had.where("account = 'Held'")).groupBy("payee_id", "hold_id").sum("held_micros")
    moved = {(payee, hold): micros for payee, hold, micros in changed.collect() if micros}
    assert moved == {("label", "h2"): 1_666_665, ("label", "h1"): -333_333}

    lines = numbered(payee_lines(held, Entry(NIGHT, DAY), DAY, "USD")).collect()
    assert [row["line"] for row in sorted(lines, key=lambda row: row["line"])] == list(range(1, 9))
    assert sum(row["amount_micros"] for row in lines) == 13_000_001
    late = hold_lines(added_holds(bookings, holds, ["h2"]), Entry(HOLD, DAY, "h2"), DAY, "USD")
    assert sum(row["amount_micros"] for row in numbered(late).collect()) == 0

    journal = numbered(payee_lines(held, Entry(NIGHT, DAY), DAY, "USD"))
    stopped = holds.where("subject_kind = 'payee'").selectExpr("subject_id AS payee_id")
    closed = closed_balances(open_balances(month_changes(journal), None), stopped, 2_500_000, {"USD": 10_000})
    found = {row["payee_id"]: (row["reason"], row["paid_micros"], row["closing_micros"]) for row in closed.collect()}
    assert found == {
        "ann": ("paid", 3_000_000, 7),
        "band": ("paid", 2_990_000, 9_997),
        "label": ("on_hold", 0, 1_666_665),
        "ben": ("below_threshold", 0, 2_250_000),
    }
    payments = payments_due(closed.selectExpr("'2026-11' AS month", "*").drop("unit"), {"USD": 10_000}).collect()
    assert {row["payee_id"]: row["amount_minor"] for row in payments} == {"ann": 300, "band": 299}
    assert excessive_shares(rights).count() == 0
