"""Reads KuaiRand's logs (Gao et al., CIKM 2022), the public files or parts of them, one day at a time.

Real data from the log: who watched which video, when (`time_ms`, UTC), for how long (`play_time_ms`), and the flags
`is_like` (false if the log has no such column), `is_comment`, `is_forward` (a share) and `is_follow`. A video's length
is the longest `duration_ms` of its rows. A video without a length above 0 is quarantined, and so are its events.
`long_view` is not used: it follows from watch time and length.

Real data from the user features: how long an account has been registered. KuaiRand has no tiers; an account that was
registered for a year is 'verified' here, a younger one 'unverified'.

Made-up data, marked as such, because the logs do not have it: creators (`made-up-creator-17`), categories
(`made-up-category-3`), safety scores, compliance (always true), Pulse (one video in 50), publication times, the tier of
a user without features (two in three are 'verified'), and ad revenue: fixed micros for each row of the log, in the
currency XXX, ISO 4217's code for no currency. All of it is drawn from a hash of the video's or user's id, so it is the
same on every day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.actions import ACTIONS
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import InputError
from creatorpool.frames import union_all
from creatorpool.ingest.byte_stream import opened
from creatorpool.ingest.csv_records import CsvFile
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.materialize import materialized_if_small
from creatorpool.ingest.reading import Reading
from creatorpool.platform_day import day_expression

CREATORS, CATEGORIES = 400, 6
MICROS_PER_VIEW, PULSE_MICROS_PER_VIEW = 1_000, 3_000
CURRENCY = "XXX"
VERIFIED_AFTER_DAYS = 365

_LOGS = ("events_*.tsv*", "events_*.csv*", "log_*.csv*", "log_*.tsv*")
_NEEDED = ("user_id", "video_id", "time_ms", "is_follow", "is_comment", "is_forward", "play_time_ms", "duration_ms")
_OPTIONAL = ("is_like", "tab")
_ACTION_COLUMNS = {"like": "is_like", "comment": "is_comment", "share": "is_forward", "follow": "is_follow"}
# The beginning of the data set. Made-up times use this fixed moment, so that all days give a video the same times.
_BEGINNING = datetime(2022, 4, 8, tzinfo=UTC)


def read_kuairand(reading: Reading, source: Path, day: date) -> dict[str, Delivery]:
    """The rows of `day` by table, with the columns of the native layout. If users are hashed, ids have the hash.

    The day is one of `ingest.day_timezone`.

    Raises
    ------
    InputError
        If `source` has no log, or a log or the user features lack a required column.
    """
    session = reading.session
    files = kuairand_files(source)
    log = _read_log(reading, files["log"])
    own_day = F.expr(day_expression("event_ts", reading.settings.day_timezone))
    is_other = F.coalesce(own_day != F.lit(day), F.lit(False))
    other_day = log.where(is_other).count()
    today = log.where(~is_other)
    videos = materialized_if_small(_videos(log, today), session).rows
    viewers = materialized_if_small(_viewers(today, _read_features(reading, files["user_features"])), session).rows
    revenue = materialized_if_small(_revenue(today, videos, day), session).rows
    return {
        "viewers": Delivery("viewers", (viewers,)),
        "videos": Delivery("videos", (videos,)),
        "ad_revenue": Delivery("ad_revenue", (revenue,)),
        "events": Delivery("events", (_events(today),), absent=("date",), is_text=True, other_day=other_day),
    }


def kuairand_files(source: Path) -> dict[str, list[Path]]:
    """The log files in `source`, and those of user features, which may be none.

    Raises
    ------
    InputError
        If there is no log.
    """
    logs = sorted({path for pattern in _LOGS for path in source.glob(pattern)})
    if not logs:
        raise InputError(f"{source} has no KuaiRand log: no file matches {', '.join(_LOGS)}")
    return {"log": logs, "user_features": sorted(source.glob("user_features*.csv*"))}


def _read_log(reading: Reading, paths: Sequence[Path]) -> DataFrame:
    return union_all([_read_separated(reading, path, _NEEDED, _OPTIONAL) for path in paths])


def _read_features(reading: Reading, paths: Sequence[Path]) -> DataFrame | None:
    if not paths:
        return None
    frames = [_read_separated(reading, path, ("user_id", "register_days"), ()) for path in paths]
    return union_all(frames).dropDuplicates(["user_id"])


def _read_separated(reading: Reading, path: Path, needed: tuple[str, ...], optional: tuple[str, ...]) -> DataFrame:
    """Columns `needed`, `optional` (NULL if the file has none) and `raw_row`, as text; with a time also `event_ts`."""
    settings = reading.settings
    with opened(path, "events", settings.max_file_bytes) as stream:
        file = CsvFile(stream, max_header_bytes=settings.max_header_bytes, separator=None)
        names = file.names
        missing = [name for name in needed if name not in names]
        if missing or len(set(names)) < len(names):
            raise InputError(f"{path}: columns {missing} are missing, or one occurs twice; required are {list(needed)}")
        records = file.records(settings.max_row_bytes, quote=reading.may_quote)
        staged = reading.stage(records, names, f"{path.name}.parquet")
    rows = reading.staged([staged], names)
    for name in optional:
        rows = rows if name in names else rows.withColumn(name, F.lit(None).cast("string"))
    rows = rows.select(*needed, *optional, RAW_ROW)
    if "time_ms" in needed:
        rows = rows.withColumn("event_ts", F.timestamp_millis(F.col("time_ms").try_cast("bigint")))
    return rows


def _events(today: DataFrame) -> DataFrame:
    nothing = F.lit(None).cast("string")
    is_read = F.col("user_id").isNotNull() & F.col("video_id").isNotNull() & F.col("time_ms").isNotNull()
    return today.select(
        F.when(is_read, F.concat_ws("-", "user_id", "video_id", "time_ms")).alias("event_id"),
        F.col("user_id").alias("viewer_id"),
        "video_id",
        "event_ts",
        F.col("play_time_ms").alias("watch_ms"),
        nothing.alias("loop_count"),
        *(_flag(action.name, is_read).alias(action.event_column) for action in ACTIONS),
        F.concat(F.lit("tab-"), F.col("tab")).alias("surface"),
        nothing.alias("test_slot"),
        nothing.alias("propensity"),
        RAW_ROW,
    )


def _flag(action: str, is_read: Column) -> Column:
    """The log's flag of an action as text; "0" if an optional column is missing or empty."""
    column = _ACTION_COLUMNS.get(action)
    if column in _NEEDED:
        return F.col(column)
    return F.when(is_read, F.lit("0") if column is None else F.coalesce(F.col(column), F.lit("0")))


def _viewers(today: DataFrame, features: DataFrame | None) -> DataFrame:
    users = today.where(F.col("user_id").isNotNull()).select("user_id").distinct()
    if features is None:
        users = users.withColumn("days", F.lit(None).cast("int"))
    else:
        days = features.select("user_id", F.col("register_days").try_cast("int").alias("days"))
        users = users.join(days, "user_id", "left")
    is_made_up_verified = _draw("user_id", "tier", 3) < 2
    is_verified = F.coalesce(F.col("days") >= VERIFIED_AFTER_DAYS, is_made_up_verified)
    registered = F.coalesce(F.date_sub(F.lit(_BEGINNING.date()), F.col("days")), F.lit(_BEGINNING.date()))
    return users.select(
        F.col("user_id").alias("viewer_id"),
        F.when(is_verified, "verified").otherwise("unverified").alias("trust_tier"),
        F.lit(None).cast("string").alias("region"),
        registered.cast("timestamp").alias("valid_from"),
    )


def _videos(log: DataFrame, today: DataFrame) -> DataFrame:
    watched = today.where(F.col("video_id").isNotNull()).select("video_id").distinct()
    lengths = log.groupBy("video_id").agg(F.max(F.col("duration_ms").try_cast("bigint")).alias("length_ms"))
    return watched.join(lengths, "video_id", "left").select(
        "video_id",
        _named("made-up-creator-", "creator", CREATORS).alias("creator_id"),
        "length_ms",
        F.array(_named("made-up-category-", "category", CATEGORIES)).alias("categories"),
        F.lit(_BEGINNING).alias("published_at"),
        F.lit(True).alias("is_compliant"),
        (1 - _draw("video_id", "s_pos", 200) / 1000).alias("s_pos"),
        (_draw("video_id", "s_tox", 200) / 1000).alias("s_tox"),
        (_draw("video_id", "pulse", 50) == 0).alias("is_pulse"),
    )


def _revenue(today: DataFrame, videos: DataFrame, day: date) -> DataFrame:
    """Fixed micros for each row of the log: for its video's category, and for a Pulse video also for the video."""
    views = today.join(videos.where(F.col("length_ms") > 0), "video_id", "inner")
    category = F.col("categories")[0].alias("category")
    pooled = views.groupBy(category).agg((F.count("*") * MICROS_PER_VIEW).alias("revenue_micros"))
    pulse = views.where("is_pulse").groupBy(category, "video_id")
    beside = pulse.agg((F.count("*") * PULSE_MICROS_PER_VIEW).alias("revenue_micros"))
    rows = pooled.withColumn("video_id", F.lit(None).cast("string")).unionByName(beside)
    return rows.select(
        F.lit(day).alias("date"),
        "category",
        F.when(F.col("video_id").isNull(), "non_pulse").otherwise("pulse").alias("placement"),
        "video_id",
        "revenue_micros",
        F.lit(CURRENCY).alias("currency"),
    )


def _named(prefix: str, purpose: str, choices: int) -> Column:
    return F.concat(F.lit(prefix), _draw("video_id", purpose, choices).cast("string"))


def _draw(column: str, purpose: str, choices: int) -> Column:
    """A whole number from 0 to below `choices` from a hash of the id: the same on each day and engine."""
    return F.pmod(F.xxhash64(F.concat(F.lit(f"{purpose} "), F.col(column))), F.lit(choices))
