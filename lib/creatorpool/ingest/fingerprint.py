"""The fingerprint of a delivery: whether two deliveries have the same files, whatever these are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from creatorpool.errors import InputError
from creatorpool.ingest.delivery import delivered_files
from creatorpool.ingest.kuairand import kuairand_files
from creatorpool.settings import IngestSettings


def delivery_fingerprint(source: Path, settings: IngestSettings) -> dict[str, str]:
    """SHA-256 of the content of the files of each table in `source`, by table.

    Raises
    ------
    InputError
        If a table is missing or a file cannot be read.
    """
    if settings.format == "kuairand":
        return {name: _digest(name, paths) for name, paths in kuairand_files(source).items()}
    return {files.table: _digest(files.table, files.paths) for files in delivered_files(source)}


def _digest(table: str, paths: Iterable[Path]) -> str:
    own = sorted(_file_digest(table, path) for path in paths)
    return hashlib.sha256("".join(own).encode()).hexdigest()


def _file_digest(table: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{table}: {path} cannot be read: {error.strerror}") from error
