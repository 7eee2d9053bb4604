"""Verbs for the logs of other platforms: propose a mapping, and check it against files."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from creatorpool.cli.options import ConfigurationOptions, Engine, day_option, parsed_place, source_formats
from creatorpool.cli.progress import logged
from creatorpool.errors import ConfigurationError, InputError
from creatorpool.storage.places import Place

logger = logging.getLogger("creatorpool")

_PROPOSED_FROM = 1000
"""Records of each file that a proposal looks at"""


def init_source(
    sample: Annotated[
        Place,
        typer.Argument(metavar="SAMPLE", parser=parsed_place, help="a folder with files of the logs, or one file"),
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write the mapping there, such as conf/sources/ours.yaml; default: print it"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="a column that no name tells, as viewer_id=acct; may be repeated"),
    ] = None,
) -> None:
    """Look at files of another platform and propose a mapping, with comments. Starts no engine."""
    from creatorpool.ingest.sources.proposal import proposed_mapping
    from creatorpool.ingest.sources.sample import sample_files

    settings = ConfigurationOptions().settings().ingest
    folder = sample if sample.is_dir() else sample.parent
    given = dict(_pair(text) for text in column or ())
    text = proposed_mapping(folder, sample_files(sample, settings, _PROPOSED_FROM), given)
    if output is None:
        print(text, end="")
        return
    _write_new(text, output)
    print(f"{output} is written: fill in what it says, then `creatorpool check-source {output} {folder}`")


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (ours and equals and theirs):
        raise InputError(f"--column must be OURS=THEIRS, such as viewer_id=acct, got '{text}'")
    return ours, theirs


def _write_new(text: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(f"{path} exists: name another file with --output, or remove it") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def check_source(
    options: ConfigurationOptions,
    mapping: Annotated[
        str,
        typer.Argument(
            metavar="MAPPING",
            help="a name in conf/sources/, or a file that ends in .yaml",
            autocompletion=source_formats,
        ),
    ],
    source: Annotated[Place, typer.Argument(metavar="DIR", parser=parsed_place, help="folder of the logs")],
    day: Annotated[date | None, day_option("--day", help="the day; default: the one with the most records")] = None,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="records to read of each file")] = 10_000,
    engine: Engine = None,
) -> None:
    """Check a mapping against a sample of files, and report why a run would stop; exit code 2 if it would."""
    from tempfile import TemporaryDirectory

    from creatorpool.ingest.reading import Reading
    from creatorpool.ingest.sources.check import check_source as find_faults
    from creatorpool.ingest.sources.mapping import load_mapping
    from creatorpool.report.source_summary import print_findings
    from creatorpool.session import open_session, resolve_engine

    settings, loaded = options.settings(), load_mapping(mapping)
    with (
        logged(f"check of {loaded.source.path.name}"),
        TemporaryDirectory(prefix="creatorpool-") as staging,
        open_session(resolve_engine(engine, settings.engine), settings.engine) as session,
    ):
        reading = Reading(session, Path(staging), settings.ingest)
        found = find_faults(reading, loaded, source, day, rows, settings)
    print_findings(found)
    for warning in found.warnings:
        logger.warning("%s", warning)
    if found.faults:
        *others, last = found.faults
        for fault in others:
            logger.error("%s", fault)
        raise ConfigurationError(last) if found.is_misconfigured else InputError(last)
    print(f"The mapping fits: a run of {found.day} would read these files")
