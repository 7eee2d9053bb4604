"""The folder for staged copies of delivered files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from creatorpool.errors import InputError
from creatorpool.ingest.reading import is_plain_name


@contextmanager
def staging_folder(root: Path | str, run_id: str) -> Iterator[Path]:
    """A folder for the run's copies, which is deleted when the block ends.

    It is beside the tables under `root`, so that every executor can read it; if `root` is a URI or not a plain name, it
    is in the folder for temporary files. Copies that killed runs left are deleted first: only one ingestion of a root
    runs at a time.

    Raises
    ------
    InputError
        If the folder for temporary files has a folder of the same name that belongs to another user.
    """
    place = _place(root)
    shutil.rmtree(place, ignore_errors=True)
    try:
        yield place / run_id
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _place(root: Path | str) -> Path:
    if isinstance(root, Path) and is_plain_name(root):
        return root / "_staging"
    own = Path(gettempdir()) / f"creatorpool-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or own.stat().st_uid != os.getuid():
        raise InputError(f"{own} must belong to this user, because deliveries are staged there: remove it")
    return own / sha256(str(root).encode()).hexdigest()
