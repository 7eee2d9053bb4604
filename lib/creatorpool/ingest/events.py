"""Judging a day's events by their contract, the known viewers and videos, and what the table has already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.contracts.row_rules import FAILED_RULES
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.judge import JudgedTable, collected, conformed, flag_rows, sent_along, table_counts
from creatorpool.ingest.repeats import repeated_hashes, settle_repeats, stored_hashes, with_key
from creatorpool.ingest.rules import conflict_rule, known_rule, window_rule, with_known
from creatorpool.ingest.survey import survey_rows

KEY = ("event_id",)


@dataclass(frozen=True)
class Dimension:
    """Viewers or videos: one row a key, and how many there are at most."""

    rows: DataFrame
    number: int


@dataclass(frozen=True)
class SettledEvents:
    """Events without repetitions, ready to be judged; `was_read` counts them before, where there were any."""

    rows: DataFrame
    contract: Contract
    rules: tuple[RowRule, ...]
    is_text: bool
    was_read: int | None

    def flag(self, viewers: Dimension, videos: Dimension) -> DataFrame:
        """The events with the names of the rules that each breaks."""
        joined = with_known(self.rows, sent_along(viewers.rows.select("viewer_id"), viewers.number), "viewer_id")
        joined = with_known(joined, sent_along(videos.rows.select("video_id"), videos.number), "video_id")
        return flag_rows(joined, self.contract, self.rules, is_text=self.is_text)

    def judge(self, day: date, viewers: Dimension, videos: Dimension) -> JudgedTable:
        """The events with their verdicts, counted."""
        flagged = self.flag(viewers, videos)
        survey = survey_rows(flagged, self.contract)
        duplicates = 0 if self.was_read is None else self.was_read - survey.rows
        return JudgedTable(self.contract, flagged, table_counts(survey, duplicates, day=day))


def settle_events(
    delivery: Delivery, contract: Contract, session: SparkSession, window: tuple[date, int], stored: DataFrame | None
) -> SettledEvents:
    """Drop what repeats another event of the delivery, or one of `stored`, the table's rows of the window's days.

    `window` is the run's day and how many days before it are still taken.
    """
    rows = conformed(delivery, contract)
    rules = [window_rule(*window), known_rule("viewer_id"), known_rule("video_id")]
    contested = _contested(rows, contract, session, stored)
    if contested is None:
        return SettledEvents(rows, contract, tuple(rules), delivery.is_text, None)
    settled = settle_repeats(rows, contested, contract, KEY, stored)
    return SettledEvents(settled, contract, (*rules, conflict_rule(contract)), delivery.is_text, rows.count())


def _contested(
    rows: DataFrame, contract: Contract, session: SparkSession, stored: DataFrame | None
) -> DataFrame | None:
    """Hashes of the ids that come twice, or are stored already; None if there are none."""
    repeated = collected(repeated_hashes(rows, contract, KEY), session)
    known = None if stored is None else _known_already(rows, contract, session, stored)
    if repeated is None or known is None:
        return repeated if known is None else known
    return repeated.unionByName(known).distinct()


def _known_already(rows: DataFrame, contract: Contract, session: SparkSession, stored: DataFrame) -> DataFrame | None:
    days = [row["date"] for row in stored.select("date").distinct().collect()]
    same_day = with_key(rows, contract, KEY).where(F.col("date").isin(days) & (F.size(FAILED_RULES) == 0))
    # Usually a few late events; after a crash, the whole day.
    number = same_day.count()
    if not number:
        return None
    return collected(stored_hashes(stored, sent_along(same_day.select("date", *KEY), number), KEY), session)
