"""The configuration that a published day was paid with. The ledger keeps it, so that nobody has to name files."""

from __future__ import annotations

from collections.abc import Collection

from creatorpool.errors import ConfigurationError
from creatorpool.runs.ledger import INGEST, StageRun
from creatorpool.runs.pools import PoolRun
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.context import RunContext

PAYOUT_SECTIONS = ("signals", "quality", "pools", "allocation")
"""Sections of the configuration that payouts depend on"""


def ledger_settings(settings: Settings, rows: Collection[PoolRun]) -> Settings:
    """`settings` with the sections for payouts replaced by those that the ledger's `rows` were paid with.

    `settings` is returned unchanged if overlays or assignments changed these sections, because the user chose them; and
    if `rows` come from a version before 0.2, which kept no configuration, or have different configurations.
    """
    is_named = settings.sha256(*PAYOUT_SECTIONS) != load_settings().sha256(*PAYOUT_SECTIONS)
    return settings if is_named else published_settings(settings, rows) or settings


def published_settings(settings: Settings, rows: Collection[PoolRun]) -> Settings | None:
    """`settings` with the sections for payouts that the ledger's `rows` were paid with.

    None if the ledger keeps none, or if the rows have different ones.
    """
    kept = {row.config_json for row in rows}
    text = next(iter(kept), None)
    return None if len(kept) != 1 or text is None else settings.with_sections(text)


def ingested_settings(settings: Settings, run: StageRun) -> Settings:
    """`settings` with section `ingest` as `run` read the day, but for the keys that overlays or assignments set.

    `ingest.source` stays. Unchanged if `run` is of a version before 0.2, which kept no configuration.
    """
    if run.config_json is None:
        return settings
    base, given = load_settings().ingest, settings.ingest
    kept = {
        name: value
        for name, value in settings.with_sections(run.config_json).ingest
        if name != "source" and getattr(given, name) == getattr(base, name)
    }
    return settings.model_copy(update={INGEST: given.model_copy(update=kept)})


def use_ledger_settings(context: RunContext, rows: Collection[PoolRun]) -> None:
    """Let `context` compute with the configuration that the ledger's `rows` of its day were paid with.

    Raises
    ------
    ConfigurationError
        If the run was given another configuration, or if the ledger keeps none and the base configuration differs.
    """
    context.settings = ledger_settings(context.settings, rows)
    fingerprint = context.settings.sha256(*PAYOUT_SECTIONS)
    if other := sorted(row.category for row in rows if row.config_sha256 != fingerprint):
        raise ConfigurationError(
            f"pools {other} of {context.day} are published with another configuration of {list(PAYOUT_SECTIONS)}: give "
            f"that configuration (--conf and --set), or give none and the ledger's is used where the ledger has it"
        )
