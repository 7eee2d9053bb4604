"""The fingerprint of a delivery: whether two deliveries have the same files, whatever these are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from creatorpool.errors import InputError
from creatorpool.ingest.delivery import TableFiles, delivered_files
from creatorpool.ingest.sources.files import input_paths
from creatorpool.ingest.sources.mapping import NATIVE, load_mapping
from creatorpool.settings import IngestSettings
from creatorpool.storage.places import Place


def delivery_fingerprint(source: Place, settings: IngestSettings) -> dict[str, str]:
    """SHA-256 of the content of the files of each table in `source`, by table, or by input of the mapping.

    Raises
    ------
    InputError
        If a table is missing or a file cannot be read.
    ConfigurationError
        If the mapping has a fault.
    """
    mapping = None if settings.format == NATIVE else load_mapping(settings.format).mapping
    given = {} if mapping is None else {f"input {name}": (name, found) for name, found in mapping.inputs.items()}
    inputs = {title: _digest(title, input_paths(source, *found)) for title, found in given.items()}
    tables = delivered_files(source, () if mapping is None else mapping.tables)
    return inputs | {files.table: _digest(files.table, files.paths) for files in tables}


def files_fingerprint(files: TableFiles) -> str:
    """SHA-256 of the content of one table's files; InputError if a file cannot be read."""
    return _digest(files.table, files.paths)


def _digest(table: str, paths: Iterable[Place]) -> str:
    own = sorted(_file_digest(table, path) for given in paths for path in _content(given))
    return hashlib.sha256("".join(own).encode()).hexdigest()


def _content(path: Place) -> list[Place]:
    """The file itself; of a Delta table its log, which names the files that hold its rows and never change."""
    return sorted((path / "_delta_log").iterdir()) if path.is_dir() else [path]


def _file_digest(table: str, path: Place) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{table}: {path} cannot be read: {error.strerror or error}") from error
