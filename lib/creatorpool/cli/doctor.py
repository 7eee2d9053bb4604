"""The verb that examines what a night needs."""

from __future__ import annotations

from typing import Annotated

import typer

from creatorpool.cli.options import EngineOptions, parsed_place
from creatorpool.errors import ConfigurationError
from creatorpool.storage.places import Place


def doctor(
    options: EngineOptions,
    source: Annotated[
        Place | None,
        typer.Option(metavar="DIR", parser=parsed_place, help="folder of a day's logs; default: ingest.source"),
    ] = None,
) -> None:
    """Examine root, source, engine and machine, and say what to do; exit code 3 if a night would fail.

    It writes trial files and tables beside the tables, and deletes them. Nothing that is published is read or changed.
    """
    from rich.table import Table

    from creatorpool.doctor.engine import engine_findings
    from creatorpool.doctor.machine import machine_findings
    from creatorpool.doctor.storage import source_finding, storage_findings
    from creatorpool.report.console import PlainConsole
    from creatorpool.session import resolve_engine
    from creatorpool.storage.places import place_of

    settings, root = options.settings(), options.tables_root()
    engine = resolve_engine(options.engine, settings.engine)
    configured = settings.ingest.source
    found = storage_findings(root)
    if all(finding.state != "fault" for finding in found):
        found += engine_findings(engine, settings.engine, root)
    found.append(source_finding(source or (place_of(configured) if configured else None), settings.ingest))
    found += machine_findings(engine, settings.engine)
    table = Table("examined", "state", "found")
    for finding in found:
        table.add_row(finding.subject, finding.state, finding.text)
    PlainConsole(width=120).print(table)
    faults = [finding.text for finding in found if finding.state == "fault"]
    if faults:
        raise ConfigurationError(f"{len(faults)} of {len(found)} examinations failed, the first: {faults[0]}")
