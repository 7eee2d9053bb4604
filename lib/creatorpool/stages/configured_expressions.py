"""Checks the configuration's SQL and its signals' columns without data, as the stages would find them in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from creatorpool.cohorts.frames.views import entrant_views
from creatorpool.contracts import Contract, load_contract
from creatorpool.contracts.schema import spark_schema
from creatorpool.errors import ConfigurationError, CreatorpoolError
from creatorpool.expressions import require_computable
from creatorpool.quality.frames.columns import SIGNAL_COLUMNS
from creatorpool.quality.frames.video_signals import video_signals
from creatorpool.settings import Settings, SignalSettings

_KEY = ("date", "video_id")

Check = Callable[[], object]
"""Raises a CreatorpoolError if the configuration has a fault"""


def require_signal_columns(settings: SignalSettings, contract: Contract) -> None:
    """Check that `contract`, that of `video_signals`, has a column for each custom signal, and none without a signal.

    Raises
    ------
    ConfigurationError
        If it does not; the message names the signals or the columns, and the file.
    """
    known = set(contract.column_names)
    if missing := sorted(set(settings.custom) - known):
        raise ConfigurationError(
            f"signals.custom: signals {missing} have no column in {contract.path}: add a column of type DOUBLE, not "
            f"required, for each, as docs/contracts.md shows"
        )
    if unfilled := sorted(known - {*_KEY, *SIGNAL_COLUMNS, *settings.custom}):
        raise ConfigurationError(
            f"signals.custom: columns {unfilled} of {contract.path} have no signal: give the overlay that names the "
            f"signals (--conf), or remove the columns"
        )


def configuration_faults(settings: Settings, session: SparkSession | None) -> list[str]:
    """What stages refuse: signals without a column and, with a session, expressions that cannot be computed."""
    checks: list[Check] = [partial(require_signal_columns, settings.signals, load_contract("video_signals"))]
    if session is not None:
        checks += _expression_checks(settings, session)
    return [fault for check in checks for fault in _fault(check)]


def _expression_checks(settings: Settings, session: SparkSession) -> Iterator[Check]:
    events, viewers, videos = (_empty(session, name) for name in ("events", "viewers", "videos"))
    for name, signal in settings.signals.custom.items():
        alone = settings.signals.model_copy(update={"custom": {name: signal}})
        yield partial(video_signals, events, viewers, videos, alone)
    seen = events.join(videos.select("video_id", "length_ms"), on="video_id", how="inner")
    for name, rule in settings.recommend.rules().items():
        key = settings.recommend.interactions.with_origin(name, f"recommend.interactions.{name}")
        yield partial(require_computable, seen, key, rule, "boolean")
    views, own = entrant_views(events, videos, _empty(session, "entrants")), settings.incentives
    for name, kind in (("success", "boolean"), ("replay_target", "double")):
        key = own.with_origin(name, f"incentives.{name}")
        yield partial(require_computable, views, key, getattr(own, name), kind)


def _empty(session: SparkSession, table: str) -> DataFrame:
    return session.createDataFrame([], spark_schema(load_contract(table)))


def _fault(check: Check) -> Iterator[str]:
    try:
        check()
    except CreatorpoolError as error:
        yield str(error)
