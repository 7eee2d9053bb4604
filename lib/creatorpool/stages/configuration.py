"""The configuration that a published day was paid by: the ledger keeps it, so that nobody has to name files."""

from __future__ import annotations

from collections.abc import Collection

from creatorpool.errors import ConfigurationError
from creatorpool.runs.pools import PoolRun
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.context import RunContext

PAYOUT_SECTIONS = ("signals", "quality", "pools", "allocation")
"""Parts of the configuration that payouts depend on."""


def ledger_settings(settings: Settings, rows: Collection[PoolRun]) -> Settings:
    """`settings` with what the ledger's `rows` of `allocation_runs` were paid by in place of the base configuration.

    Where overlays or assignments changed what payouts depend on, `settings` stands as it is: whoever names a
    configuration means it. So it does where the rows are of a version before 0.2, which kept no configuration.
    """
    kept = {row.config_json for row in rows}
    is_named = settings.sha256(*PAYOUT_SECTIONS) != load_settings().sha256(*PAYOUT_SECTIONS)
    text = next(iter(kept), None)
    if is_named or len(kept) != 1 or text is None:
        return settings
    return settings.with_sections(text)


def take_paid_settings(context: RunContext, rows: Collection[PoolRun]) -> None:
    """Let `context` compute with the configuration that the ledger's `rows` of its day were paid by.

    Raises
    ------
    ConfigurationError
        If the run was given another configuration, or the ledger keeps none and the base configuration is another.
    """
    context.settings = ledger_settings(context.settings, rows)
    fingerprint = context.settings.sha256(*PAYOUT_SECTIONS)
    if other := sorted(row.category for row in rows if row.config_sha256 != fingerprint):
        raise ConfigurationError(
            f"pools {other} of {context.day} are published with another configuration of {list(PAYOUT_SECTIONS)}: give "
            f"the one that they are published with (--conf and --set), or none, where the ledger keeps it"
        )
