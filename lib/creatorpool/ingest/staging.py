"""The folder for copies of what engines would misread."""

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
    """A folder for the run's copies, beside the tables under `root` so that every executor sees it; gone afterwards.

    What runs left that ended before they could clean up goes first: one ingestion of a root runs at a time.

    Raises
    ------
    InputError
        If the tables are elsewhere and the folder of temporary files has one by our name that is not ours.
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
        raise InputError(f"{own} must be a folder of this user alone: deliveries are staged there")
    return own / sha256(str(root).encode()).hexdigest()
