"""How sensitive a published day's payouts are to the numbers that the platform must believe. Reads, writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from creatorpool.errors import InputError
from creatorpool.integrity.market import Market
from creatorpool.integrity.sensitivity import (
    Change,
    Sensitivity,
    score_changes,
    sensitivity,
    tier_changes,
    weight_changes,
)
from creatorpool.stages.configuration import use_ledger_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.day_market import DayVideos
from creatorpool.stages.published_day import PublishedDay, published_day

SUBJECT = "sensitivity"
"""The subject of log lines"""


def day_sensitivities(
    context: RunContext, categories: Collection[str] = (), *, step: float = 0.1, seed: int = 1
) -> list[Sensitivity]:
    """What the payouts of the day's pools, or of `categories`, would be with other believed numbers, largest first.

    Parameters
    ----------
    step : float
        The change, in (0, 1): absolute for scores of videos, relative for weights.
    seed : int
        Chooses the scores that are changed by chance.

    Raises
    ------
    InputError
        If no pool of the day paid anything; else as `published_day`.
    """
    context.log(SUBJECT, "reads the published day")
    day = published_day(context, categories)
    use_ledger_settings(context, [pool.row for pool in day.pools.values()])
    videos = DayVideos.read(context, day)
    market = videos.market(context.settings, day)
    if not market.pools:
        raise InputError(f"no pool of {context.day} paid anything, so that no number can change its payouts")
    found = [sensitivity(market, change) for change in _changes(context, day, videos, market, step, seed)]
    return sorted(found, key=lambda own: -own.moved)


def _changes(
    context: RunContext, day: PublishedDay, videos: DayVideos, market: Market, step: float, seed: int
) -> Iterator[Change]:
    context.log(SUBJECT, "pays it under other scores and weights")
    yield from score_changes(market, context.settings.signals.toxicity_penalty, step, seed)
    yield from weight_changes(market, step)
    for number, words, tiers in tier_changes(context.settings.signals.tiers, step):
        context.log(SUBJECT, f"weighs the day's events again: {number} {words}")
        yield Change(number, words, videos.reweighted(context, day, market, tiers))
