"""What a published day would have paid under other settings: computed as a night computes it. Nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.errors import ConfigurationError, InputError
from creatorpool.runs.ledger import as_json
from creatorpool.runs.pools import PoolRun, day_outputs, latest_pool, require_published_pools
from creatorpool.runs.published import require_kept
from creatorpool.setting_changes import SettingChange, setting_changes
from creatorpool.settings import Settings, overlaid
from creatorpool.stages.allocation import DayPayouts, payouts_from, publish_payouts
from creatorpool.stages.configuration import PAYOUT_SECTIONS, ledger_settings, published_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.signals import STAGE as SIGNAL_STAGE
from creatorpool.stages.signals import stored_scores

WHATIF = "what if"
PULSE = ""
"""The category of rows of Pulse money, which no pool has."""

POOL_COLUMNS = ("category", "video_id", "creator_id", "payout_micros")
PULSE_COLUMNS = ("video_id", "creator_id", "pulse_micros")


@dataclass(frozen=True)
class Scenario:
    """A configuration to try, with the words that name it."""

    name: str
    settings: Settings
    beside: Sequence[SettingChange] = ()
    """Changes of settings that the published payouts stay under, such as those of ingestion, to be named too"""

    @classmethod
    def parse(cls, text: str, base: Settings) -> Scenario:
        """Read ``key=value`` settings and overlay files, separated by ``;``, as changes of `base`.

        Raises
        ------
        ConfigurationError
            If they cannot be used, or change nothing that payouts depend on.
        """
        words = [word.strip() for word in text.split(";") if word.strip()]
        overlays = [Path(word) for word in words if "=" not in word]
        settings = overlaid(base, overlays, [word for word in words if "=" in word])
        if not setting_changes(base, settings, PAYOUT_SECTIONS):
            raise ConfigurationError(
                f"'{text}' changes no setting that payouts depend on, as the day was paid: name others, such as "
                f"allocation.alpha=0.7, of the sections {list(PAYOUT_SECTIONS)}"
            )
        return cls(text, settings)


@dataclass(frozen=True)
class PublishedPayouts:
    """A day as it was paid."""

    pools: Mapping[str, PoolRun]
    settings: Settings | None
    """None if the ledger keeps no configuration of the day"""
    earned: pa.Table
    """`category` (`PULSE` for Pulse money), `video_id`, `creator_id`, `micros`"""
    views: pa.Table
    """`video_id`, `views`"""

    @property
    def currency(self) -> str:
        """The day's currency."""
        return next(iter(self.pools.values())).currency


@dataclass(frozen=True)
class WhatIf:
    """The same day under other settings."""

    name: str
    changes: Sequence[SettingChange] | None
    """Against the published settings; None if they are not known"""
    pools: Mapping[str, PoolRun]
    earned: pa.Table
    """One row per category and video of either: the columns of `PublishedPayouts.earned`, and `published_micros`"""


@dataclass(frozen=True)
class Study:
    """A published day, and the day under each of several configurations."""

    published: PublishedPayouts
    outcomes: Sequence[WhatIf]


def tried_settings(context: RunContext, texts: Sequence[str]) -> list[Scenario]:
    """The configurations that `texts` name, as changes of the one that the day was paid with.

    If overlays or assignments of the run name another configuration for payouts, they change that one.

    Raises
    ------
    MissingTableError
        If no pool of the day is published.
    ConfigurationError
        As `Scenario.parse`.
    """
    ledger = require_published_pools(context.warehouse, context.day)
    base = ledger_settings(context.settings, ledger.values())
    return [Scenario.parse(text, base) for text in texts]


def what_if(
    context: RunContext, scenarios: Sequence[Scenario], categories: Collection[str] = (), *, renewed: bool = False
) -> Study:
    """Compute the published day under each of `scenarios`, from what its run read; `renewed`, from what is there now.

    Parameters
    ----------
    categories : collection of str
        Pools to compute; all by default. Other pools keep their payouts.

    Raises
    ------
    MissingTableError
        If no pool of the day is published, or the versions that the day was paid from are not kept any more.
    InputError, ConfigurationError
        As `publish_payouts`; an InputError names the scenario.
    """
    ledger = require_published_pools(context.warehouse, context.day)
    published = _published(context, ledger)
    as_of = None if renewed else _inputs(context, ledger)
    outcomes = [_outcome(replace(context, as_of=as_of), published, scenario, categories) for scenario in scenarios]
    return Study(published, outcomes)


def _inputs(context: RunContext, ledger: Mapping[str, PoolRun]) -> Mapping[str, int]:
    """The versions that the day was paid from; the latest ones if its pools were paid from several."""
    versions = latest_pool(ledger).inputs
    require_kept(context.warehouse, context.day, versions)
    if len({as_json(row.inputs) for row in ledger.values()}) > 1:
        context.warn(WHATIF, "the day's pools were paid from several versions of its events; the latest one is taken")
    return versions


def _published(context: RunContext, ledger: Mapping[str, PoolRun]) -> PublishedPayouts:
    warehouse, day, outputs = context.warehouse, context.day, day_outputs(ledger)
    pools, videos = (
        warehouse.read_arrow(table, columns, day=day, version=outputs[table])
        for table, columns in (("pool_payouts", POOL_COLUMNS), ("video_payouts", PULSE_COLUMNS))
    )
    scores = latest_pool(ledger).inputs["video_signals"]
    return PublishedPayouts(
        pools=ledger,
        settings=published_settings(context.settings, ledger.values()),
        earned=_earned(pools, videos),
        views=warehouse.read_arrow("video_signals", ["video_id", "views"], day=day, version=scores),
    )


def _outcome(
    context: RunContext, published: PublishedPayouts, scenario: Scenario, categories: Collection[str]
) -> WhatIf:
    context.log(WHATIF, f"computes {scenario.name}")
    night = replace(context, dry_run=True, settings=scenario.settings, results=[], kept=0)
    try:
        payouts = _paid(night, published, categories)
        pools = payouts.pool_payouts.select(*POOL_COLUMNS).toArrow()
        earned = _earned(pools, payouts.video_payouts.select(*PULSE_COLUMNS).toArrow())
    except InputError as error:
        raise InputError(f"with {scenario.name}: {error}") from error
    before = published.settings
    return WhatIf(
        name=scenario.name,
        changes=None if before is None else [*_changes(before, scenario), *scenario.beside],
        pools={row.category: row for row in payouts.pools},
        earned=_beside(published.earned, earned),
    )


def _changes(before: Settings, scenario: Scenario) -> list[SettingChange]:
    return setting_changes(before, scenario.settings, PAYOUT_SECTIONS)


def _paid(context: RunContext, published: PublishedPayouts, categories: Collection[str]) -> DayPayouts:
    """The payouts under the run's settings; scores that these leave as they are published are not computed again."""
    before, sections = published.settings, SIGNAL_STAGE.sections
    is_scored = before is not None and before.sha256(*sections) == context.settings.sha256(*sections)
    if context.as_of is not None and is_scored:
        return payouts_from(context, stored_scores(context, context.as_of), categories)
    return publish_payouts(context, categories, republish=True)


def _earned(pool_payouts: pa.Table, video_payouts: pa.Table) -> pa.Table:
    """The money of pools and of Pulse ads, one row per category and video."""
    pulse = video_payouts.filter(pc.not_equal(video_payouts.column("pulse_micros"), 0))
    category = pa.array([PULSE] * pulse.num_rows, pa.string())
    columns = [category, *(pulse.column(name) for name in PULSE_COLUMNS)]
    schema = pa.schema([*((name, pa.string()) for name in POOL_COLUMNS[:3]), ("micros", pa.int64())])
    parts = [[pool_payouts.column(name) for name in POOL_COLUMNS], columns]
    return pa.concat_tables([pa.table(part, names=schema.names).cast(schema) for part in parts])


def _beside(published: pa.Table, earned: pa.Table) -> pa.Table:
    """Both as one table, in the order of categories and videos; what only one of them pays is 0 in the other."""
    old = published.rename_columns(["category", "video_id", "old_creator_id", "published_micros"])
    both = earned.join(old, ["category", "video_id"], join_type="full outer")
    creator = pc.coalesce(both.column("creator_id"), both.column("old_creator_id"))
    money = {name: pc.fill_null(both.column(name), 0) for name in ("micros", "published_micros")}
    keys = {name: both.column(name) for name in ("category", "video_id")}
    return pa.table({**keys, "creator_id": creator, **money}).sort_by([(name, "ascending") for name in keys])
